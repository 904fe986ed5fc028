# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The kinds of policy, by their name in a model's configuration."""
from __future__ import annotations

from inril_ros.learning.plugins import registry
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.denoising_chain import DenoisingChainPolicy
from inril_ros.learning.policies.edited import EditedPolicy
from inril_ros.learning.policies.gaussian import GaussianPolicy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.policies.residual import ResidualPolicy
from inril_ros.learning.policies.steered import SteeredPolicy, TicketPolicy

POLICIES: dict[str, type[Policy]] = {
    'best_of_n': BestOfN,
    'dppo': DenoisingChainPolicy,
    'edited': EditedPolicy,
    'gaussian': GaussianPolicy,
    'residual': ResidualPolicy,
    'steered': SteeredPolicy,
    'ticket': TicketPolicy,
}


def make_policy(config: ModelConfig) -> Policy:
    """Return an untrained policy of the kind that the configuration names.

    Raises:
        PluginError: A plug-in brings this kind, and can't be used.
    """
    if config.kind in POLICIES:
        return POLICIES[config.kind](config)
    found = registry.plugin(registry.POLICIES, config.kind, 'ModelConfig.kind', POLICIES)
    return registry.checked_class(found, Policy, registry.POLICIES, config.kind)(config)
