# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The settings of the hosts by name."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from inril_ros.learning.hosts.settings.actor_critic import (
    DSRLConfig,
    GaussianActorCriticConfig,
    ResidualSACConfig,
    RLPDConfig,
)
from inril_ros.learning.hosts.settings.host_config import HostConfig
from inril_ros.learning.hosts.settings.off_policy import EXPOConfig, IDQLConfig
from inril_ros.learning.hosts.settings.on_policy import DPPOConfig, ResidualPPOConfig
from inril_ros.learning.hosts.settings.without_rl import NoiseSearchConfig, VerifierConfig
from inril_ros.learning.plugins.registry import (
    checked_class,
    HOSTS,
    plugin,
    PluginError,
    registered_name,
)

CONFIGS: dict[str, type[HostConfig]] = {
    'actor_critic': GaussianActorCriticConfig,
    'dppo': DPPOConfig,
    'dsrl': DSRLConfig,
    'expo': EXPOConfig,
    'idql': IDQLConfig,
    'noise_search': NoiseSearchConfig,
    'residual_ppo': ResidualPPOConfig,
    'residual_sac': ResidualSACConfig,
    'rlpd': RLPDConfig,
    'verifier': VerifierConfig,
}
"""Name of a built-in host -> frozen dataclass of scalars."""


def config_of(name: Any, where: str) -> type[HostConfig]:
    """Return the class of the settings of a host, built in or of a plug-in.

    Raises:
        PluginError: No host has this name, or its plug-in can't be used; `where` begins it.
    """
    if isinstance(name, str) and name in CONFIGS:
        return CONFIGS[name]
    return checked_class(plugin(HOSTS, name, where, CONFIGS), HostConfig, HOSTS, name)


def host_name(config: HostConfig) -> str:
    """Return the name of the host that a configuration belongs to.

    Raises:
        PluginError: It belongs to none.
    """
    kind = type(config)
    for name, each in CONFIGS.items():
        if kind is each:
            return name
    name = registered_name(HOSTS, kind)
    if name is None:
        raise PluginError(f'{kind.__name__} belongs to no host: no installed package registers '
                          f'{kind.__module__}:{kind.__qualname__} in the group {HOSTS}')
    return name


def with_control(config: HostConfig, control: str, weight: float) -> HostConfig:
    """Return a host's configuration with the settings that a control replaces.

    Raises:
        ValueError: The host has no such control.
    """
    changes = config.control_changes(control, weight)
    if changes is None:
        raise ValueError(f'control {control!r} does not exist for the host {host_name(config)}')
    return replace(config, **changes)
