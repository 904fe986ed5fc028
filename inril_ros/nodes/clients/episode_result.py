# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What became of an episode that was asked for, and which version acts until it is released."""

from dataclasses import dataclass

from inril_ros.data.frames.tick_account import account_in
from inril_ros.robot.episode import EpisodeOutcome


@dataclass(frozen=True)
class EpisodeResult:
    """The result of an episode.

    Attributes:
        episode_id: UUID.
        outcome: How it ended.
        ticks: Number of executed actions.
        saved: Whether the recorder kept it.
        reason: The bag's path, or why the episode was aborted or discarded.
        weights_version: Version that acted when it ended.
        sequence: Number of transitions journaled when it was saved.
        person_ticks: Number of actions that a person commanded.
        interrupted: It was aborted by a person, or by a stop after which a person resumes.
        cause: Why it ended, where that was said: the verdict's reason, or why it was aborted.
    """

    episode_id: str
    outcome: EpisodeOutcome
    ticks: int
    saved: bool
    reason: str
    weights_version: int
    sequence: int
    person_ticks: int
    interrupted: bool = False
    cause: str = ''

    @property
    def account(self) -> str:
        """Which of its ticks can't be learned from in full, and why; empty if all can."""
        return account_in(self.reason)

    @property
    def fate(self) -> str:
        """What became of its record: kept, in part, discarded, or aborted."""
        if self.outcome is EpisodeOutcome.ABORTED:
            return 'aborted'
        if not self.saved:
            return 'discarded'
        return 'in part' if self.account else 'kept'

    @property
    def success(self) -> bool:
        """Whether the policy succeeded without a person: a demonstration is no success of it."""
        return self.outcome is EpisodeOutcome.SUCCESS and not self.person_ticks

    @property
    def rescued(self) -> bool:
        """Whether it succeeded after a person had commanded some of its actions."""
        return self.outcome is EpisodeOutcome.SUCCESS and self.person_ticks > 0


@dataclass(frozen=True)
class HeldVersion:
    """A version that acts until it is released.

    Attributes:
        version: Its number; 0: the model from disk that the policy began with.
        learner_step: RL updates that led to it.
        content_hash: SHA-256 of its weights.
        folder: Name of its model's folder.
    """

    version: int
    learner_step: int
    content_hash: str
    folder: str
