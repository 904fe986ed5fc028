# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The report of a run that is not finished, and what people did and what was not used."""

from pathlib import Path
import re

import pytest

from inril_ros.cli.report.page import write_report
from inril_ros.cli.report.people import discards, running_interventions
from inril_ros.cli.report.summary import summarise
from inril_ros.data.record_files import JsonLines, read_json, read_json_lines, write_json
from inril_ros.data.run.starts import all_control_counts, StartsLog

# What each stage leaves, in their order.
LEFT = ('recording.json', 'pretrained/pretrain.json', 'evaluations/pretrained.json',
        'finetune/metrics.jsonl', 'finetune/weights.jsonl', 'finetune/episodes.jsonl',
        'finetune/judgements.jsonl', 'finetune/result.json', 'evaluations/finetuned.json')


def text_of(run):
    page = Path(write_report(run.path)).read_text(encoding='utf-8').replace('\u202f', ' ')
    return ' '.join(re.sub(r'<style>.*?</style>|<[^>]+>', ' ', page, flags=re.DOTALL).split())


def counts(ticks, misses, worst):
    return {'ticks': ticks, 'misses': misses, 'holds': 0, 'clipped': 0, 'dropped': 0,
            'period': 0.0125, 'worst_gap': worst, 'gap_edges': [0.01, 0.02],
            'gap_counts': [0, ticks - misses, misses]}


def start(ticks, misses, worst, refused=0):
    return {'control': counts(ticks, misses, worst), 'refused': refused, 'sent': ticks,
            'duplicates': 0,
            'inference': {'median_seconds': 0.01, 'worst_seconds': worst, 'count': ticks}}


@pytest.mark.parametrize('there', range(len(LEFT) + 1))
def test_a_run_has_a_summary_and_a_report_after_each_of_its_files(sample_run, there):
    for name in LEFT[there:]:
        (sample_run.path / name).unlink(missing_ok=True)
    (sample_run.path / 'stages.json').unlink()
    summary = summarise(sample_run)
    assert len(summary['unfinished']) == 5
    write_json(sample_run.summary, summary, replace=True)
    assert 'Not finished yet: recording, cloning' in text_of(sample_run)


def test_a_fine_tuning_that_runs_has_its_steps_and_updates_in_the_report(sample_run):
    sample_run.result.unlink()
    sample_run.evaluation('finetuned').unlink()
    with StartsLog(sample_run.starts) as log:
        log.note(start(700, 3, 0.04))
    summary = summarise(sample_run)
    last = read_json_lines(sample_run.episodes)[-1]
    assert (summary['env_steps'], summary['rl_updates']) == (last['env_steps'], 10_000)
    before = read_json(sample_run.evaluation('pretrained'))['actuation']
    assert summary['control'] == {'ticks': before['ticks'] + 700, 'misses': before['misses'] + 3}
    write_json(sample_run.summary, summary, replace=True)
    text = text_of(sample_run)
    assert 'Fine-tuning 700 3 12.5 ms 40 ms' in text and '10 000 : 2 000' in text


def test_the_control_loop_is_that_of_all_starts(tmp_path):
    path = tmp_path / 'starts.jsonl'
    for ticks, misses, worst in ((100, 1, 0.05), (40, 2, 0.09), (60, 0, 0.02)):
        with StartsLog(path) as log:
            log.note(start(ticks // 2, 0, 0.01))
            log.note(start(ticks, misses, worst, refused=1))  # this one counts
    with StartsLog(path) as log:
        told = all_control_counts([each['control'] for each in log.all])
        assert [each['refused'] for each in log.all] == [1, 1, 1]
    assert (told['ticks'], told['misses'], told['worst_gap'], told['starts']) == (200, 3, 0.09, 3)
    assert told['gap_counts'] == [0, 197, 3]


def test_a_histogram_of_another_period_is_not_added():
    other = {**counts(10, 0, 0.1), 'gap_edges': [0.1, 0.2]}
    told = all_control_counts([other, counts(10, 1, 0.1)])
    assert (told['ticks'], told['gap_counts']) == (20, [0, 9, 1])
    assert all_control_counts([]) == {}


def test_interventions_and_what_was_not_used_are_told_with_reasons(sample_run):
    rows = read_json_lines(sample_run.episodes)
    sample_run.episodes.unlink()
    with JsonLines(sample_run.episodes) as lines:
        for number, row in enumerate(rows):
            lost = number % 10 == 0
            lines.append({**row, 'person_ticks': row['ticks'] // 2 * (number < 30),
                          'saved': not lost, 'ticks_lost': 5 * (number in (1, 2)),
                          'reason': 'a stream pauses for 0.3 s' if lost else ''})
    with JsonLines(sample_run.attempts) as lines:
        for saved, outcome, reason in (
                (True, 'success', ''), (False, 'failure', '/data/rejected/0001_ab'),
                (False, 'aborted', 'aborted: e-stop'), (False, 'aborted', 'aborted: e-stop')):
            lines.append({'outcome': outcome, 'saved': saved, 'reason': reason, 'ticks': 9})
    evaluation = read_json(sample_run.evaluation('pretrained'))
    evaluation['aborted'] = [{'reason': 'camera front is silent'}]
    write_json(sample_run.evaluation('pretrained'), evaluation, replace=True)
    lost = (len(rows) + 9) // 10
    text = text_of(sample_run)
    share = round(100 * 30 / len(rows))
    assert f'A person took over in 30 of them ({share} %)' in text
    assert '3 of 4 attempts at demonstrations aborted: e-stop 2 ended as failure 1' in text
    assert f'{lost} of {len(rows)} training episodes a stream pauses for 0.3 s {lost}' in text
    assert '1 of 51 episodes of the evaluation before camera front is silent 1' in text
    assert '2 of them were kept in part: 10 ticks are not learned from' in text
    assert 'Steps that a person commanded, in the last 20 training episodes' in text
    summary = summarise(sample_run)
    assert summary['interventions']['episodes'] == 30
    assert summary['discards']['training']['number'] == lost
    assert summary['discards']['demonstrations']['reasons'][0] == ('aborted: e-stop', 2)


@pytest.mark.parametrize(('outcome', 'reason', 'told'), [
    ('failure', 'runs/a/demonstrations/rejected/0001_ab', 'ended as failure'),
    ('time_limit', '/my data/rejected/0001_ab', 'ended as time limit'),
    ('success', 'recorded in a dry run: nothing was sent: dry/rejected/0001_ab',
     'recorded in a dry run: nothing was sent'),
    ('aborted', '', 'no reason was noted'), ('aborted', 'aborted: e-stop', 'aborted: e-stop'),
    ('success', 'demos/rejected/0001_ab; of 9 ticks: 1 is late', 'of 9 ticks: 1 is late')])
def test_where_a_bag_is_is_no_reason(outcome, reason, told):
    lost = discards([{'outcome': outcome, 'saved': False, 'reason': reason}])
    assert lost.reasons == ((told, 1),)


def test_the_share_of_a_person_is_that_of_the_last_episodes():
    episodes = [{'ticks': 10, 'person_ticks': person, 'env_steps': 10 * number}
                for number, person in enumerate((10, 5, 0, 0), start=1)]
    assert running_interventions(episodes, 2) == [(10, 1.0), (20, 0.75), (30, 0.25), (40, 0.0)]


def test_nobody_intervened_and_nothing_was_lost(sample_run):
    text = text_of(sample_run)
    assert 'No person took over.' in text and 'Episodes that were not used' not in text
    assert 'in the last 20 training episodes.' not in text and 'kept in part' not in text


def test_a_longer_evaluation_is_compared_in_the_states_that_both_have(sample_run):
    after = read_json(sample_run.evaluation('finetuned'))
    first = after['episodes'][0]
    after['episodes'] += [{**first, 'seed': 5000 + number} for number in range(10)]
    write_json(sample_run.evaluation('finetuned'), after, replace=True)
    text = text_of(sample_run)
    assert 'Two evaluations from the same initial states: not' not in text
    assert 'from the same 50' not in text  # the rates are of other states


def test_what_it_cost_is_in_the_summary_and_on_the_page_at_any_time(sample_run):
    told = summarise(sample_run)['ledger']
    rows = read_json_lines(sample_run.episodes)
    assert told['learning']['episodes'] == len(rows)
    assert told['learning']['robot_minutes'] == pytest.approx(rows[-1]['robot_minutes'])
    assert told['demonstrations']['episodes'] == 8
    text = write_report(sample_run.path).read_text()
    assert 'What it cost, and when it was good enough' in text and '90\u202f% seen' in text
    for path in (sample_run.episodes, sample_run.judgements, sample_run.result,
                 sample_run.evaluation('pretrained'), sample_run.evaluation('finetuned')):
        path.unlink()
    told = summarise(sample_run)['ledger']
    assert told['needed_per_hour'] is None and told['until'] == []
    assert told['reset_seconds'] == 10.0 and write_report(sample_run.path).exists()
