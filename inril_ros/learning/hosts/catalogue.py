# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The hosts by name: the configuration of each, and the class that it configures."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from inril_ros.learning.exploration import ExplorationConfig
from inril_ros.learning.hosts.dppo import DPPO, DPPOConfig
from inril_ros.learning.hosts.host import Host
from inril_ros.learning.hosts.idql import IDQL, IDQLConfig
from inril_ros.learning.hosts.residual_ppo import ResidualPPO, ResidualPPOConfig
from inril_ros.learning.hosts.residual_sac import ResidualSAC, ResidualSACConfig
from inril_ros.learning.hosts.rlpd import RLPD, RLPDConfig
from inril_ros.learning.policies.policy import Policy

HOSTS: dict[str, tuple[type, type]] = {
    'dppo': (DPPOConfig, DPPO),
    'idql': (IDQLConfig, IDQL),
    'residual_ppo': (ResidualPPOConfig, ResidualPPO),
    'residual_sac': (ResidualSACConfig, ResidualSAC),
    'rlpd': (RLPDConfig, RLPD),
}
"""Name -> (frozen dataclass of scalars, class of the host)."""

POLICY_KIND = {'rlpd': 'gaussian'}
"""What a host begins with, if that is not a diffusion policy (kind best_of_n)."""


_KL_WEIGHT = {'rlpd': 'kl_weight', 'residual_sac': 'kl_weight', 'dppo': 'clone_weight'}


def host_name(config: Any) -> str:
    """Return the name of the host that a configuration belongs to."""
    return next(name for name, (kind, _) in HOSTS.items() if type(config) is kind)


def exploration_of(config: Any) -> ExplorationConfig | None:
    """Return the noise that whoever acts adds while learning, as the host itself would say."""
    if hasattr(config, 'exploration_scale'):
        return ExplorationConfig(scale=config.exploration_scale)
    return HOSTS[host_name(config)][1].exploration


def make_host(config: Any, pretrained: Policy, random: np.random.Generator,
              generator: torch.Generator, device: torch.device) -> Host:
    """Return the host of a configuration, at its beginning; ValueError if it can't use it."""
    return HOSTS[host_name(config)][1](config, pretrained, random, generator, device)


def with_control(config: Any, control: str, weight: float) -> Any:
    """Return a host's configuration with the part of a control that is the host's affair.

    Raises:
        ValueError: The control is none for this host.
    """
    changes = {
        'shuffled_advantages': {'shuffled_advantages': True},
        'kl_to_pretrained': {_KL_WEIGHT.get(host_name(config), ''): weight},
        # Nothing chooses: what is left of RL has no effect on what acts.
        'no_critic': {'candidates': 1} if hasattr(config, 'candidates') else {},
    }.get(control, {})
    missing = [name for name in changes if not hasattr(config, name)]
    # Rewards are shuffled before they reach the host; one that learns from each rollout once has
    # shuffled advantages instead.
    if missing or control == 'shuffled_rewards' and not hasattr(config, 'updates_per_step'):
        raise ValueError(f'control {control!r} does not exist for the host {host_name(config)}')
    return replace(config, **changes)
