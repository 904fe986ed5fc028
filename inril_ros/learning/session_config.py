# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every number of a fine-tuning session, in one place: the host's, and those of interleaving."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from inril_ros.learning.configuration import check_range, from_mapping
from inril_ros.learning.interleave.schedule import checked_m
from inril_ros.learning.interleave.sources import ImitationSource
from inril_ros.learning.learners.hosts import host_name, HOSTS
from inril_ros.learning.learners.idql import IDQLConfig


@dataclass(frozen=True)
class SessionConfig:
    """Numbers of the host and of the interleaving. Defaults are ours, tuned on Meta-World."""

    host: Any = field(default_factory=IDQLConfig)
    """Configuration of the host; its type says which host it is."""
    m: float | None = 4
    """RL updates per IL update; null or .inf is RL only. An update is one gradient step."""
    imitation_source: str = 'both'
    """demonstrations, own_successes, interventions, both (demonstrations and own successes) or
    mixture (all three). While a source is empty: demonstrations."""
    demonstration_share: float = 0.5
    """Share of demonstrations in an IL batch of the sources both and mixture."""
    intervention_share: float = 0.0
    """Share of interventions in an IL batch of the source mixture."""
    imitation_learning_rate: float = 3e-4
    """AdamW, separate from the optimisers of RL."""
    imitation_weight_decay: float = 1e-6
    imitation_batch: int = 128
    """Rows per IL update, the same whatever the source."""
    heldout_share: float = 0.2
    """Share of the demonstrations kept out of learning; the same as in pre-training."""
    dose_window: int = 500
    """RL updates over which the measured path lengths fade."""

    def __post_init__(self) -> None:
        object.__setattr__(self, 'm', checked_m(self.m))
        ImitationSource(self.imitation_source, self.demonstration_share, self.intervention_share)
        check_range(self, 'heldout_share', 0.0, 0.5)
        check_range(self, 'imitation_learning_rate', 1e-8, 1.0)
        check_range(self, 'imitation_weight_decay', 0.0, 1.0)
        check_range(self, 'imitation_batch', 2, 65_536)
        check_range(self, 'dose_window', 1, 10_000_000)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> SessionConfig:
        """
        Read plain data: the fields, and under `host` its name and what differs from its defaults.

        :raises ValueError: unknown keys or hosts, wrong types and values out of range
        """
        if not isinstance(values, Mapping):
            raise ValueError(f'SessionConfig: expected a mapping, got {type(values).__name__}')
        rest = {key: value for key, value in values.items() if key != 'host'}
        return from_mapping(cls, rest, host=_host_config(values.get('host', {})))

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data that `from_mapping` reads."""
        return {**asdict(self), 'host': {'name': host_name(self.host), **asdict(self.host)}}


def _host_config(values: Any) -> Any:
    if isinstance(values, str):
        values = {'name': values}
    if not isinstance(values, Mapping):
        raise ValueError(f'SessionConfig.host: expected a name or a mapping with the key name, '
                         f'got {values!r}')
    name = values.get('name', 'idql')
    if name not in HOSTS:
        raise ValueError(f'SessionConfig.host: {name!r} is unknown; allowed are {sorted(HOSTS)}')
    return from_mapping(HOSTS[name][0],
                        {key: value for key, value in values.items() if key != 'name'})
