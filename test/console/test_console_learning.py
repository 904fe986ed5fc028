# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How learning goes is counted from the episodes, with and without a person's help."""

from inril_ros.console.learning_facts import learning_facts
from inril_ros.console.pages.text import learning_text


def row(index, outcome='success', person_ticks=0):
    return {'outcome': outcome, 'ticks': 100, 'person_ticks': person_ticks,
            'env_steps': 100 * (index + 1), 'time': 36.0 * index}


def test_before_the_first_episode_there_is_nothing_to_tell():
    assert learning_text(learning_facts([], {})) == learning_text(
        learning_facts([row(0, 'aborted')], {}))


def test_rescued_episodes_count_with_a_person_only_and_aborted_ones_not():
    rows = [*(row(index) for index in range(10)), *(row(index, 'aborted') for index in (10, 11)),
            *(row(index, person_ticks=50) for index in range(12, 17)),
            *(row(index, 'failure') for index in range(17, 22))]
    facts = learning_facts(rows, {'unit': 'steps', 'done': '2200', 'total': '4200'})
    numbers = dict(facts.numbers)
    assert numbers['success of the last 20: alone, with a person'] == '50%, 75%'
    assert numbers['ticks by a person in these'] == '12%'
    assert numbers['episodes per hour'] == '90'
    assert numbers['time left, episodes left'] == '12 min, 18'
    assert (facts.alone, facts.helped) == (((2200, 0.5),), ((2200, 0.75),))


def test_the_curve_of_a_long_run_stays_short_and_ends_with_the_last_episode():
    facts = learning_facts([row(index, 'success' if index > 500 else 'failure')
                            for index in range(3000)], {})
    assert 150 < len(facts.alone) < 300 and facts.alone[-1] == (300_000, 1.0)
    assert learning_text(facts).count('<polyline') == 2


def test_a_first_episode_and_a_status_without_numbers_divide_by_nothing():
    assert learning_facts([row(0)], {'unit': 'steps', 'total': 'many'}).numbers
