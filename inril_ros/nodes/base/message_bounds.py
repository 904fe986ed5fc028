# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The values that the fields of our messages can have; a message with others is refused.

Nobody of a graph sends others, but anyone in the ROS domain could, and a node copies some of them
into its own counts, compares with them, or looks them up. Transitions and the numbers of a journal
are not here: a record that is never taken has to be answered (``nodes/learner/ingestion``).
"""

from typing import Any

from inril_ros.msg import (
    ActionChunk,
    ActuationStatus,
    EpisodeEvent,
    EpisodeRequest,
    ExecutedAction,
    LearnerStatus,
    Outcome,
    PolicyStatus,
)
from inril_ros.nodes.base.serialised_messages import MessageRefused
from inril_ros.robot.contract.rules import MOST_REWARD
from inril_ros.transport.weights.version_numbers import MOST as MOST_COUNTED

#: Ticks of an episode, at most: a day at 100 Hz.
MOST_TICKS = 10_000_000
#: Characters of a text for people, at most.
MOST_TEXT = 10_000

_TICKS, _COUNT = (0, MOST_TICKS), (0, MOST_COUNTED)
_EPISODE = {'purpose': (EpisodeRequest.DEMONSTRATION, EpisodeRequest.EVALUATION)}

#: Lowest and highest value of each field that has a bound.
BOUNDS: dict[type, dict[str, tuple[float, float]]] = {
    ActionChunk: {'first_tick': _TICKS, 'steps': _TICKS, 'weights_version': _COUNT},
    ActuationStatus: {'ticks': _COUNT, 'person_ticks': _COUNT},
    EpisodeEvent: {
        **_EPISODE, 'event': (EpisodeEvent.RESETTING, EpisodeEvent.HANDED_BACK),
        'outcome': (EpisodeEvent.UNKNOWN, EpisodeEvent.ABORTED), 'tick': _TICKS},
    EpisodeRequest: _EPISODE,
    ExecutedAction: {
        'source': (ExecutedAction.HOLD, ExecutedAction.TELEOP), 'tick': _TICKS,
        'chunk_first_tick': _TICKS, 'weights_version': _COUNT},
    LearnerStatus: dict.fromkeys(
        ('env_steps', 'episodes', 'rl_updates', 'il_updates', 'updates_due', 'weights_version'),
        _COUNT),
    Outcome: {'outcome': (Outcome.RUNNING, Outcome.FAILURE),
              'reward': (-MOST_REWARD, MOST_REWARD)},
    PolicyStatus: {
        **dict.fromkeys(('weights_version', 'learner_step', 'good_version', 'refused_version'),
                        _COUNT),
        'freshness': (PolicyStatus.FRESH, PolicyStatus.TOO_OLD)},
}
_TEXTS = {kind: tuple(name for name, field in kind.get_fields_and_field_types().items()
                      if field == 'string') for kind in BOUNDS}


def check_bounds(message: Any) -> None:
    """Check that the fields of a message have values that they can have.

    Raises:
        MessageRefused: One hasn't; the text names it.
    """
    kind = type(message)
    for name, (low, high) in BOUNDS.get(kind, {}).items():
        value = getattr(message, name)
        if not low <= value <= high:  # NaN isn't either
            raise MessageRefused(
                f'{kind.__name__}.{name} is {value}, it is from {low} to {high}')
    for name in _TEXTS.get(kind, ()):
        size = len(getattr(message, name))
        if size > MOST_TEXT:
            raise MessageRefused(f'{kind.__name__}.{name} has {size} characters, it has at most '
                                 f'{MOST_TEXT}')
