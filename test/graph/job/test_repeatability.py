# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The same seed gives the same run: demonstrations, cloned weights, and fine-tuned weights."""

import json
import os
import signal

import pytest
from running_command import Command, succeeded
from small_run import copy_after, DEMOS, finetune_arguments, read, TASK

STEPS = 300


def record(folder, seed):
    """Record demonstrations in a new run; return its folder and the digest of its bags."""
    run = folder / f'seed_{seed}'
    succeeded(folder, 'record', run, '--task', TASK, '--seed', seed, '--demos', DEMOS, '--json')
    return run, read(run / 'recording.json')['digest']


@pytest.fixture(scope='module')
def again(tmp_path_factory):
    """Return a second run with the seed of the finished one, recorded and cloned again."""
    folder = tmp_path_factory.mktemp('again')
    run, _ = record(folder, seed=0)
    succeeded(folder, 'pretrain', run, '--clone-steps', 300, '--device', 'cpu', '--json')
    return run


def test_one_seed_records_the_same_demonstrations(finished, again):
    first, second = (read(run / 'recording.json') for run in (finished.run_dir, again))
    assert first == second
    assert first['demonstrations'] == DEMOS
    ids = [read(run / 'run.json')['run_id'] for run in (finished.run_dir, again)]
    assert ids[0] != ids[1]


def test_another_seed_records_others(finished, tmp_path):
    _, digest = record(tmp_path, seed=1)
    assert digest != read(finished.run_dir / 'recording.json')['digest']


def test_one_seed_clones_the_same_weights(finished, again):
    hashes = [read(run / 'pretrained' / 'model.json')['content_hash']
              for run in (finished.run_dir, again)]
    assert hashes[0] == hashes[1]


def test_synchronous_fine_tuning_repeats_bit_by_bit(finished, again, settings, tmp_path):
    """Blocks of evaluation change nothing in what is learned."""
    runs = copy_after(finished.run_dir, tmp_path / 'run', 'pretrain'), again
    results = []
    for run, more in zip(runs, ([], ['--evaluation-every', 0]), strict=True):
        succeeded(tmp_path, *finetune_arguments(
            run, settings, '--synchronous', *more, steps=STEPS))
        results.append(read(run / 'finetune' / 'result.json'))
    newest = read(again / 'finetune' / 'model' / 'model.json')['content_hash']
    assert newest == results[0]['evaluation']['newest']['content_hash']
    assert newest != read(finished.run_dir / 'pretrained' / 'model.json')['content_hash']
    assert results[1]['evaluation'] is None
    for key in ('env_steps', 'rl_updates', 'il_updates', 'versions'):
        assert results[0][key] == results[1][key], key
    assert results[0]['il_updates'] > 10 and results[0]['versions']['applied'] > 2


def test_a_synchronous_run_that_was_killed_in_a_block_judges_the_same_weights_again(
        cloned, settings, tmp_path):
    """The learner first learns again what was not in a checkpoint yet."""
    path = cloned / 'finetune' / 'judgements.jsonl'

    def rows():
        return [json.loads(line) for line in path.read_text().split('\n')[:-1]]
    arguments = finetune_arguments(cloned, settings, '--synchronous', steps=STEPS)
    with Command(tmp_path, *arguments) as command:
        command.wait_running(lambda: path.exists() and len(rows()) == 4, 'the last block')
        for process in command.processes():
            os.kill(process, signal.SIGKILL)
        command.finish()
        command.wait_gone()
    succeeded(tmp_path, *arguments, '--resume')
    first, *again = rows()[3:]
    assert len(again) == 3
    for row in again:
        assert row['content_hash'] == first['content_hash'] == read(
            cloned / 'finetune' / 'versions' / row['folder'] / 'model.json')['content_hash']
    assert (again[0]['success'], again[0]['ticks']) == (first['success'], first['ticks'])
