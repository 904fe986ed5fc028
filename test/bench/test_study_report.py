# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A report holds the numbers of the rows, and states losses and missing runs."""

from dataclasses import replace
import json
from pathlib import Path
import random
import re

import pytest
from small_study import SMALL
import yaml

from inril_ros.bench.places import json_lines, StudyPlace
from inril_ros.bench.report.figures import draw_tasks
from inril_ros.bench.report.study_report import report_text, write_report
from inril_ros.bench.report.subject import read_subject
from inril_ros.bench.study import parse_study, StudyError
from inril_ros.data.record_files import RecordError, write_whole

STUDIES = Path(__file__).parents[2] / 'docs' / 'studies'
# Success before, halfway and after, by arm and seed.
RESULTS = {'alone': {0: (0.2, 0.4, 0.6), 1: (0.2, 0.5, 0.8), 2: (0.4, 0.6, 0.7)},
           'worse': {0: (0.2, 0.9, 0.3), 1: (0.2, 0.4, 0.5), 2: (0.4, 0.5, 0.3)},
           'better': {0: (0.2, 0.5, 0.9), 1: (0.2, 0.5, 1.0), 2: (0.4, 0.6, 1.0)}}
POINTS = (0, 50, 100)


@pytest.fixture
def place(document, tmp_path):
    """A study of three arms with its results, as if it had been run."""
    document.update(env_steps=100, evaluation={'every': 50, 'episodes': 50}, seeds=[0, 1, 2])
    document['arms'] = [{'name': 'alone', 'session': {'m': None}}, {'name': 'worse'},
                        {'name': 'better', 'session': {'m': 5}}]
    place = StudyPlace(tmp_path / 'study')
    write_whole(place.study, yaml.safe_dump(document))
    for run in parse_study(document).runs():
        write_whole(place.run(run).rows, json_lines(
            row(run, at, success) for at, success in zip(
                POINTS, RESULTS[run.arm.name][run.seed], strict=True)))
    return place


def row(run, at, success):
    return {'study': run.study, 'task': run.task.label, 'host': run.arm.host,
            'arm': run.arm.name, 'm': run.arm.session_config.m, 'separation': None,
            'seed': run.seed, 'point': at, 'env_steps': at, 'grad_steps': at // 2,
            'rl_updates': at // 2, 'il_updates': 0, 'cpu_seconds': at / 10,
            'simulation_seconds': 1.0, 'learning_seconds': 2.0, 'evaluation_seconds': 3.0,
            'success': success, 'n': 50, 'heldout_il_loss': 0.5 - at / 1000, 'ratio': 0.0,
            'log': {'dose': 0.5, 'alignment_pooled_cosine': 0.125,
                    'alignment_layer/trunk.0/t': -3.0, 'alignment_layer/trunk.0/cosine': -0.25,
                    'alignment_il_to_rl_slope': 0.9}, 'config_hash': run.hash,
            'code_hash': 'c0de' * 16, 'weights_hash': 'feed' * 16, 'torch': '2.0'}


def cells(text, *first, after=''):
    """Return the cells of the first table row that begins with these ones, below a heading."""
    start = '| ' + ' | '.join(first) + ' |'
    line = next(line for line in text[text.index(after):].splitlines() if line.startswith(start))
    return [cell.strip() for cell in line.strip('|').split('|')]


def synthetic(arms, tasks, seeds, gain, points=POINTS, **more):
    """Return rows of a study: a clone of 20 %, and an arm's gain per point by task and seed."""
    return [{'study': 's', 'task': task, 'host': 'idql', 'arm': arm,
             'm': None if arm == 'alone' else 4, 'seed': seed, 'point': at, 'env_steps': at,
             'success': round(0.2 + index * gain(arm, task, seed), 4), 'n': 50, 'log': {},
             'rl_updates': at, 'il_updates': 0, 'cpu_seconds': at / 10, 'heldout_il_loss': None,
             'ratio': 0.0, 'clone': f'{task}{seed}', 'config_hash': f'{arm}{task}{seed}',
             'code_hash': 'c0de' * 16, 'weights_hash': 'feed' * 16, 'torch': '2.0', **more}
            for arm in arms for task in tasks for seed in seeds
            for index, at in enumerate(points)]


def published(folder, rows):
    """Return a folder of nothing but results."""
    write_whole(folder / 'results.jsonl', json_lines(rows))
    return folder


def text_of(folder, **more):
    return report_text(read_subject([folder], folder.name, **more))


def test_every_arm_is_shown_at_every_evaluation_point_and_the_clone_once(place):
    text = write_report(place.folder).read_text()
    halfway, end = '## Success after 50 ', '## Success after 100 '
    assert cells(text, 'clone', after=halfway)[1:3] == ['27 %', '3']
    assert text[text.index(halfway):text.index(end)].count('| clone |') == 1
    assert cells(text, 'alone', after=halfway)[1:3] == ['50 %', '3']
    assert cells(text, 'better', after=end)[1:] == ['97 %', '3', 'alone', '+27']


def test_three_pairs_have_no_interval_and_are_called_a_look(place):
    text = write_report(place.folder).read_text()
    assert '**A look, not a claim:** at most 3 pairs' in text
    assert cells(text, 'worse', 'alone', '100') == [
        'worse', 'alone', '100', '3', '-33', '0 / 0 / 3', 'too few pairs']
    assert '[' not in ''.join(cells(text, 'better', after='## Success after 100 '))


def noisy(arm, task, seed):
    """Gain per point: 'good' is 15 points better, 'same' is no better, both with noise."""
    noise = random.Random(f'{arm}{task}{seed}').gauss(0.0, 0.03)
    return 0.2 + noise + (0.15 if arm == 'good' else 0.0)


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


def test_collapses_are_listed_with_their_seeds(place):
    text = write_report(place.folder).read_text()
    part = text[text.index('## Collapses'):text.index('## On each task')]
    assert 'alone 0 of 3, worse 2 of 3, better 0 of 3' in part
    # Seed 0 fell from 90 to 30 %; seed 2 by 20 points, which is not more, and below its clone.
    assert cells(part, 'worse', 'reach', '0')[3:] == ['20 %', '90 %', '60 %', '30 %']
    assert cells(part, 'worse', 'reach', '2')[3:] == ['40 %', '50 %', '20 %', '30 %']
    assert '| worse | reach | 1 |' not in part


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
    assert len(by_task) == 10 and all(cell.endswith('(2)') for cell in by_task[2:])


def test_another_reference_can_be_named_and_a_wrong_one_is_refused(tmp_path):
    folder = published(tmp_path / 'x', synthetic(['alone', 'good', 'same'], ['reach'], [0], noisy))
    text = text_of(folder, against='good')
    assert cells(text, 'alone', 'good', '100') and cells(text, 'same', 'good', '100')
    assert '| good | alone |' not in text
    with pytest.raises(StudyError, match=r"'nobody'.*alone, good, same"):
        text_of(folder, against='nobody')


def test_robot_and_person_minutes_are_shown_where_rows_have_them(tmp_path):
    old = text_of(published(tmp_path / 'old', synthetic(['alone'], ['reach'], [0, 1], noisy)))
    assert 'robot minutes' not in old and '| 100 | alone | 100 |' in old
    new = text_of(published(tmp_path / 'new', synthetic(
        ['alone'], ['reach'], [0, 1], noisy, episodes=12)))
    assert 'Minutes assume 10 environment steps per second and 10 s of a person' in new
    head, line = (cells(new, *first, after='## Cost') for first in (
        ('after steps',), ('100', 'alone')))
    values = dict(zip(head, line, strict=True))
    assert (values['episodes'], values['robot minutes'], values['person minutes']) == (
        '12', '2.2', '2.0')
    assert values['CPU s'] == '10'


def test_the_last_training_episodes_are_counted_where_rows_have_them(tmp_path):
    rows = synthetic(['alone'], ['reach'], [0], noisy)
    assert 'training episodes' not in text_of(published(tmp_path / 'old', rows))
    for row_, success in zip(rows, ('', '1' * 10, '0' * 15 + '1' * 5), strict=True):
        row_['training'] = {'steps': [5] * len(success), 'success': success}
    text = text_of(published(tmp_path / 'new', rows))
    assert cells(text, 'alone', after='## How soon')[-1] == '25 %'


def test_several_studies_are_reported_as_one_and_a_run_counts_once(tmp_path):
    first = published(tmp_path / 'a', synthetic(['alone', 'good'], ['reach'], [0, 1], noisy))
    second = published(tmp_path / 'b', synthetic(['alone', 'same'], ['reach'], [0, 1], noisy))
    target = tmp_path / 'both'
    text = write_report([first, second], target).read_text()
    assert text.startswith('# both\n') and '6 runs' in text
    assert write_report(target).read_text() == text


def test_a_named_reference_and_the_tasks_are_kept_where_the_report_is_published(place, tmp_path):
    other = published(tmp_path / 'b', synthetic(['new'], ['reach'], [0, 1], noisy))
    target = tmp_path / 'both'
    text = write_report([place.folder, other], target, against='better').read_text()
    assert cells(text, 'alone', 'better', '100') and cells(text, 'new', 'better', '100')
    assert 'task reach: 2 demonstrations (expert)' in text
    assert write_report(target).read_text() == text
    arms = yaml.safe_load((target / 'study.yaml').read_text())['arms']
    assert arms[0]['session'] == {**SMALL['session'], 'm': None}


def test_several_studies_need_a_place_for_their_report(tmp_path):
    first = published(tmp_path / 'a', synthetic(['alone'], ['reach'], [0], noisy))
    second = published(tmp_path / 'b', synthetic(['same'], ['reach'], [0], noisy))
    with pytest.raises(StudyError, match='--to'):
        write_report([first, second])


def test_runs_of_one_name_with_different_settings_are_not_mixed(tmp_path):
    first = published(tmp_path / 'a', synthetic(['alone'], ['reach'], [0], noisy))
    second = published(tmp_path / 'b', synthetic(
        ['alone'], ['reach'], [0], noisy, config_hash='other'))
    with pytest.raises(StudyError, match='arm alone, seed 0 has other settings'):
        write_report([first, second], tmp_path / 'c')


def test_runs_on_different_initial_states_are_no_pair(tmp_path):
    rows = [*synthetic(['alone'], ['reach'], range(3), noisy, states='tuning'),
            *synthetic(['good'], ['reach'], range(3), noisy, states='studies')]
    text = text_of(published(tmp_path / 'x', rows))
    assert 'Can the differences' not in text
    assert 'on the same initial states for all (studies, tuning)' not in text
    assert '**initial states differ: studies, tuning**' in text


def test_a_task_with_enough_seeds_has_an_interval_of_its_own(tmp_path):
    rows = [*synthetic(['alone'], ['reach'], range(10), noisy),
            *synthetic(['alone'], ['push'], range(2), noisy)]
    text = text_of(published(tmp_path / 'x', rows))
    line = cells(text, 'alone', after='## Success after 100 ')
    assert '[' in line[1] and '[' not in line[2]


@pytest.mark.parametrize('missing', ['config_hash', 'success', 'arm'])
def test_a_row_that_lacks_something_is_named(tmp_path, missing):
    rows = synthetic(['alone'], ['reach'], [0], noisy)
    del rows[1][missing]
    folder = published(tmp_path / 'x', rows)
    with pytest.raises(RecordError, match=f'line 2: has no {missing}'):
        text_of(folder)


@pytest.mark.parametrize('text', [
    '[1, 2]', 'seeds: 1', 'seeds: [1]\ntasks: {}\narms: [1]', 'arms: [{x: 1}]', 'tasks: [7]',
    'robot: 7', 'arms: 3', 'arms: [{name: alone, against: [a]}]', 'arms: [{name: a, model: 7}]'])
def test_a_file_that_describes_no_study_is_refused(tmp_path, text):
    folder = published(tmp_path / 'x', synthetic(['alone'], ['reach'], [0], noisy))
    (folder / 'study.yaml').write_text(text)
    with pytest.raises(StudyError, match='study.yaml|robot: must be a mapping'):
        text_of(folder)


def test_interleaving_columns_are_those_of_the_log(place):
    text = write_report(place.folder).read_text()
    line = cells(text, 'idql', 'better', '5')
    assert line[3:] == ['0', '0.5', '0.5', '0.4', '0.125']
    assert 'at the end | cosine |' in text
    assert 'separation' not in text.split('## What interleaving did')[1].split('##')[0]


def test_alignment_is_reported_by_layer(place):
    text = write_report(place.folder).read_text()
    head = '| idql | better | `trunk.0` |'
    (line,) = [each for each in text.splitlines() if each.startswith(head)]
    assert line.split('|')[4:6] == [' -0.25 ', ' -3 ']
    assert 'IL steps on the RL loss: slope' in text and '| idql | better | 0.9 |' in text


def test_unfinished_runs_and_mixed_code_are_reported(place, document):
    run = parse_study(document).runs()[0]
    rows = [json.loads(line) for line in place.run(run).rows.read_text().splitlines()]
    write_whole(place.run(run).rows, json_lines({**each, 'code_hash': 'beef'} for each in rows))
    place.run(parse_study(document).runs()[-1]).rows.unlink()
    text = write_report(place.folder).read_text()
    assert '1 of 9 runs are not finished' in text
    assert 'runs of different code are compared' in text


def test_a_published_folder_suffices_to_repeat_the_report(place, tmp_path):
    target = tmp_path / 'published'
    first = write_report(place.folder, target).read_text()
    assert sorted(path.name for path in target.iterdir()) == [
        'figures', 'report.md', 'results.jsonl', 'study.yaml']
    assert sorted(path.name for path in (target / 'figures').iterdir()) == [
        'arms.svg', 'tasks.svg']
    pictures = {path.name: path.read_bytes() for path in (target / 'figures').glob('*.svg')}
    assert write_report(target).read_text() == first
    assert pictures == {path.name: path.read_bytes()
                        for path in (target / 'figures').glob('*.svg')}


def test_rows_of_a_study_that_has_changed_since_are_left_out(place, document):
    document['session']['imitation_batch'] = 17
    write_whole(place.study, yaml.safe_dump(document))
    with pytest.raises(StudyError, match='no run is finished'):
        write_report(place.folder)


def test_an_arm_is_compared_with_rl_alone_on_its_host_or_a_named_arm(place, document):
    document['arms'][1]['against'] = 'better'
    write_whole(place.study, yaml.safe_dump(document))
    subject = read_subject([place.folder], 'x')
    assert {arm.name: arm.against for arm in subject.arms} == {
        'alone': None, 'worse': 'better', 'better': 'alone'}


def test_published_results_stay_readable_when_settings_change(place, tmp_path):
    """A setting that no longer exists, and hashes that no code would give."""
    target = tmp_path / 'published'
    first = write_report(place.folder, target).read_text()
    results = target / 'results.jsonl'
    results.write_text(''.join(
        json.dumps({**json.loads(line), 'config_hash': json.loads(line)['config_hash'][::-1]})
        + '\n' for line in results.read_text().splitlines()))
    document = yaml.safe_load((target / 'study.yaml').read_text())
    document['session']['a_setting_of_old'] = 3
    (target / 'study.yaml').write_text(yaml.safe_dump(document))
    assert write_report(target).read_text() == first


@pytest.mark.parametrize('folder', sorted(
    path.parent for path in STUDIES.glob('*/results.jsonl')), ids=lambda path: path.name)
def test_a_committed_report_is_what_the_command_makes_of_the_committed_rows(folder):
    assert (folder / 'report.md').read_text() == report_text(
        read_subject([folder], folder.name)), f'inril bench report {folder} makes it again'


def test_every_lowest_panel_has_numbers_at_its_axis(place, tmp_path):
    """Also one in the last line but one, below which there is no panel."""
    subject = read_subject([place.folder], 'x')
    # And the mean of all: four panels above, one below.
    draw_tasks(replace(subject, tasks=('a', 'b', 'c', 'd')), tmp_path / 'tasks.svg')
    shown = re.findall(r'<!-- ([^>]*) -->', (tmp_path / 'tasks.svg').read_text())
    assert shown.count('environment steps') == 4 and shown.count('100') == 4
