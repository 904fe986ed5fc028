# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The settings of the hosts by name."""
from __future__ import annotations

from dataclasses import replace

from inril_ros.learning.hosts.settings.actor_critic import (
    GaussianActorCriticConfig,
    ResidualSACConfig,
    RLPDConfig,
)
from inril_ros.learning.hosts.settings.host_config import HostConfig
from inril_ros.learning.hosts.settings.off_policy import EXPOConfig, IDQLConfig
from inril_ros.learning.hosts.settings.on_policy import DPPOConfig, ResidualPPOConfig

CONFIGS: dict[str, type[HostConfig]] = {
    'actor_critic': GaussianActorCriticConfig,
    'dppo': DPPOConfig,
    'expo': EXPOConfig,
    'idql': IDQLConfig,
    'residual_ppo': ResidualPPOConfig,
    'residual_sac': ResidualSACConfig,
    'rlpd': RLPDConfig,
}
"""Name of the host -> frozen dataclass of scalars."""

POLICY_KIND = {'actor_critic': 'gaussian', 'rlpd': 'gaussian'}
"""The kind of policy that a host begins with, if it is not a diffusion policy (best_of_n)."""


def host_name(config: HostConfig) -> str:
    """Return the name of the host that a configuration belongs to."""
    return next(name for name, kind in CONFIGS.items() if type(config) is kind)


def with_control(config: HostConfig, control: str, weight: float) -> HostConfig:
    """Return a host's configuration with the settings that a control replaces.

    Raises:
        ValueError: The host has no such control.
    """
    changes = config.control_changes(control, weight)
    if changes is None:
        raise ValueError(f'control {control!r} does not exist for the host {host_name(config)}')
    return replace(config, **changes)
