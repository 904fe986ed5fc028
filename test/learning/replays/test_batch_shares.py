# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The shares of a batch are kept whatever the parts of the data are."""
from __future__ import annotations

from hypothesis import given, settings, strategies
import pytest

from inril_ros.learning.replays.batch_shares import counts_by_share


@pytest.mark.parametrize('own', [1, 400, 40_000])
def test_a_share_does_not_sink_as_the_last_kind_grows(own: int) -> None:
    assert counts_by_share(128, (0.25, 0.1), (300, 20, own)) == [32, 13, 83]


@pytest.mark.parametrize(('available', 'expected'), [
    ((300, 0, 400), [32, 0, 96]), ((0, 20, 400), [0, 13, 115]), ((0, 0, 400), [0, 0, 128]),
    ((300, 0, 0), [128, 0, 0]), ((0, 20, 0), [0, 128, 0])])
def test_the_share_of_a_kind_without_rows_falls_to_the_others(
        available: tuple[int, ...], expected: list[int]) -> None:
    assert counts_by_share(128, (0.25, 0.1), available) == expected


@settings(max_examples=50)
@given(strategies.integers(1, 300), strategies.floats(0.01, 0.99), strategies.floats(0.01, 1),
       strategies.tuples(*[strategies.integers(0, 3)] * 3).filter(any))
def test_a_batch_is_always_full_and_drawn_from_kinds_that_have_rows(
        number: int, first: float, of_the_rest: float, available: tuple[int, ...]) -> None:
    counts = counts_by_share(number, (first, of_the_rest * (1 - first)), available)
    assert sum(counts) == number and min(counts) >= 0
    assert all(rows for count, rows in zip(counts, available) if count)


@pytest.mark.parametrize('available', [(0, 0), (30, 0)])
def test_kinds_without_rows_or_without_a_share_give_nothing(available: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match='no rows'):
        counts_by_share(8, (0.0,), available)
