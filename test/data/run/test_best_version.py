# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The version that a run keeps is that with the best lower bound of its success, not the last."""

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from inril_ros.data.run.estimates import success_rate
from inril_ros.data.run.evaluation_blocks import EvaluationBlocks
from inril_ros.data.run.judgements import (
    best_version,
    choice_in_words,
    complete_blocks,
    judged_versions,
)


def block(version, outcomes, number=0, of=None):
    """Return the rows of one block: 1 is a success."""
    return [{'block': number, 'episode': index, 'of': of or len(outcomes), 'version': version,
             'learner_step': 100 * version, 'content_hash': f'{version:064x}',
             'folder': f'{version:04d}', 'env_steps': 50 * version, 'success': bool(outcome),
             'ticks': 7} for index, outcome in enumerate(outcomes)]


def run_of(*blocks):
    return [row for number, (version, outcomes) in enumerate(blocks)
            for row in block(version, outcomes, number)]


COUNTS = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 8)).map(
    lambda pair: [1] * min(pair) + [0] * (pair[1] - min(pair))), min_size=1, max_size=8)


def test_a_run_whose_success_falls_after_its_best_keeps_its_best():
    rows = run_of((0, [1] * 4 + [0] * 6), (3, [1] * 9 + [0]), (7, [1] * 5 + [0] * 5))
    judged = judged_versions(rows)
    assert best_version(judged).version == 3
    assert choice_in_words(judged) == (
        'version 3, after 150 steps: 9 of 10 = 90 % [60, 98]; its lower bound is the highest of 3 '
        'versions, and above the rate of the newest, version 7: 5 of 10 = 50 % [24, 76]')


def test_an_older_version_that_was_not_shown_to_be_better_is_not_kept():
    """Its higher rate, and bound, may be luck: of many short blocks some are lucky."""
    judged = judged_versions(run_of((3, [1] * 9 + [0]), (7, [1] * 6 + [0] * 4)))
    assert judged[0].rate.low > judged[1].rate.low
    assert best_version(judged).version == 7
    assert choice_in_words(judged) == (
        'version 7, after 350 steps: 6 of 10 = 60 % [31, 83]; it is the newest, and none of 1 '
        'before it has a lower bound above its rate')


def test_the_clone_is_kept_if_everything_became_worse():
    judged = judged_versions(run_of((0, [1, 1, 0]), (3, [1, 0, 0]), (7, [0, 0, 0])))
    assert best_version(judged).version == 0
    assert choice_in_words(judged).startswith('the clone (version 0), after 0 steps: 2 of 3')


def test_of_two_older_versions_the_one_with_more_episodes_at_a_rate_is_the_better():
    judged = judged_versions(run_of((1, [1] * 8 + [0] * 2), (2, [1] * 4 + [0]), (3, [0] * 5)))
    assert best_version(judged).version == 1


def test_blocks_of_the_same_weights_count_together():
    rows = run_of((2, [1, 1, 0]), (3, [0, 0, 0]), (2, [1, 1, 1]))
    judged = judged_versions(rows)
    assert [(each.version, each.successes, each.episodes) for each in judged] == [
        (2, 5, 6), (3, 0, 3)]
    assert best_version(judged).version == 2


@settings(max_examples=60, deadline=None)
@given(COUNTS)
def test_an_older_version_is_kept_only_for_its_bound_and_ties_go_to_the_newer(outcomes):
    judged = judged_versions(run_of(*enumerate(outcomes)))
    best = best_version(judged)
    bounds = [success_rate(sum(each), len(each)).low for each in outcomes]
    newest = len(outcomes) - 1
    if max(bounds) > sum(outcomes[-1]) / len(outcomes[-1]):
        assert best.version == max(version for version, low in enumerate(bounds)
                                   if low == max(bounds))
    else:
        assert best.version == newest
    assert choice_in_words(judged).startswith(best.name)


@settings(max_examples=60, deadline=None)
@given(COUNTS, st.data())
def test_a_run_that_was_killed_judges_by_its_complete_blocks(outcomes, data):
    """And begins the interrupted one again, whose first rows stay in the file."""
    rows = run_of(*enumerate(outcomes))
    cut = data.draw(st.integers(0, len(rows)))
    lengths = [len(each) for each in outcomes]
    whole = sum(sum(lengths[:number + 1]) <= cut for number in range(len(lengths)))
    assert complete_blocks(rows[:cut]) == complete_blocks(rows)[:whole]
    resumed = rows[:cut] + [row for row in rows if row['version'] >= whole]
    assert complete_blocks(resumed) == complete_blocks(rows)


def test_a_block_in_which_another_version_came_to_act_judges_nothing():
    rows = [*block(4, [1, 1], of=4), *block(5, [1, 1, 1, 1])[2:], *block(6, [0, 0])]
    assert [each.version for each in judged_versions(rows)] == [6]


def test_without_a_judged_version_there_is_no_best():
    with pytest.raises(ValueError, match='no version was judged'):
        best_version([])
    with pytest.raises(ValueError, match='episodes: 0 is not in'):
        EvaluationBlocks(episodes=0)
