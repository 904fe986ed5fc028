# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A message with a value that it can't have is refused with the name of the field."""

from contextlib import suppress
import math

from hypothesis import given
from hypothesis import strategies as st
from inril_ros.msg import (
    EpisodeEvent,
    EpisodeRequest,
    ExecutedAction,
    Outcome,
    PolicyStatus,
    Transition,
)
import pytest
from std_msgs.msg import String

from inril_ros.nodes.base.message_bounds import BOUNDS, check_bounds, MOST_TEXT
from inril_ros.nodes.base.serialised_messages import MessageRefused

#: A message of each kind as a node of a graph could send it.
GOOD = {EpisodeEvent: {'event': EpisodeEvent.RESETTING, 'purpose': EpisodeRequest.ROLLOUT},
        EpisodeRequest: {'purpose': EpisodeRequest.ROLLOUT}}


@pytest.mark.parametrize('kind', BOUNDS)
def test_each_bound_is_of_a_field_and_holds_to_the_number(kind):
    good = kind(**GOOD.get(kind, {}))
    check_bounds(good)
    for name, (low, high) in BOUNDS[kind].items():
        whole = isinstance(getattr(good, name), int)
        for value in (low, high):
            check_bounds(kind(**{**GOOD.get(kind, {}), name: value}))
        for value in (low - 1, high + 1) if whole else (low * 2, high * 2, math.nan, math.inf):
            with suppress(AssertionError):  # the type of the field is narrower
                message = kind(**{**GOOD.get(kind, {}), name: value})
                with pytest.raises(MessageRefused, match=f'{kind.__name__}.{name} is'):
                    check_bounds(message)


@pytest.mark.parametrize(('message', 'field'), [
    (EpisodeEvent(event=9, purpose=1), 'EpisodeEvent.event is 9'),
    (EpisodeEvent(event=1, purpose=1, outcome=200), 'EpisodeEvent.outcome is 200'),
    (EpisodeRequest(purpose=0), 'EpisodeRequest.purpose is 0'),
    (ExecutedAction(tick=2**32 - 1), 'ExecutedAction.tick is 4294967295'),
    (Outcome(outcome=3), 'Outcome.outcome is 3'), (Outcome(reward=math.nan), 'Outcome.reward is'),
    (PolicyStatus(weights_version=2**64 - 1), 'PolicyStatus.weights_version is'),
    (EpisodeRequest(purpose=2, task='x' * (MOST_TEXT + 1)), 'EpisodeRequest.task has 10001 char')])
def test_wild_values_are_refused(message, field):
    with pytest.raises(MessageRefused, match=field):
        check_bounds(message)


@given(st.integers(0, 2**64 - 1), st.text(max_size=20))
def test_other_messages_have_no_bounds_here(number, text):
    check_bounds(Transition(sequence=number))
    check_bounds(String(data=text.replace('\0', '')))
