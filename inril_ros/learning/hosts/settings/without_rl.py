# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings of two baselines that improve a clone without reinforcement learning."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inril_ros.learning.hosts.settings.host_config import HostConfig
from inril_ros.learning.hosts.settings.off_policy import IDQLConfig


@dataclass(frozen=True)
class VerifierConfig(IDQLConfig):
    """Settings of the host: a verifier is trained once, on episodes of the clone. All are ours."""

    BOUNDS = {**IDQLConfig.BOUNDS, 'longest_outcome': (1, 10_000)}

    warmup_steps: int = 5000
    """Environment steps of the clone that the verifier is trained on."""
    warmup_updates: int = 4000
    updates_per_step: float = 0.0
    """Updates per step after that; more than 0: it goes on learning from episodes that it chose
    in, which is no longer one step of improvement over the clone."""
    demonstration_share: float = 0.0
    """The demonstrations are somebody else's episodes: by default they are left out."""
    exploration_scale: float = 0.0
    target_candidates: int = 1
    """Nothing is bootstrapped: proposals are not used."""
    renewed: float = 0.0
    longest_outcome: int = 1000
    """Environment steps from an observation within which the end of its episode counts. It must
    be at least the longest episode."""


@dataclass(frozen=True)
class NoiseSearchConfig(HostConfig):
    """Settings of the host. 'GT' marks the paper's (Patil et al. 2026); the others are ours."""

    BOUNDS = {'tickets': (2, 10_000), 'kept_share': (0.05, 0.95), 'episodes_each': (1, 10_000)}

    tickets: int = 8
    """Noises that are tried; a hundred episodes decide between no more."""
    episodes_each: int = 4
    """Episodes in the first round for each noise, and in each further round for each that is
    still in it."""
    kept_share: float = 0.5
    """Share of the noises that stay after a round (successive halving; GT tries all equally)."""

    @property
    def takes_updates(self) -> bool:
        """Return False: the policy changes after episodes."""
        return False

    def control_changes(self, control: str, weight: float) -> dict[str, Any] | None:
        """Return None for each control: there is nothing to replace."""
        return {} if control == 'none' else None
