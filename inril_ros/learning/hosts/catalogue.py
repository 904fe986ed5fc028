# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The hosts by name: the configuration of each one, and the class that it configures."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from inril_ros.learning.hosts.dppo import DPPO, DPPOConfig
from inril_ros.learning.hosts.expo import EXPO, EXPOConfig
from inril_ros.learning.hosts.gaussian_actor_critic import (
    GaussianActorCritic,
    GaussianActorCriticConfig,
    RLPDConfig,
)
from inril_ros.learning.hosts.host import Host, HostConfig
from inril_ros.learning.hosts.idql import IDQL, IDQLConfig
from inril_ros.learning.hosts.residual_ppo import ResidualPPO, ResidualPPOConfig
from inril_ros.learning.hosts.residual_sac import ResidualSAC, ResidualSACConfig
from inril_ros.learning.policies.policy import Policy

HOSTS: dict[str, tuple[type[HostConfig], type[Host[Any]]]] = {
    'actor_critic': (GaussianActorCriticConfig, GaussianActorCritic),
    'dppo': (DPPOConfig, DPPO),
    'expo': (EXPOConfig, EXPO),
    'idql': (IDQLConfig, IDQL),
    'residual_ppo': (ResidualPPOConfig, ResidualPPO),
    'residual_sac': (ResidualSACConfig, ResidualSAC),
    'rlpd': (RLPDConfig, GaussianActorCritic),
}
"""Name -> (frozen dataclass of scalars, class of the host)."""

POLICY_KIND = {'actor_critic': 'gaussian', 'rlpd': 'gaussian'}
"""The kind of policy that a host begins with, if it is not a diffusion policy (best_of_n)."""


def host_name(config: HostConfig) -> str:
    """Return the name of the host that a configuration belongs to."""
    return next(name for name, (kind, _) in HOSTS.items() if type(config) is kind)


def make_host(config: HostConfig, pretrained: Policy, random: np.random.Generator,
              generator: torch.Generator, device: torch.device) -> Host[Any]:
    """Return a new host; ValueError if it can't begin with the policy."""
    return HOSTS[host_name(config)][1](config, pretrained, random, generator, device)


def with_control(config: HostConfig, control: str, weight: float) -> HostConfig:
    """Return a host's configuration with the settings that a control replaces.

    Raises:
        ValueError: The host has no such control.
    """
    changes = config.control_changes(control, weight)
    if changes is None:
        raise ValueError(f'control {control!r} does not exist for the host {host_name(config)}')
    return replace(config, **changes)
