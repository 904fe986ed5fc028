# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every number of a fine-tuning session, in one place."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inril_ros.learning.configuration import from_mapping
from inril_ros.learning.interleave.schedule import checked_m
from inril_ros.learning.interleave.sources import ImitationSource
from inril_ros.learning.policies.model_config import MOST_CANDIDATES


@dataclass(frozen=True)
class SessionConfig:
    """
    Numbers of the host and of the interleaving. Defaults are ours, tuned on Meta-World.

    RL: critic on windows of the replay. IL: denoising loss of the actor.
    """

    gamma: float = 0.99
    """Discount per environment step."""
    updates_per_step: float = 0.5
    """RL updates that each environment step allows, after warm-up."""
    warmup_steps: int = 1500
    """Environment steps before the first update, with plain cloning and exploration noise."""
    warmup_updates: int = 1000
    """RL updates that become due at the end of the warm-up. Until they are done the policy
    acts with one candidate, since an untrained critic chooses at random."""
    batch: int = 128
    """Rows per RL update."""
    positive_share: float = 0.5
    """Share of the RL batch from demonstrations and own successes; the rest is uniform over the
    policy's own rows. Half and half as RLPD (Ball et al. 2023)."""
    critic_learning_rate: float = 5e-4
    """Adam."""
    polyak: float = 0.01
    """Share of the critic that its target takes per RL update."""
    lowest_value: float = 0.0
    highest_value: float = 1.0
    """Range of possible returns: one reward of 1, at success."""
    candidates: int = 16
    """Chunks that the critic chooses from when acting."""
    target_candidates: int = 4
    """Chunks per visited state that the target's maximum ranges over (cached)."""
    m: float | None = 4
    """RL updates per IL update; null or .inf is RL only. An update is one gradient step."""
    imitation_source: str = 'both'
    """demonstrations, own_successes, or both. Until the first own success: demonstrations."""
    demonstration_share: float = 0.5
    """Share of demonstrations in an IL batch of the source 'both'."""
    imitation_learning_rate: float = 3e-4
    """AdamW, separate from the critic's optimiser."""
    imitation_weight_decay: float = 1e-6
    actor_average: float = 0.995
    """Decay per IL update of the moving average of the actor; the average is what acts and
    proposes. 0: the actor itself. The same as in pre-training."""
    imitation_batch: int = 128
    """Rows per IL update, the same whatever the source."""
    heldout_share: float = 0.2
    """Share of the demonstrations kept out of learning; the same as in pre-training."""
    dose_window: int = 500
    """RL updates over which the measured path lengths fade."""

    def __post_init__(self) -> None:
        object.__setattr__(self, 'm', checked_m(self.m))
        ImitationSource(self.imitation_source, self.demonstration_share)
        _between(self, 'gamma', 0.0, 1.0)
        _between(self, 'updates_per_step', 0.0, 100.0)
        _between(self, 'positive_share', 0.0, 1.0)
        _between(self, 'heldout_share', 0.0, 0.5)
        _between(self, 'polyak', 1e-6, 1.0)
        _between(self, 'critic_learning_rate', 1e-8, 1.0)
        _between(self, 'imitation_learning_rate', 1e-8, 1.0)
        _between(self, 'imitation_weight_decay', 0.0, 1.0)
        _between(self, 'actor_average', 0.0, 0.99999)
        _between(self, 'warmup_steps', 0, 10_000_000)
        _between(self, 'warmup_updates', 0, 10_000_000)
        _between(self, 'batch', 2, 65_536)
        _between(self, 'imitation_batch', 2, 65_536)
        _between(self, 'candidates', 1, MOST_CANDIDATES)
        _between(self, 'target_candidates', 1, MOST_CANDIDATES)
        _between(self, 'dose_window', 1, 10_000_000)
        if not self.lowest_value < self.highest_value:
            raise ValueError(f'SessionConfig: lowest_value {self.lowest_value} is not below '
                             f'highest_value {self.highest_value}')

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> SessionConfig:
        """Read plain data; ValueError for unknown keys, wrong types and values out of range."""
        return from_mapping(cls, values)


def _between(config: SessionConfig, name: str, low: float, high: float) -> None:
    value = getattr(config, name)
    if not low <= value <= high:
        raise ValueError(f'SessionConfig.{name}: {value} is not in [{low}, {high}]')
