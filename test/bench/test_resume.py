# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A killed and resumed run equals an uninterrupted one bit for bit; a pool outlives its runs."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from inril_ros.bench import run as run_module
from inril_ros.bench.clones import clone_of
from inril_ros.bench.places import Busy, only_one, StudyPlace
from inril_ros.bench.pools import processes
from inril_ros.bench.pools.processes import run_all
from inril_ros.bench.pools.status import seconds_left, Status
from inril_ros.bench.robots import bench_of
from inril_ros.bench.run import execute
from inril_ros.bench.study import parse_study
from inril_ros.bench.vectorised import Lanes

pytestmark = pytest.mark.filterwarnings('ignore:Constant')
TIMES = {'cpu_seconds', 'simulation_seconds', 'learning_seconds', 'evaluation_seconds'}

# Saves after each round and prints its progress, so that the test knows when to kill it.
CHILD = """
import json, sys
from pathlib import Path
from inril_ros.bench.places import RunPlace
from inril_ros.bench.run import execute
from inril_ros.bench.study import parse_run
document, folder, clones = sys.argv[1:]
execute(parse_run(json.loads(document)), RunPlace(Path(folder)), Path(clones), save_seconds=0.0)
"""


def without_times(rows):
    return [{key: value for key, value in row.items() if key not in TIMES} for row in rows]


def wait_until(condition, process):
    while not condition():
        assert process.poll() is None, 'the process ended too early'
        time.sleep(0.01)


def test_a_killed_run_ends_with_the_weights_of_an_uninterrupted_one(document, tmp_path, capfd):
    document['env_steps'] = 1000  # 25 rounds of two episodes of 20 steps
    document['evaluation']['every'] = 500
    run = parse_study(document).runs()[0]
    clones = tmp_path / 'clones'
    unbroken = execute(run, StudyPlace(tmp_path / 'unbroken').run(run), clones)
    place = StudyPlace(tmp_path / 'killed').run(run)
    process = subprocess.Popen(
        [sys.executable, '-c', CHILD, json.dumps(run.document), str(place.folder), str(clones)],
        cwd=os.getcwd())

    def has_started():
        try:
            facts = json.loads(place.progress.read_text())
        except OSError:
            return False
        return facts['env_steps'] >= 200 and (place.checkpoint / 'model.json').exists()

    wait_until(has_started, process)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not place.finished
    resumed = execute(run, place, clones)
    assert 'continues at' in capfd.readouterr().out
    assert without_times(resumed) == without_times(unbroken)
    assert resumed[-1]['weights_hash'] != resumed[0]['weights_hash']
    assert resumed[-1]['il_updates'] > 0
    assert [json.loads(line) for line in place.rows.read_text().splitlines()] == resumed
    assert not place.checkpoint.exists()


def test_arms_start_with_the_same_clone_and_rows_are_complete(document, tmp_path):
    document['arms'].append({'name': 'rl-only', 'session': {'m': None}})
    document['evaluation']['every'] = 10  # a round passes several points at once
    runs, place = parse_study(document).runs(), StudyPlace(tmp_path)
    first, second = (execute(run, place.run(run), place.clones) for run in runs)
    assert len([path for path in place.clones.iterdir() if path.is_dir()]) == 1
    for name in ('clone', 'weights_hash', 'success', 'outcomes', 'heldout_il_loss'):
        assert first[0][name] == second[0][name]
    assert first[-1]['weights_hash'] != second[-1]['weights_hash']
    assert [row['point'] for row in first] == [*range(0, 160, 10), 160]
    for row in first + second:
        assert {'study', 'task', 'host', 'arm', 'm', 'separation', 'seed', 'env_steps',
                'grad_steps', 'cpu_seconds', 'success', 'n', 'code_hash',
                'config_hash'} <= row.keys()
        assert row['success'] == row['outcomes'].count('1') / row['n']
        assert row['grad_steps'] == row['rl_updates'] + row['il_updates']
        assert row['env_steps'] >= row['point']
    assert (first[-1]['m'], second[-1]['m'], second[-1]['il_updates']) == (4, None, 0)


def test_training_episodes_are_cut_and_those_of_evaluation_are_not(
        document, tmp_path, monkeypatch):
    document['session']['episode_cut'] = 0.61  # of demonstrations of 20 steps
    lengths = {True: set(), False: set()}  # by whether they explore
    play = Lanes.play

    def watched(lanes, *arguments, explore=False, **options):
        episodes = play(lanes, *arguments, explore=explore, **options)
        lengths[explore] |= {episode.steps for episode in episodes}
        return episodes

    monkeypatch.setattr(Lanes, 'play', watched)
    run = parse_study(document).runs()[0]
    rows = execute(run, StudyPlace(tmp_path).run(run), tmp_path / 'clones')
    assert lengths == {True: {13}, False: {20}}
    assert rows[-1]['log']['episode_steps'] == 13.0


def test_a_run_holds_out_what_its_clone_held_out(document, tmp_path):
    document['tasks'][0]['demonstrations']['number'] = 4
    document['pretrain']['heldout_share'] = 0.25
    run = parse_study(document).runs()[0]
    bench = bench_of(run.task)
    made, read = (clone_of(run, bench, tmp_path / 'clones') for _ in range(2))
    assert made.heldout == read.heldout == (2,)
    rows = execute(run, StudyPlace(tmp_path).run(run), tmp_path / 'clones')
    assert rows[0]['clone'] == made.key[:16]
    assert rows[0]['heldout_il_loss'] == pytest.approx(made.facts['heldout_loss'])


def test_a_checkpoint_of_other_code_is_not_continued(study, tmp_path, monkeypatch, capfd):
    run = study.runs()[0]
    place = StudyPlace(tmp_path)
    here = place.run(run)
    saved = []

    def keep(folder, *arguments, **options):
        saved.append(write(folder, *arguments, **options))
        if len(saved) == 2:
            raise InterruptedError

    write = run_module.artifact.write_folder
    with monkeypatch.context() as patch:
        patch.setattr(run_module.artifact, 'write_folder', keep)
        with pytest.raises(InterruptedError):
            execute(run, here, place.clones, save_seconds=0.0)
    assert here.checkpoint.exists()
    monkeypatch.setattr(run_module, 'code_hash', lambda: 'other')
    rows = execute(run, here, place.clones)
    assert 'starts again' in capfd.readouterr().out
    assert {row['code_hash'] for row in rows} == {'other'}


def test_a_run_is_not_executed_by_two_processes(study, tmp_path):
    run = study.runs()[0]
    place = StudyPlace(tmp_path)
    with only_one(place.run(run).lock, wait=False), pytest.raises(Busy):
        execute(run, place.run(run), place.clones)


def test_a_failing_run_is_reported_and_the_others_continue(document, tmp_path):
    document['tasks'].insert(0, {
        'id': 'push', 'demonstrations': {'source': 'bags', 'path': str(tmp_path / 'none')}})
    runs, place, shown = parse_study(document).runs(), StudyPlace(tmp_path / 'study'), []
    ended = run_all(runs, place, 1, shown.append)
    assert [(status.state, status.exit_code) for status in ended] == [
        ('failed', 1), ('finished', 0)]
    assert 'no such folder' in place.run(runs[0]).log.read_text()
    assert place.read_rows(runs)[-1]['env_steps'] >= 160
    states = [[status.state for status in statuses] for statuses in shown]
    assert ['running', 'waiting'] in states
    assert ['failed', 'running'] in states
    # Finished runs are not repeated.
    before = place.run(runs[1]).rows.stat().st_mtime_ns
    assert [status.state for status in run_all(runs[1:], place, 1)] == ['finished']
    assert place.run(runs[1]).rows.stat().st_mtime_ns == before


def test_an_interrupted_pool_leaves_no_process(study, tmp_path, monkeypatch):
    children = []
    popen = subprocess.Popen

    def start(*arguments, **options):
        children.append(popen(*arguments, **options))
        return children[-1]

    def interrupt(statuses):
        if statuses[0].state == 'running':
            raise KeyboardInterrupt

    monkeypatch.setattr(processes.subprocess, 'Popen', start)
    with pytest.raises(KeyboardInterrupt):
        run_all(study.runs(), StudyPlace(tmp_path), 1, interrupt)
    assert [child.poll() for child in children] == [-signal.SIGTERM]


def test_remaining_time_is_estimated_by_arm(document):
    document['arms'] = [{'name': 'fast'}, {'name': 'slow', 'session': {'m': 2}}]
    document.update(seeds=[0, 1], env_steps=100)
    fast, other, slow, last = parse_study(document).runs()
    running = [
        Status(fast, 'running', env_steps=60, seconds=2.0, gained=40),  # 20 per second
        Status(other, 'waiting'),
        Status(slow, 'running', env_steps=10, seconds=10.0, gained=10),  # 1 per second
        Status(last, 'waiting')]
    # Work of 2 + 5 + 90 + 100 s, 98.5 for each of two processes; but the last run alone needs 100.
    assert seconds_left(running, 2) == pytest.approx(100.0)
    assert seconds_left(running, 1) == pytest.approx(2 + 5 + 90 + 100)
    assert seconds_left([Status(fast, 'waiting')], 2) is None
    assert seconds_left([Status(fast, 'finished', seconds=5.0, gained=100)], 2) == 0.0
