# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Arms are compared in pairs, and a difference is told from chance or isn't."""

import pytest
from report_rows import cells, noisy, published, synthetic, text_of
import yaml

from inril_ros.bench.report.study_report import write_report
from inril_ros.bench.report.subject import read_subject
from inril_ros.bench.study import StudyError
from inril_ros.data.record_files import write_whole


def test_of_enough_pairs_a_real_difference_is_told_from_chance_after_correction(tmp_path):
    arms = ['alone', 'good', *(f'same-{index}' for index in range(6))]
    text = text_of(published(tmp_path / 'x', synthetic(
        arms, ['reach', 'push'], range(5), noisy)))
    assert 'A look' not in text
    line = cells(text, 'good', 'alone', '100')
    assert line[3] == '10' and line[4].startswith('+29 [') and line[5] == '10 / 0 / 0'
    assert line[8] == 'distinguishable: better'
    others = [cells(text, arm, 'alone', at) for arm in arms[2:] for at in ('50', '100')]
    assert {each[8] for each in others} == {'not distinguishable'}
    assert all(float(each[7]) >= float(each[6]) for each in others)


def test_one_lucky_contrast_among_many_is_not_distinguishable(tmp_path):
    """The differences of our first study: p = .025 alone, but there were six contrasts."""
    lucky = dict(zip(((task, seed) for task in ('pick', 'peg') for seed in range(3)),
                     (0.16, 0.12, 0.2, 0.04, 0.32, 0.02), strict=True))

    def gain(arm, task, seed):
        index = list(lucky).index((task, seed))
        return {'alone': 0.3, 'lucky': 0.3 + lucky[task, seed] / 2}.get(
            arm, 0.3 + 0.01 * (-1) ** (index + len(arm)))

    text = text_of(published(tmp_path / 'x', synthetic(
        ['alone', 'lucky', 'a', 'bb'], ('pick', 'peg'), range(3), gain)))
    line = cells(text, 'lucky', 'alone', '100')
    assert line[3:6] == ['6', '+14 [+3, +26]', '6 / 0 / 0']
    assert float(line[6]) < 0.05 < float(line[7])
    assert line[8] == 'not distinguishable (few pairs)'


def test_an_arm_that_ends_earlier_is_compared_only_where_both_have_results(tmp_path):
    def gain(arm, task, seed):
        return noisy('good' if arm == 'short' else arm, task, seed)

    rows = [row for row in synthetic(['alone', 'short'], ['reach', 'push'], range(5), gain)
            if row['arm'] == 'alone' or row['point'] <= 50]
    text = text_of(published(tmp_path / 'x', rows))
    assert cells(text, 'short', 'alone', '50')[3] == '10'
    assert '| short | alone | 100 |' not in text
    assert '| short |' not in text[text.index('## Success after 100 '):text.index('## Can the')]
    assert cells(text, 'short', 'alone', after='## Differences by task')[2] == '50'
    assert 'All figures of this table are of the first 50 environment steps' in text
    # 'alone' gained 20 points in 50 steps and 40 in 100: its area of 50 steps is 30 %, not 40.
    area = cells(text, 'alone', after='## How soon')[2]
    assert 27 <= int(area.split(' ')[0]) <= 33


def test_arms_with_other_seeds_are_told_to_be_compared_in_pairs(tmp_path):
    rows = synthetic(['alone', 'good'], ['reach'], range(4), noisy)
    warning = 'compare them by their paired differences, not by their means'
    assert warning not in text_of(published(tmp_path / 'same', rows))
    fewer = [row for row in rows if row['arm'] == 'alone' or row['seed'] > 0]
    assert warning in text_of(published(tmp_path / 'fewer', fewer))


def test_another_reference_can_be_named_and_a_wrong_one_is_refused(tmp_path):
    folder = published(tmp_path / 'x', synthetic(['alone', 'good', 'same'], ['reach'], [0], noisy))
    text = text_of(folder, against='good')
    assert cells(text, 'alone', 'good', '100') and cells(text, 'same', 'good', '100')
    assert '| good | alone |' not in text
    with pytest.raises(StudyError, match=r"'nobody'.*alone, good, same"):
        text_of(folder, against='nobody')


def test_runs_on_different_initial_states_are_no_pair(tmp_path):
    rows = [*synthetic(['alone'], ['reach'], range(3), noisy, states='tuning'),
            *synthetic(['good'], ['reach'], range(3), noisy, states='studies')]
    text = text_of(published(tmp_path / 'x', rows))
    assert 'Can the differences' not in text
    assert 'on the same initial states for all (studies, tuning)' not in text
    assert '**initial states differ: studies, tuning**' in text


def test_arms_by_tasks_with_their_differences(tmp_path):
    tasks = [f'task-{index}' for index in range(8)]
    folder = published(tmp_path / 'x', synthetic(
        ['alone', 'good'], tasks, range(2), noisy))
    text = text_of(folder)
    head = cells(text, 'arm', after='## Success after 100 ')
    assert head == ['arm', *tasks, 'all tasks, mean [95 %]', 'runs', 'against',
                    'difference [95 %]']
    line = cells(text, 'good', after='## Success after 100 ')
    assert all(cell.endswith(' %') for cell in line[1:9]) and line[10:12] == ['16', 'alone']
    by_task = cells(text, 'good', 'alone', after='## Differences by task')
    assert by_task[2] == '100' and len(by_task) == 11
    assert all(cell.endswith('(2)') for cell in by_task[3:])


def test_three_pairs_have_no_interval_and_are_called_a_look(place):
    text = write_report(place.folder).read_text()
    assert '**A look, not a claim:** at most 3 pairs' in text
    assert cells(text, 'worse', 'alone', '100') == [
        'worse', 'alone', '100', '3', '-33', '0 / 0 / 3', 'too few pairs']
    assert '[' not in ''.join(cells(text, 'better', after='## Success after 100 '))


def test_an_arm_is_compared_with_rl_alone_on_its_host_or_a_named_arm(place, document):
    document['arms'][1]['against'] = 'better'
    write_whole(place.study, yaml.safe_dump(document))
    subject = read_subject([place.folder], 'x')
    assert {arm.name: arm.against for arm in subject.arms} == {
        'alone': None, 'worse': 'better', 'better': 'alone'}


def test_a_task_with_enough_seeds_has_an_interval_of_its_own(tmp_path):
    rows = [*synthetic(['alone'], ['reach'], range(10), noisy),
            *synthetic(['alone'], ['push'], range(2), noisy)]
    text = text_of(published(tmp_path / 'x', rows))
    line = cells(text, 'alone', after='## Success after 100 ')
    assert '[' in line[1] and '[' not in line[2]
