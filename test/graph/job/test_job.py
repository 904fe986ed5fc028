# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`inril demo` does the whole job, and its records add up; a run is resumed, never replaced."""

import json
import math
import re
import signal

import command_line
from inril_ros.msg import Transition
from mcap.reader import make_reader
import pytest
from rclpy.serialization import deserialize_message
from rosbags.highlevel import AnyReader
from rosbags.typesys import get_typestore, Stores
from running_command import Command, refused, succeeded
from small_run import (
    copy_after,
    demo_arguments,
    DEMOS,
    EPISODES,
    finetune_arguments,
    read,
    STAGES,
    STEPS,
    TASK,
    tree,
)

from inril_ros.robot.contract.contract import load_contract
from inril_ros.transport.journal.journal import read_journal

SUMMARY_KEYS = {
    'task', 'seed', 'contract_hash', 'run_id', 'demos', 'demos_digest', 'bc_success',
    'finetuned_success', 'training_episodes', 'env_steps', 'time_spent', 'rl_updates',
    'il_updates', 'host', 'm', 'il_source', 'versions', 'transitions', 'control', 'wall_seconds',
    'device', 'repeatable', 'evaluation', 'pretrained_hash', 'finetuned_hash', 'package_version',
    'unfinished', 'interventions', 'discards'}


@pytest.fixture(scope='module')
def summary(finished):
    return read(finished.run_dir / 'summary.json')


def journaled(run):
    """Return the numbers of the records in a run's journal, read by mcap alone."""
    numbers = []
    for path in sorted((run / 'finetune' / 'journal').glob('*.mcap')):
        with path.open('rb') as file:
            numbers += [message.sequence for _, _, message in make_reader(file).iter_messages()]
    return numbers


def journal_records(run):
    """Return the transitions of a run's journal; its last segment may have no end."""
    return [deserialize_message(raw, Transition)
            for _, raw in read_journal(run / 'finetune' / 'journal')]


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


# Results of the job.

def test_stdout_is_lines_of_json_and_ends_with_the_summary(finished, summary):
    written = finished.lines()  # fails if a line isn't JSON
    assert finished.stdout.endswith('\n')
    assert {line['event'] for line in written} == {'message', 'stage', 'progress', 'summary'}
    assert {line['stage'] for line in written if line['event'] == 'progress'} == {
        'record', 'pretrain', 'evaluate pretrained', 'finetune', 'evaluate finetuned'}
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


# A second start.

def test_a_folder_with_a_run_is_refused_and_unchanged(finished, settings, tmp_path):
    before = tree(finished.run_dir)
    error = refused(tmp_path, *demo_arguments(finished.run_dir, settings))
    assert '--resume' in error and str(finished.run_dir) in error
    assert tree(finished.run_dir) == before


def test_resuming_a_finished_run_does_nothing_again(copied, settings, tmp_path):
    before = tree(copied)
    command = succeeded(tmp_path, *demo_arguments(copied, settings), '--resume')
    texts = [line['text'] for line in command.lines() if line['event'] == 'message']
    done = [text.partition(': done before') for text in texts if ': done before' in text]
    assert [stage for stage, _, _ in done] == list(STAGES)
    assert all(('%' in told) is stage.startswith('evaluate') for stage, _, told in done)
    after = tree(copied)
    views = {name for name in {*before, *after} if name.startswith('tensorboard/')}
    views |= {'report.html'}  # drawn again
    assert {name: after.get(name) for name in before if name not in views} == {
        name: digest for name, digest in before.items() if name not in views}
    assert set(after) - views == set(before) - views


def test_a_stage_that_was_not_marked_as_done_can_be_resumed(copied, settings, tmp_path):
    """The power can fail between the last result of a stage and its mark as done."""
    result = read(copied / 'summary.json')
    (copied / 'stages.json').write_text('{"evaluate_pretrained": 1.0, "evaluate_finetuned": 1.0}')
    command = succeeded(tmp_path, *demo_arguments(copied, settings), '--resume')
    again = command.lines()[-1]
    for key in ('demos_digest', 'pretrained_hash', 'rl_updates', 'il_updates', 'env_steps',
                'finetuned_hash'):
        assert again[key] == result[key], key


def test_success_that_fell_after_its_best_ends_with_the_best(copied, settings, tmp_path):
    """The power fails when all versions are judged; the one in the middle was the best."""
    folder = copied / 'finetune'
    path = folder / 'judgements.jsonl'
    rows = [{**row, 'success': row['block'] == 1} for row in lines(path)]
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    done = read(copied / 'stages.json')
    (copied / 'stages.json').write_text(json.dumps(
        {stage: done[stage] for stage in STAGES[:3]}))
    command = succeeded(tmp_path, *finetune_arguments(copied, settings, '--resume'))
    best, newest = rows[3], rows[6]
    assert best['content_hash'] != newest['content_hash']
    model = read(folder / 'model' / 'model.json')
    assert model['content_hash'] == best['content_hash']
    assert lines(path) == rows  # nothing is judged again
    assert any(line.get('text', '').startswith(f'kept: version {best["version"]}, after')
               for line in command.lines())


def test_a_killed_fine_tuning_continues_without_loss(cloned, settings, tmp_path):
    # Synchronous: the learner then waits for each episode's end, even if it never comes.
    steps = 500
    arguments = finetune_arguments(cloned, settings, '--synchronous', steps=steps)
    with Command(tmp_path, *arguments) as command:
        command.wait_progress('finetune', steps // 3)
        command.signal(signal.SIGKILL)
        command.finish()
        command.wait_gone()
    before = journal_records(cloned)
    assert before
    assert '--resume' in command_line.refused(*arguments)
    succeeded(tmp_path, *arguments, '--resume')
    after = journal_records(cloned)
    assert after[:len(before)] == before
    result = read(cloned / 'finetune' / 'result.json')
    counts = result['transitions']
    forgotten = sum(record.steps == 0 for record in after)
    assert [record.sequence for record in after] == list(range(1, len(after) + 1))
    assert counts['journaled'] == counts['acknowledged'] == len(after)
    assert counts['ingested'] == len(after) - forgotten
    assert result['env_steps'] >= steps
    assert result['control']['starts'] == 2
    played = lines(cloned / 'finetune' / 'episodes.jsonl')
    assert result['control']['ticks'] > sum(row['ticks'] for row in played)  # and the blocks'
    assert result['il_updates'] == result['rl_updates'] // 4
    judged = [row['env_steps'] for row in lines(cloned / 'finetune' / 'judgements.jsonl')]
    assert judged == [0] * 3 + [result['env_steps']] * 3


def test_a_killed_evaluation_ends_as_one_that_was_not_and_can_be_continued(
        finished, tmp_path):
    """No command names the robot: the run knows it."""
    cloned = copy_after(finished.run_dir, tmp_path / 'run', 'pretrain')
    file = cloned / 'evaluations' / 'pretrained.json'
    arguments = ('evaluate', cloned, '--model', 'pretrained', '--json')
    with Command(tmp_path, *arguments, '--episodes', EPISODES) as command:
        command.wait_running(lambda: file.exists() and read(file)['n'] >= 2, 'two episodes')
        command.signal(signal.SIGKILL)
        command.finish()
        command.wait_gone()
    assert 2 <= read(file)['n'] < EPISODES
    assert read(cloned / 'settings.json')['evaluate_pretrained']['simulation']['value']
    succeeded(tmp_path, *arguments, '--resume')
    whole = read(finished.run_dir / 'evaluations' / 'pretrained.json')
    assert read(file)['episodes'] == whole['episodes']
    succeeded(tmp_path, *arguments, '--episodes', EPISODES + 1)
    rows = read(file)['episodes']
    assert rows[:EPISODES] == whole['episodes'] and len(rows) == EPISODES + 1
    assert rows[-1]['seed'] not in {row['seed'] for row in whole['episodes']}
    text = succeeded(tmp_path, 'report', cloned).stdout
    assert 'report.html' in text and 'finished yet: finetune, evaluate_finetuned' in text


def test_rl_only_takes_no_imitation_update(cloned, settings, tmp_path):
    succeeded(tmp_path, *finetune_arguments(cloned, settings, '--rl-only', steps=200))
    result = read(cloned / 'finetune' / 'result.json')
    assert result['rl_updates'] > 60
    assert result['il_updates'] == 0
