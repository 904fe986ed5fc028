# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`inril demo` does the whole job, and its records add up."""

import math
import re

import pytest
from rosbags.highlevel import AnyReader
from rosbags.typesys import get_typestore, Stores
from run_records import journal_records, journaled, lines
from small_run import (
    DEMOS,
    EPISODES,
    read,
    STAGES,
    STEPS,
    TASK,
)

from inril_ros.robot.contract.contract import load_contract

SUMMARY_KEYS = {
    'task', 'seed', 'contract_hash', 'run_id', 'demos', 'demos_digest', 'bc_success',
    'finetuned_success', 'training_episodes', 'env_steps', 'time_spent', 'rl_updates',
    'il_updates', 'host', 'm', 'il_source', 'versions', 'transitions', 'control', 'wall_seconds',
    'device', 'repeatable', 'evaluation', 'pretrained_hash', 'finetuned_hash', 'package_version',
    'unfinished', 'interventions', 'discards', 'classifier_judges', 'ledger'}


@pytest.fixture(scope='module')
def summary(finished):
    return read(finished.run_dir / 'summary.json')


def test_stdout_is_lines_of_json_and_ends_with_the_summary(finished, summary):
    written = finished.lines()  # fails if a line isn't JSON
    assert finished.stdout.endswith('\n')
    assert {line['event'] for line in written} == {'message', 'stage', 'progress', 'summary'}
    assert {line['stage'] for line in written if line['event'] == 'progress'} == {
        'record', 'pretrain', 'evaluate pretrained', 'finetune', 'evaluate finetuned', 'who drove'}
    last = written[-1]
    assert last.pop('event') == 'summary'
    assert last == summary


def test_the_summary_is_complete(finished, summary):
    assert set(summary) == SUMMARY_KEYS
    assert (summary['task'], summary['seed'], summary['demos']) == (TASK, 0, DEMOS)
    assert (summary['m'], summary['il_source'], summary['repeatable']) == (4, 'both', False)
    assert summary['unfinished'] == []
    assert set(summary['wall_seconds']) == {*STAGES, 'total'}
    assert set(summary['versions']) == {'published', 'applied', 'refused'}
    for key in ('contract_hash', 'demos_digest', 'pretrained_hash', 'finetuned_hash'):
        assert re.fullmatch('[0-9a-f]{64}', summary[key]), key
    for key in ('bc_success', 'finetuned_success'):
        rate = summary[key]
        assert rate['n'] == EPISODES
        assert 0.0 <= rate['low'] <= rate['rate'] <= rate['high'] <= 1.0
        assert rate['rescued'] == 0
    trained = lines(finished.run_dir / 'finetune' / 'episodes.jsonl')
    assert summary['training_episodes'] == {
        'number': len(trained), 'rescued': 0,
        'successes': sum(row['outcome'] == 'success' for row in trained)}


def test_no_transition_is_lost_between_journal_and_learner(finished, summary):
    counts = summary['transitions']
    numbers = journaled(finished.run_dir)
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) == counts['journaled'] == counts['acknowledged'] == counts['ingested']
    assert counts['sent'] == len(numbers) + counts['duplicates']


def test_one_imitation_update_follows_m_rl_updates(summary):
    assert summary['rl_updates'] > 100
    assert summary['il_updates'] == summary['rl_updates'] // summary['m']


def test_the_updates_that_the_steps_allow_were_done(summary):
    # As in the settings: 60 after 150 steps, then 0.25 per step.
    assert summary['rl_updates'] == 60 + int(0.25 * (summary['env_steps'] - 150))


def test_weights_were_refreshed_while_it_ran(finished, summary):
    assert summary['versions']['applied'] > 1
    assert summary['versions']['refused'] == 0
    rows = lines(finished.run_dir / 'finetune' / 'weights.jsonl')
    assert [row['version'] for row in rows] == sorted({row['version'] for row in rows})
    assert rows[-1]['version'] == summary['versions']['published']
    folder = finished.run_dir / 'finetune'
    acted = [row['weights_version'] for row in lines(folder / 'episodes.jsonl')]
    judged = {row['version'] for row in lines(folder / 'judgements.jsonl')}
    # On a busy machine the episodes may be over before the learner's next version.
    assert acted == sorted(acted) and len(judged | set(acted)) > 2


def test_the_best_of_the_judged_versions_is_kept(finished):
    """The clone, one in the middle and the last were judged, each by one version alone."""
    folder = finished.run_dir / 'finetune'
    rows = lines(folder / 'judgements.jsonl')
    assert [row['episode'] for row in rows] == [0, 1, 2] * 3
    blocks = [rows[start:start + 3] for start in range(0, len(rows), 3)]
    for block in blocks:
        assert len({(row['version'], row['content_hash'], row['env_steps'])
                    for row in block}) == 1
        folder_hash = read(folder / 'versions' / block[0]['folder'] / 'model.json')
        assert folder_hash['content_hash'] == block[0]['content_hash']
    first, middle, last = (block[0] for block in blocks)
    cloned = read(finished.run_dir / 'pretrained' / 'model.json')['content_hash']
    assert (first['version'], first['env_steps'], first['content_hash']) == (0, 0, cloned)
    assert 500 <= middle['env_steps'] < STEPS <= last['env_steps']
    result = read(folder / 'result.json')
    assert last['version'] == result['versions']['published']
    told = result['evaluation']
    assert (told['blocks'], told['episodes']) == (3, 9)
    assert told['steps'] == sum(row['ticks'] for row in rows)
    # All have as many episodes: the best has the most successes, and is the newest of equals.
    best = max(blocks, key=lambda block: (sum(row['success'] for row in block),
                                          block[0]['env_steps']))[0]
    assert told['best']['content_hash'] == best['content_hash']
    assert read(folder / 'model' / 'model.json')['content_hash'] == best['content_hash']
    texts = [line['text'] for line in finished.lines() if line['event'] == 'message']
    assert f'kept: {told["choice"]}' in texts
    assert any(line['event'] == 'progress' and 'evaluation' in line for line in finished.lines())


def test_every_tick_is_accounted_for(finished, summary):
    run = finished.run_dir
    episodes = lines(run / 'finetune' / 'episodes.jsonl')
    assert all(row['saved'] for row in episodes)
    trained = sum(row['ticks'] for row in episodes)
    evaluated = sum(row['ticks'] for name in ('pretrained', 'finetuned')
                    for row in read(run / 'evaluations' / f'{name}.json')['episodes'])
    judged = sum(row['ticks'] for row in lines(run / 'finetune' / 'judgements.jsonl'))
    assert summary['env_steps'] == trained >= STEPS
    assert read(run / 'finetune' / 'result.json')['control']['ticks'] == trained + judged
    assert summary['control']['ticks'] == trained + judged + evaluated


def test_episodes_of_learning_are_cut_and_arrive_as_truncated(finished):
    run = finished.run_dir
    cloned = read(run / 'pretrained' / 'pretrain.json')
    cut = math.ceil(1.5 * cloned['transitions'] / cloned['demonstrations'])
    limit = load_contract(run / 'contract.yaml').time_limit_ticks
    assert cut < limit
    episodes = lines(run / 'finetune' / 'episodes.jsonl')
    unsolved = [row for row in episodes if row['outcome'] == 'time_limit']
    assert unsolved and {row['ticks'] for row in unsolved} == {cut}
    ends = {record.episode_id: record for record in journal_records(run)}  # the last one of each
    assert all(ends[row['episode_id']].truncated and not ends[row['episode_id']].terminated
               for row in unsolved)
    evaluated = read(run / 'evaluations' / 'pretrained.json')['episodes']
    assert {row['ticks'] for row in evaluated if row['outcome'] == 'time_limit'} <= {limit}


def test_steps_and_resets_are_told_in_minutes(finished, summary):
    spent, episodes = summary['time_spent'], lines(finished.run_dir / 'finetune/episodes.jsonl')
    rate = load_contract(finished.run_dir / 'contract.yaml').control_rate
    assert (spent['resets'], spent['steps']) == (len(episodes), summary['env_steps'])
    assert (spent['rate'], spent['reset_seconds']) == (rate, 10.0)
    minutes = (summary['env_steps'] / rate + 10.0 * len(episodes)) / 60.0
    assert spent['robot_minutes'] == pytest.approx(minutes)
    shown = [line for line in finished.lines() if 'robot_minutes' in line]
    for last in (episodes[-1], shown[-1]):
        assert last['robot_minutes'] == pytest.approx(minutes)
        assert last['person_minutes'] == pytest.approx(spent['person_minutes'])


def test_both_evaluations_start_in_the_same_states(finished):
    seeds = [[row['seed'] for row in
              read(finished.run_dir / 'evaluations' / f'{name}.json')['episodes']]
             for name in ('pretrained', 'finetuned')]
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == EPISODES


def test_the_report_needs_no_other_files(finished):
    page = (finished.run_dir / 'report.html').read_text(encoding='utf-8')
    assert '</html>' in page and len(page) > 10_000
    loads = re.findall(
        r'<(?:script|img|link|iframe|source|image)\b[^>]*?(?:src|href)\s*=\s*["\']?([^"\'>\s]+)'
        r'|url\(\s*["\']?([^"\')]+)|@import\s+["\']?([^"\';]+)', page)
    targets = [''.join(load) for load in loads]
    assert [target for target in targets if not target.startswith(('data:', '#'))] == []


def test_tensorboard_can_read_the_run(finished, summary):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(finished.run_dir / 'tensorboard'))
    events.Reload()
    assert {'loss/rl', 'loss/il', 'episode/success'} <= set(events.Tags()['scalars'])
    assert events.Scalars('episode/ticks')[-1].step == summary['env_steps']


def test_demonstrations_are_bags_that_any_tool_reads(finished):
    bags = sorted((finished.run_dir / 'demonstrations').glob('*/metadata.yaml'))
    assert len(bags) == DEMOS
    for bag in bags:
        assert list(bag.parent.glob('*.mcap'))
        with AnyReader([bag.parent], default_typestore=get_typestore(Stores.EMPTY)) as reader:
            counts = {link.topic: link.msgcount for link in reader.connections}
            executed = 0
            for link, _, raw in reader.messages():
                message = reader.deserialize(raw, link.msgtype)
                if link.topic == '/executed_action':
                    assert message.tick == executed
                    executed += 1
        assert executed == counts['/command/twist'] == counts['/teleop/joy'] > 0
        # One more observation than actions: the final one.
        assert counts['/joint_states'] == counts['/hand_pose'] == executed + 1
