# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a policy lacks is sent again at once, and no more than that however often it asks."""

from hypothesis import given
from hypothesis import strategies as st

from inril_ros.transport.weights.resend_budget import AT_ONCE, PERIOD, ResendBudget

requests = st.lists(st.tuples(st.floats(0.0, 10.0), st.integers(1, 50)), max_size=60)


@given(st.integers(1, 50), requests)
def test_no_requests_get_more_than_the_budget(whole, asked):
    budget, now, sent = ResendBudget(0.0), 0.0, 0
    for pause, wanted in asked:
        now += pause
        granted = budget.take(min(wanted, whole), whole, now)
        assert 0 <= granted <= min(wanted, whole)
        sent += granted
    assert sent <= whole * (AT_ONCE + now / PERIOD) + 1e-6


@given(st.integers(1, 50))
def test_a_damaged_version_and_then_its_lost_pieces_are_sent_again_at_once(whole):
    budget = ResendBudget(0.0)
    assert budget.take(whole, whole, 0.0) == whole
    assert budget.take(whole, whole, 0.0) == whole
    assert budget.take(1, whole, 0.0) == 0
    assert budget.take(whole, whole, PERIOD) == whole


def test_a_clock_that_goes_back_gives_nothing():
    budget = ResendBudget(100.0)
    assert budget.take(2, 1, 100.0) == 2
    assert budget.take(1, 1, 0.0) == 0
