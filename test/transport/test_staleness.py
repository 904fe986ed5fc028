# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Stale weights are noticed by time and by steps; the newest weights are never stale."""

import pytest

from inril_ros.transport.weights.staleness import Freshness, Staleness, StalenessLimits

LIMITS = StalenessLimits(warn_seconds=10.0, hold_seconds=30.0, warn_steps=100, hold_steps=500)


def test_weights_from_disk_have_no_age_until_a_learner_is_active():
    weights = Staleness(LIMITS)
    assert weights.judge(1e9) is Freshness.FRESH
    weights.note_learner(0, 0, 1e9)
    assert weights.judge(1e9 + 9.0) is Freshness.FRESH
    assert weights.judge(1e9 + 11.0) is Freshness.STALE


def test_the_newest_weights_do_not_age_while_the_learner_has_nothing_new():
    weights = Staleness(LIMITS)
    weights.note_acting(3, 300, 0.0)
    for second in range(100):
        weights.note_learner(3, 300, float(second))
        assert weights.judge(float(second)) is Freshness.FRESH
    assert weights.age(99.0) == 0.0 and weights.lag == 0


@pytest.mark.parametrize(('seconds', 'expected'), [
    (9.0, Freshness.FRESH), (11.0, Freshness.STALE), (31.0, Freshness.TOO_OLD)])
def test_a_silent_learner_is_noticed(seconds, expected):
    weights = Staleness(LIMITS)
    weights.note_acting(3, 300, 100.0)
    weights.note_learner(3, 300, 101.0)
    assert weights.judge(101.0 + seconds) is expected
    assert weights.age(101.0 + seconds) == seconds


@pytest.mark.parametrize(('ahead', 'expected'), [
    (100, Freshness.FRESH), (101, Freshness.STALE), (501, Freshness.TOO_OLD)])
def test_a_learner_too_far_ahead_is_noticed(ahead, expected):
    weights = Staleness(LIMITS)
    weights.note_acting(3, 300, 100.0)
    weights.note_learner(4, 300 + ahead, 100.5)
    assert weights.lag == ahead
    assert weights.judge(101.0) is expected
    weights.note_acting(4, 300 + ahead, 101.0)
    assert weights.judge(101.0) is Freshness.FRESH


def test_a_newer_version_that_never_arrives_makes_the_acting_one_stale():
    weights = Staleness(LIMITS)
    weights.note_acting(3, 300, 100.0)
    for second in range(100, 145):
        weights.note_learner(4, 310, float(second))
    assert weights.judge(144.0) is Freshness.TOO_OLD and weights.lag == 10


def test_without_limits_no_weights_are_stale():
    weights = Staleness(StalenessLimits(warn_seconds=0.0))
    weights.note_acting(1, 1, 0.0)
    weights.note_learner(9, 10**9, 1e9)
    assert weights.judge(2e9) is Freshness.FRESH
