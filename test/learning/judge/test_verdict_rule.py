# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""k of the last n frames decide."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.learning.judge.verdict_rule import VerdictRule


@pytest.mark.parametrize(('needed', 'of', 'first'), [(1, 1, 1), (2, 2, 4), (2, 3, 3), (3, 3, 5)])
def test_the_first_frame_at_which_enough_of_the_last_ones_agree(needed, of, first):
    probabilities = np.array([0.1, 0.9, 0.2, 0.8, 0.95, 0.9])
    assert VerdictRule(0.8, needed, of).first(probabilities) == first


def test_a_single_bright_frame_ends_nothing():
    assert VerdictRule(0.5, 2, 2).first(np.array([0.0, 1.0, 0.0, 1.0, 0.0])) is None


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40),
       st.integers(1, 6), st.integers(1, 6), st.floats(0.01, 1.0))
def test_it_agrees_with_counting(values, needed, of, threshold):
    needed, of = sorted((needed, of))
    rule, said = VerdictRule(threshold, needed, of), None
    for index in range(len(values)):
        if sum(value >= threshold for value in values[max(0, index - of + 1):index + 1]) >= needed:
            said = index
            break
    assert rule.first(np.array(values)) == said


def test_more_frames_than_are_looked_at_are_refused():
    with pytest.raises(ValueError, match='needed: 4 is more than of, 3'):
        VerdictRule(0.5, 4, 3)
    with pytest.raises(ValueError, match='threshold'):
        VerdictRule(1.5)
