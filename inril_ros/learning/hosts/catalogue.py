# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The hosts by name: the configuration of each one, and the class that it configures."""
from __future__ import annotations

from typing import Any

import numpy as np
import torch

from inril_ros.learning.hosts.dppo import DPPO
from inril_ros.learning.hosts.dsrl import DSRL
from inril_ros.learning.hosts.expo import EXPO
from inril_ros.learning.hosts.gaussian_actor_critic import GaussianActorCritic
from inril_ros.learning.hosts.host import Host
from inril_ros.learning.hosts.idql import IDQL
from inril_ros.learning.hosts.noise_search import NoiseSearch
from inril_ros.learning.hosts.residual_ppo import ResidualPPO
from inril_ros.learning.hosts.residual_sac import ResidualSAC
from inril_ros.learning.hosts.settings.actor_critic import (
    DSRLConfig,
    GaussianActorCriticConfig,
    ResidualSACConfig,
    RLPDConfig,
)
from inril_ros.learning.hosts.settings.host_config import HostConfig
from inril_ros.learning.hosts.settings.names import host_name
from inril_ros.learning.hosts.settings.off_policy import EXPOConfig, IDQLConfig
from inril_ros.learning.hosts.settings.on_policy import DPPOConfig, ResidualPPOConfig
from inril_ros.learning.hosts.settings.without_rl import NoiseSearchConfig, VerifierConfig
from inril_ros.learning.hosts.verifier import Verifier
from inril_ros.learning.plugins import registry
from inril_ros.learning.plugins.registry import checked_class
from inril_ros.learning.policies.policy import Policy

HOSTS: dict[str, tuple[type[HostConfig], type[Host[Any]]]] = {
    'actor_critic': (GaussianActorCriticConfig, GaussianActorCritic),
    'dppo': (DPPOConfig, DPPO),
    'dsrl': (DSRLConfig, DSRL),
    'expo': (EXPOConfig, EXPO),
    'idql': (IDQLConfig, IDQL),
    'noise_search': (NoiseSearchConfig, NoiseSearch),
    'residual_ppo': (ResidualPPOConfig, ResidualPPO),
    'residual_sac': (ResidualSACConfig, ResidualSAC),
    'rlpd': (RLPDConfig, GaussianActorCritic),
    'verifier': (VerifierConfig, Verifier),
}
"""Name of a built-in host -> (frozen dataclass of scalars, class of the host)."""


def make_host(config: HostConfig, pretrained: Policy, random: np.random.Generator,
              generator: torch.Generator, device: torch.device) -> Host[Any]:
    """Return a new host, built in or of a plug-in.

    Raises:
        ValueError: It can't begin with the policy, or the plug-in can't be used.
    """
    name = host_name(config)
    kind = HOSTS[name][1] if name in HOSTS else checked_class(
        config.host_class(), Host, registry.HOSTS, name)
    return kind(config, pretrained, random, generator, device)
