# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recorded episodes as the learning code takes them: actions in -1..1, success or not."""

from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.learning.experience import Episode
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.episode import EpisodeOutcome


def learning_episode(recorded: RecordedEpisode, contract: Contract) -> Episode:
    """Return a recorded episode as experience of the learner."""
    outcome = EpisodeOutcome(recorded.outcome)
    return Episode(
        observations=recorded.observations,
        actions=contract.normalise_action(recorded.actions),
        rewards=recorded.rewards,
        terminated=outcome in (EpisodeOutcome.SUCCESS, EpisodeOutcome.FAILURE),
        success=outcome is EpisodeOutcome.SUCCESS,
        images=recorded.images)
