# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A report holds the numbers of the rows, and states losses and missing runs."""

import json

import pytest
import yaml

from inril_ros.bench.places import json_lines, StudyPlace, write_whole
from inril_ros.bench.report.study_report import write_report
from inril_ros.bench.study import parse_study, StudyError

# Success before and after, by arm and seed.
RESULTS = {'alone': {0: (0.2, 0.6), 1: (0.2, 0.8), 2: (0.4, 0.7)},
           'worse': {0: (0.2, 0.3), 1: (0.2, 0.5), 2: (0.4, 0.4)},
           'better': {0: (0.2, 0.9), 1: (0.2, 1.0), 2: (0.4, 1.0)}}


@pytest.fixture
def place(document, tmp_path):
    """A study of three arms with its results, as if it had been run."""
    document.update(env_steps=100, evaluation={'every': 100, 'episodes': 50}, seeds=[0, 1, 2])
    document['arms'] = [{'name': 'alone', 'session': {'m': None}}, {'name': 'worse'},
                        {'name': 'better', 'session': {'m': 5}}]
    place = StudyPlace(tmp_path / 'study')
    write_whole(place.study, yaml.safe_dump(document))
    for run in parse_study(document).runs():
        write_whole(place.run(run).rows, json_lines(
            row(run, at, success) for at, success in zip(
                (0, 100), RESULTS[run.arm.name][run.seed])))
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


def cells(text, *first):
    """Return the cells of the table row that begins with the given ones."""
    start = '| ' + ' | '.join(first) + ' |'
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return [cell.strip() for cell in line.strip('|').split('|')]


def test_the_table_has_the_means_of_the_seeds(place):
    text = write_report(place.folder).read_text()
    line = cells(text, 'reach', 'idql', 'alone')
    assert line[3:6] == ['3', '27 %', '70 % [60, 80]']
    # The trapezoid over two points is their mean: 0.4, 0.5, 0.55.
    assert line[7].startswith('48 %')
    assert line[8:] == ['100 (3/3)', 'not reached (1/3)', 'not reached (0/3)', '0 %']
    assert cells(text, 'reach', 'idql', 'better')[8:11] == ['100 (3/3)'] * 3


def test_losses_are_reported_like_gains(place):
    text = write_report(place.folder).read_text()
    # Differences by seed: -0.3, -0.3, -0.3 and +0.3, +0.2, +0.3.
    assert cells(text, 'idql', 'worse', 'alone')[3:] == [
        'reach', '3', '-30 [-30, -30]', '-15 [-15, -15]', '0 / 0 / 3',
        '**worse**, but 3 pairs are few']
    line = cells(text, 'idql', 'better', 'alone')
    assert line[5].startswith('+27 [')
    assert line[7:] == ['3 / 0 / 0', 'better, but 3 pairs are few']


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
    for stem in ('overview', 'idql'):
        assert (target / 'figures' / f'{stem}.svg').read_text().lstrip().startswith('<?xml')
        assert (target / 'figures' / f'{stem}.png').read_bytes()[1:4] == b'PNG'
    pictures = {path.name: path.read_bytes() for path in (target / 'figures').glob('*.svg')}
    assert write_report(target).read_text() == first
    assert pictures == {path.name: path.read_bytes()
                        for path in (target / 'figures').glob('*.svg')}


def test_rows_of_a_study_that_has_changed_since_are_left_out(place, document):
    document['session']['imitation_batch'] = 17
    write_whole(place.study, yaml.safe_dump(document))
    with pytest.raises(StudyError, match='no run of .small. is finished'):
        write_report(place.folder)
