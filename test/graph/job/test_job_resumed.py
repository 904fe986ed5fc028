# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A run is resumed after any stop, and never replaced."""

import json
import signal

import command_line
import pytest
from run_records import journal_records, lines
from running_command import Command, refused, succeeded
from small_run import (
    copy_after,
    demo_arguments,
    EPISODES,
    finetune_arguments,
    read,
    STAGES,
    tree,
)


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


@pytest.mark.long
def test_rl_only_takes_no_imitation_update(cloned, settings, tmp_path):
    succeeded(tmp_path, *finetune_arguments(cloned, settings, '--rl-only', steps=200))
    result = read(cloned / 'finetune' / 'result.json')
    assert result['rl_updates'] > 60
    assert result['il_updates'] == 0
