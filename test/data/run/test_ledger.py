# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a run cost and when it was good enough, counted by hand and for any records."""

from hypothesis import given
from hypothesis import strategies as st
import pytest

from inril_ros.data.run.estimates import success_rate
from inril_ros.data.run.ledger import Costs, ledger, TARGETS

COSTS = Costs(rate=10.0, reset_seconds=30.0)


def trained(outcomes, ticks=50, person=()):
    """Training episodes, each of as many ticks; a person commanded 5 of those that are listed."""
    return [{'outcome': 'success' if won else 'time_limit', 'ticks': ticks,
             'person_ticks': 5 * (index in person), 'env_steps': ticks * (index + 1)}
            for index, won in enumerate(outcomes)]


def block(steps, version, successes, episodes=10):
    return [{'episode': index, 'of': episodes, 'version': version, 'learner_step': 0,
             'content_hash': f'{version:064x}', 'folder': 'f', 'env_steps': steps,
             'success': index < successes, 'outcome': 'success', 'ticks': 20}
            for index in range(episodes)]


def of(episodes=(), judgements=(), attempts=(), evaluations=None, imported=(0, 0), costs=COSTS):
    return ledger(episodes, judgements, attempts, evaluations or {}, imported, costs)


def test_minutes_are_ticks_and_resets():
    told = of(trained([True] * 4, person=(1, 2)), attempts=[{'ticks': 100}, {'ticks': 200}],
              evaluations={'pretrained': {'episodes': [{'ticks': 60, 'person_ticks': 6}],
                                          'aborted': [{'ticks': 30}]}})
    assert told['learning'] == {
        'episodes': 4, 'steps': 200, 'person_steps': 10, 'intervened': 2,
        'robot_minutes': (20 + 4 * 30) / 60, 'person_minutes': (1 + 4 * 30) / 60}
    assert told['demonstrations']['person_steps'] == told['demonstrations']['steps'] == 300
    assert told['demonstrations']['person_minutes'] == (30 + 2 * 30) / 60
    assert told['evaluation']['episodes'] == 2
    assert told['evaluation']['intervened'] == 1
    assert told['total']['episodes'] == 8
    assert told['total']['robot_minutes'] == pytest.approx((20 + 120 + 30 + 60 + 9 + 60) / 60)


def test_how_often_per_hour_a_person_was_needed():
    told = of(trained([True] * 4, person=(1, 2)))
    assert told['interventions_per_hour'] == pytest.approx(2 / (140 / 3600))
    assert told['needed_per_hour'] == pytest.approx(6 / (140 / 3600))
    alone = of(trained([True] * 4, person=(1,)), costs=Costs(10.0, 0.0))
    assert alone['needed_per_hour'] == alone['interventions_per_hour'] == pytest.approx(180.0)
    assert of()['needed_per_hour'] is None


def test_imported_demonstrations_cost_their_length_and_a_reset_each():
    assert of(imported=(3, 600))['demonstrations']['person_minutes'] == (60 + 3 * 30) / 60


def until(told, target, by, shown):
    [found] = [each for each in told['until'] if (
        each['target'], each['by'], each['shown']) == (target, by, shown)]
    return found


def test_a_target_is_seen_by_the_rate_and_shown_by_the_interval():
    looks = [*block(0, 0, 3), *block(500, 5, 9), *block(1000, 10, 38, episodes=40),
             *block(1500, 15, 10)]
    told = of(trained([True] * 40), looks)
    seen = until(told, 0.9, 'evaluation', False)
    assert (seen['env_steps'], seen['not_before'], seen['episodes']) == (500, 0, 10)
    assert (seen['rate'], seen['n']) == (0.9, 10) and seen['low'] < 0.6
    assert seen['robot_minutes'] == pytest.approx((50 + 300) / 60)
    shown = until(told, 0.8, 'evaluation', True)
    assert (shown['env_steps'], shown['not_before']) == (1000, 500)
    assert until(told, 0.9, 'evaluation', True)['env_steps'] is None, '38 of 40: 83 to 99 %'


def test_training_counts_once_there_are_enough_episodes_and_no_rescue_as_success():
    told = of(trained([True] * 60, person=range(30)))
    assert until(told, 0.5, 'training', False)['episodes'] == 40
    assert until(told, 0.8, 'training', True)['episodes'] == 50
    assert until(told, 0.8, 'training', True)['low'] >= 0.8
    assert not of(trained([True] * 19))['until']


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 300)), max_size=12))
def test_no_target_is_reached_before_it_was_seen_nor_shown_before_it_is_seen(blocks):
    steps, looks = 0, []
    for version, (successes, more) in enumerate(blocks):
        steps += more
        looks += block(steps, version, successes)
    told = of(trained([False] * 5), looks)
    for target in TARGETS if looks else ():
        seen, shown = (until(told, target, 'evaluation', flag) for flag in (False, True))
        first = next((successes for successes, _ in blocks if successes / 10 >= target), None)
        assert seen['rate'] == (None if first is None else first / 10)
        if shown['env_steps'] is not None:
            assert seen['env_steps'] <= shown['env_steps']
            assert shown['low'] >= target
            assert shown['low'] == success_rate(round(10 * shown['rate']), 10).low
