# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The histogram of tick gaps counts each gap once, in its bin."""

from hypothesis import given
from hypothesis import strategies as st
import pytest

from inril_ros.robot.timing.pacing import GapHistogram


@given(st.lists(st.lists(st.floats(0.0, 3.0), max_size=8), max_size=5), st.booleans())
def test_every_gap_within_an_episode_is_counted_once(episodes, paced):
    histogram = GapHistogram(0.1, paced)
    gaps, now = [], 0.0
    for episode in episodes:
        histogram.begin()
        now += 100.0  # between episodes
        histogram.tick(now)
        for gap in episode:
            before, now = now, now + gap
            gaps.append(now - before)
            histogram.tick(now)
    edges = (-1.0, *histogram.edges, float('inf'))
    assert histogram.counts == [sum(low < gap <= high for gap in gaps)
                                for low, high in zip(edges, edges[1:], strict=False)]
    assert histogram.worst == max(gaps, default=0.0)
    assert histogram.misses == (sum(gap > 0.1 * 1.5 for gap in gaps) if paced else 0)


@pytest.mark.parametrize(('gap', 'bin_index'), [
    (0.0, 0), (0.025, 0), (0.0999, 4), (0.105, 4), (0.115, 5), (0.99, 10), (1.5, 11)])
def test_bins_are_shares_of_the_period_and_the_last_is_open(gap, bin_index):
    histogram = GapHistogram(0.1, paced=True)
    histogram.tick(0.0)
    histogram.tick(gap)
    assert histogram.counts.index(1) == bin_index
    assert len(histogram.counts) == len(histogram.edges) + 1


def test_the_first_tick_of_an_episode_has_no_gap():
    histogram = GapHistogram(0.1, paced=True)
    histogram.tick(0.0)
    histogram.begin()
    histogram.tick(5.0)
    assert (sum(histogram.counts), histogram.worst, histogram.misses) == (0, 0.0, 0)


@pytest.mark.parametrize(('gap', 'missed'), [(0.149, 0), (0.151, 1)])
def test_a_tick_that_is_more_than_half_a_period_late_is_a_miss(gap, missed):
    histogram = GapHistogram(0.1, paced=True)
    histogram.tick(0.0)
    histogram.tick(gap)
    assert histogram.misses == missed
