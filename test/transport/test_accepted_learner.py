# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Only one of two learners is accepted; after it was killed, its successor is."""

from hypothesis import given
from hypothesis import strategies as st
import pytest

from inril_ros.transport.weights.accepted_learner import AcceptedLearner, SILENCE
from inril_ros.transport.weights.manifest import Manifest, WeightsRefused


def version(learner, number=1, run='run'):
    return Manifest(run, number, number - 1, 0, '{}', 's', 'h', 'c', 1, 1, learner_id=learner)


def source_accepting(learner, run_id='run'):
    source = AcceptedLearner(run_id)
    assert source.admit(version(learner, run='run'), 100.0)
    return source


def test_the_first_learner_is_accepted_with_its_run_if_none_is_configured():
    source = source_accepting('a', run_id='')
    assert (source.run_id, source.learner_id) == ('run', 'a')
    assert source.admit(version('a', 2), 200.0)


def test_a_learner_of_another_run_is_refused_unless_an_operator_hands_over():
    source = source_accepting('a')
    with pytest.raises(WeightsRefused, match='run other is not the run run; an operator can'):
        source.admit(version('b', run='other'), 999.0)
    source.hand_over()
    assert source.admit(version('b', run='other'), 999.0)
    assert source.run_id == 'other'
    with pytest.raises(WeightsRefused):  # once
        source.admit(version('a'), 1000.0)


def test_a_restarted_learner_is_accepted_once_the_killed_one_has_been_silent():
    source = source_accepting('a')
    assert not source.admit(version('b', 5), 100.5)
    assert source.note_activity('run', 'a', 100.6) == ''  # its last message, late
    assert source.pop_waiting(100.6 + SILENCE - 0.1) is None
    assert source.pop_waiting(100.6 + SILENCE) == version('b', 5)
    assert source.pop_waiting(999.0) is None
    assert source.admit(version('b', 6), 100.7 + SILENCE)
    assert not source.admit(version('a', 7), 100.8 + SILENCE)


def test_a_second_learner_is_refused_while_the_first_is_active():
    source, now = source_accepting('a'), 100.0
    assert not source.admit(version('b', 8), now)
    refusals = []
    for _ in range(10):
        now += 0.5
        refusals.append(source.note_activity('run', 'a', now))
        source.note_activity('run', 'b', now)
        source.note_activity('other', 'a', now)
        assert source.pop_waiting(now) is None
    assert [text for text in refusals if text] == [
        'version 8: learner b is a second one: a is still at work in this run']


@given(st.lists(st.tuples(st.sampled_from('ab'), st.floats(0.0, 1.4)), max_size=60))
def test_a_second_learner_s_weights_are_never_accepted_while_the_first_is_active(events):
    """Both announce themselves and send at any time; the first one is never silent for long."""
    source, now = source_accepting('a'), 100.0
    for learner, pause in events:
        now += pause
        source.note_activity('run', 'a', now)
        admitted = source.admit(version(learner), now)
        assert admitted == (learner == 'a')
        assert source.pop_waiting(now) is None
        assert source.learner_id == 'a'
