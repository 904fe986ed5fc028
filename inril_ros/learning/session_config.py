# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""All settings of a fine-tuning session: the host's, and those of interleaving."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
import math
import reprlib
from typing import Any

from inril_ros.learning.configuration import check_range, from_mapping
from inril_ros.learning.hosts.settings.host_config import HostConfig, MOST_STEPS
from inril_ros.learning.hosts.settings.names import config_of, host_name, with_control
from inril_ros.learning.hosts.settings.off_policy import FORMER_SETTINGS, IDQLConfig
from inril_ros.learning.interleave.interleaving_config import InterleavingConfig

DEFAULT_HOST = 'idql'
CLONING_KEYS = ('pretrain', 'model')
"""Keys of a settings file that say how to clone (PretrainConfig, ModelConfig)."""
OTHER_KEYS = ('evaluation', *CLONING_KEYS)
"""Keys of a settings file that are not a session's."""
_EPISODE_CUTS = (0.1, 1000.0)


@dataclass(frozen=True)
class SessionConfig(InterleavingConfig):
    """Settings of the host and of interleaving. Defaults are ours, tuned on Meta-World."""

    host: HostConfig = field(default_factory=IDQLConfig)
    """Configuration of the host; its type selects the host."""
    episode_cut: float | None = 2.0
    """Training episodes end after this many times the mean steps of the demonstrations, never
    above the time limit; null: at the time limit. An episode that is cut counts as truncated."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.episode_cut is not None:
            check_range(self, 'episode_cut', *_EPISODE_CUTS)
        with_control(self.host, self.control, self.control_weight)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> SessionConfig:
        """Read plain data; `host` has the name of the host and its settings.

        Raises:
            ValueError: Unknown keys or hosts, wrong types and values out of range.
        """
        if not isinstance(values, Mapping):
            raise ValueError(f'SessionConfig: expected a mapping, got {type(values).__name__}')
        if 'heldout_share' in values:
            raise ValueError(
                'SessionConfig.heldout_share: which demonstrations are held out is decided when '
                'they are cloned, and fine-tuning holds out the same ones. Remove it here; set '
                'heldout_share of cloning (inril pretrain --heldout-share, or pretrain in a '
                'study)')
        rest = {key: value for key, value in values.items() if key != 'host'}
        return from_mapping(cls, rest, host=_host_config(values.get('host', {})))

    @classmethod
    def of_file(cls, path: object, content: Any) -> SessionConfig:
        """Read the content of a settings file, except its `OTHER_KEYS`.

        Raises:
            ValueError: As `from_mapping`, or the host is for studies only; the message names
                the file.
        """
        try:
            config = cls.of_content(content or {})
            config.check_for_robots()
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from error
        return config

    def check_for_robots(self) -> None:
        """Raise a ValueError if a robot's policy would never hear of what the host finds."""
        if not self.host.takes_updates:
            raise ValueError(f'SessionConfig.host: {host_name(self.host)} is for studies only '
                             '(inril bench): weights reach a robot after updates, and this host '
                             'takes none')

    @classmethod
    def of_content(cls, content: Any) -> SessionConfig:
        """Return as `from_mapping`, from a mapping that may have `OTHER_KEYS` as well."""
        if isinstance(content, Mapping):
            content = {key: value for key, value in content.items() if key not in OTHER_KEYS}
        return cls.from_mapping(content)

    def longest_episode(self, demonstrated: float) -> int | None:
        """Return the steps after which a training episode is cut, or None: at the time limit.

        Args:
            demonstrated: Mean number of steps of the demonstrations.
        """
        if self.episode_cut is None:
            return None
        # Rounded, because 1.1 x 100 steps is a little more than 110.
        return math.ceil(round(self.episode_cut * demonstrated, 6))

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data that `from_mapping` reads."""
        name = host_name(self.host)
        host = {'name': name, **asdict(self.host), **_former(name)}
        # Added later: the hashes of runs and saved sessions without it stay as they are.
        if name in ('idql', 'expo') and host['replay_capacity'] == MOST_STEPS:
            del host['replay_capacity']
        return {**asdict(self), 'host': host}


def _former(host: str) -> Mapping[str, Any]:
    return FORMER_SETTINGS if host == 'idql' else {}


def _host_config(values: Any) -> HostConfig:
    if isinstance(values, str):
        values = {'name': values}
    if not isinstance(values, Mapping):
        raise ValueError(f'SessionConfig.host: expected a name or a mapping with the key name, '
                         f'got {reprlib.repr(values)}')
    name = values.get('name', DEFAULT_HOST)
    return from_mapping(config_of(name, 'SessionConfig.host'), {
        key: value for key, value in values.items()
        if key != 'name' and key not in _former(name)})
