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


def test_the_first_learner_with_a_valid_version_is_followed_if_no_run_is_configured():
    source = source_accepting('a', run_id='')
    assert (source.run_id, source.collected_run) == ('', 'run')
    assert source.follow(version('a'), 101.0) == ''
    assert (source.run_id, source.learner_id) == ('run', 'a')
    assert source.admit(version('a', 2), 200.0)
    with pytest.raises(WeightsRefused, match='run other is not the run run'):
        source.admit(version('b', run='other'), 999.0)


def test_a_learner_whose_version_is_refused_locks_nobody_out():
    source = AcceptedLearner('')
    assert source.admit(version('forger', run='other'), 100.0)
    assert not source.admit(version('a'), 100.1)  # waits
    assert source.pop_waiting(100.2) is None
    assert source.note_activity('other', 'forger', 101.8) == ''
    assert source.reject(version('forger', run='other'))
    assert source.pop_waiting(101.9) == version('a')
    assert not source.reject(version('forger', run='other'))
    source.follow(version('a'), 102.0)
    assert (source.run_id, source.learner_id) == ('run', 'a')


def test_a_learner_whose_version_never_comes_is_not_waited_for_longer_than_for_a_dead_one():
    source = AcceptedLearner('')
    assert source.admit(version('forger', run='other'), 100.0)
    assert not source.admit(version('a'), 100.5)
    assert source.pop_waiting(100.0 + SILENCE - 0.1) is None
    assert source.pop_waiting(100.0 + SILENCE) == version('a')
    assert source.collected_run == 'run'
    assert not source.admit(version('forger', 2, run='other'), 103.1)


def test_a_learner_of_another_run_is_refused_unless_an_operator_hands_over():
    source = source_accepting('a')
    with pytest.raises(WeightsRefused, match='run other is not the run run; an operator can'):
        source.admit(version('b', run='other'), 999.0)
    source.hand_over()
    assert source.admit(version('b', run='other'), 999.0)
    assert source.run_id == 'run'  # until a version of it is valid
    source.follow(version('b', run='other'), 999.5)
    assert source.run_id == 'other'
    with pytest.raises(WeightsRefused):  # once
        source.admit(version('a'), 1000.0)


def test_a_hand_over_outlives_a_version_that_is_refused():
    source = source_accepting('a')
    source.hand_over()
    assert source.admit(version('forger', run='third'), 101.0)
    assert not source.admit(version('a', 2), 101.1)  # waits, for it may have to go on
    source.reject(version('forger', run='third'))
    assert source.pop_waiting(101.2) == version('a', 2)
    assert source.admit(version('b', run='other'), 101.3)
    assert source.follow(version('b', run='other'), 101.4) == ''
    assert (source.run_id, source.learner_id) == ('other', 'b')


def test_who_waited_while_another_run_was_found_valid_is_refused_with_the_reason():
    source = AcceptedLearner('')
    assert source.admit(version('b', run='other'), 100.0)
    assert not source.admit(version('a', 4), 100.1)
    assert source.follow(version('b', run='other'), 100.2) == (
        'version 4: run run is not the run other; an operator can hand over')
    assert source.pop_waiting(999.0) is None


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
