# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A report holds the numbers of the rows, and states losses and missing runs."""

from dataclasses import replace
import json
from pathlib import Path
import re

import pytest
from report_rows import cells, noisy, published, synthetic, text_of
from small_study import SMALL
import yaml

from inril_ros.bench.places import json_lines
from inril_ros.bench.report.figures import draw_tasks
from inril_ros.bench.report.study_report import report_text, write_report
from inril_ros.bench.report.subject import read_subject
from inril_ros.bench.study import parse_study, StudyError
from inril_ros.data.record_files import RecordError, write_whole

STUDIES = Path(__file__).parents[2] / 'docs' / 'studies'


def test_every_arm_is_shown_at_every_evaluation_point_and_the_clone_once(place):
    text = write_report(place.folder).read_text()
    halfway, end = '## Success after 50 ', '## Success after 100 '
    assert cells(text, 'clone', after=halfway)[1:3] == ['27 %', '3']
    assert text[text.index(halfway):text.index(end)].count('| clone |') == 1
    assert cells(text, 'alone', after=halfway)[1:3] == ['50 %', '3']
    assert cells(text, 'better', after=end)[1:] == ['97 %', '3', 'alone', '+27']


def test_collapses_are_listed_with_their_seeds(place):
    text = write_report(place.folder).read_text()
    part = text[text.index('## Collapses'):text.index('## On each task')]
    assert 'alone 0 of 3, worse 2 of 3, better 0 of 3' in part
    # Seed 0 fell from 90 to 30 %; seed 2 by 20 points, which is not more, and below its clone.
    assert cells(part, 'worse', 'reach', '0')[3:] == ['20 %', '90 %', '60 %', '30 %']
    assert cells(part, 'worse', 'reach', '2')[3:] == ['40 %', '50 %', '20 %', '30 %']
    assert '| worse | reach | 1 |' not in part


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
