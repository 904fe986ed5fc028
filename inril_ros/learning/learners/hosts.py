# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The hosts by name: the configuration of each, and the class that it configures."""
from __future__ import annotations

from typing import Any

import numpy as np
import torch

from inril_ros.learning.learners.host import Host
from inril_ros.learning.learners.idql import IDQL, IDQLConfig
from inril_ros.learning.policies.policy import Policy

HOSTS: dict[str, tuple[type, type]] = {
    'idql': (IDQLConfig, IDQL),
}
"""Name -> (frozen dataclass of scalars, class of the host)."""

POLICY_KIND = {'rlpd': 'gaussian'}
"""What a host begins with, if that is not a diffusion policy (kind best_of_n)."""


def host_name(config: Any) -> str:
    """Return the name of the host that a configuration belongs to."""
    return next(name for name, (kind, _) in HOSTS.items() if type(config) is kind)


def make_host(config: Any, pretrained: Policy, random: np.random.Generator,
              generator: torch.Generator, device: torch.device) -> Host:
    """Return the host of a configuration, at its beginning; ValueError if it can't use it."""
    return HOSTS[host_name(config)][1](config, pretrained, random, generator, device)
