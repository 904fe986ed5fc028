# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How the episodes of a dataset ended."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from inril_ros.data.lerobot.format import LeRobotError, REWARD, SUCCESS, TRUNCATED
from inril_ros.robot.episode import EpisodeOutcome


def outcomes(
    frames: Mapping[str, np.ndarray], episodes: Sequence[np.ndarray],
    given: EpisodeOutcome | None,
) -> tuple[list[EpisodeOutcome], str]:
    """Return the outcome of each episode, and a sentence on where it is from.

    ``next.success`` counts before all else, then what the user says, then rewards that are 0 or 1
    only. Any other reward measures progress and says nothing about success.

    Args:
        frames: The dataset's columns.
        episodes: Row numbers of each episode's frames, in their order.
        given: The outcome of episodes for which the dataset has none.

    Raises:
        LeRobotError: The rewards don't say it, and ``given`` is None.
    """
    if SUCCESS in frames:
        found = [_outcome(frames, rows, (frames[SUCCESS][rows] > 0.5).any()) for rows in episodes]
        passed = sum(outcome is EpisodeOutcome.SUCCESS and frames[SUCCESS][rows[-1]] < 0.5
                     for outcome, rows in zip(found, episodes, strict=True))
        return found, (f'{_counted(found)} by {SUCCESS}'
                       + (f'; in {passed} of them it is true before the end and false at the end'
                          if passed else ''))
    if given is not None:
        return [given] * len(episodes), f'{_counted([given] * len(episodes))}, as you said'
    if REWARD not in frames:
        found = [EpisodeOutcome.SUCCESS] * len(episodes)
        return found, (f'{_counted(found)}: the dataset has neither {SUCCESS} nor {REWARD}, so '
                       'each episode counts as a success; --outcome says another')
    rewards = np.concatenate([frames[REWARD][rows] for rows in episodes])
    if not np.isin(rewards, (0.0, 1.0)).all():
        raise LeRobotError(
            f'{REWARD} goes from {rewards.min():.4g} to {rewards.max():.4g}, which does not say '
            f'whether an episode succeeded, and there is no {SUCCESS}: give --outcome success, '
            'failure or time_limit')
    found = [_outcome(frames, rows, (frames[REWARD][rows] > 0.0).any()) for rows in episodes]
    return found, f'{_counted(found)} by {REWARD}, which is 0 or 1'


def _outcome(
    frames: Mapping[str, np.ndarray], rows: np.ndarray, success: bool,
) -> EpisodeOutcome:
    if success:
        return EpisodeOutcome.SUCCESS
    ended = TRUNCATED in frames and (frames[TRUNCATED][rows] > 0.5).any()
    return EpisodeOutcome.TIME_LIMIT if ended else EpisodeOutcome.FAILURE


def _counted(found: Sequence[EpisodeOutcome]) -> str:
    return ', '.join(f'{number} {outcome.name.lower()}'
                     for outcome, number in Counter(found).items())
