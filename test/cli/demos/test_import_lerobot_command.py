# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`inril demos import-lerobot`, as a person types it."""

import json
from pathlib import Path
import sys

import numpy as np
import pytest
from typer.testing import CliRunner
import yaml

sys.path.append(str(Path(__file__).parents[2] / 'data'))

from lerobot_files import Files  # noqa: E402

from inril_ros.cli.main import app  # noqa: E402

ARM = {
    'name': 'arm', 'control_rate': 10.0, 'episode': {'time_limit': 60.0},
    'observations': {'angles': {
        'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState', 'max_age': 0.2,
        'joints': ['shoulder', 'elbow', 'gripper']}},
    'policy_observations': ['angles'],
    'actions': {'arm': {
        'topic': 'commands', 'type': 'std_msgs/msg/Float64MultiArray', 'hold': 'last',
        'joints': ['shoulder', 'elbow', 'gripper'], 'minimum': [-2] * 3, 'maximum': [2] * 3}}}


@pytest.fixture
def files(tmp_path):
    (tmp_path / 'arm.yaml').write_text(yaml.safe_dump(ARM))
    return Files(names=['gripper.pos', 'shoulder.pos', 'elbow.pos'])


def inril(folder, files, *options):
    files.write(folder / 'set')
    return CliRunner(env={'COLUMNS': '200'}).invoke(app, [
        'demos', 'import-lerobot', str(folder / 'set'), '--to', str(folder / 'demos'),
        '--contract', str(folder / 'arm.yaml'), *options])


def test_what_the_dataset_was_taken_for_is_printed(files, tmp_path):
    result = inril(tmp_path, files)
    assert result.exit_code == 0, result.output
    assert 'gripper is gripper.pos: 0.1 to 0.25, limits -2 to 2' in result.output
    assert 'outcomes: 2 success' in result.output
    assert '2 of 2 episodes are in' in result.output


def test_degrees_are_checked_and_the_grippers_unit_is_asked_for(files, tmp_path):
    files.put('action', np.degrees(files.vectors('action')))
    files.put('observation.state', np.degrees(files.vectors('observation.state')))
    result = inril(tmp_path, files)
    assert result.exit_code == 1
    assert '--units degrees --units gripper=percent' in str(result.exception)
    result = inril(tmp_path, files, '--degrees')
    assert 'Add: --units gripper=percent' in str(result.exception)
    assert not list(tmp_path.glob('demos/*'))
    result = inril(tmp_path, files, '--degrees', '--units', 'gripper=percent:-1:1')
    assert result.exit_code == 0, result.output
    assert 'percent are' in result.output


def test_a_broken_episode_makes_the_exit_code_1_unless_it_is_skipped(files, tmp_path):
    files.frames.pop()
    result = inril(tmp_path, files)
    assert result.exit_code == 1
    assert 'episode 1 has 4 of 5 frames' in str(result.exception)
    result = inril(tmp_path, files, '--skip-broken', '--json')
    assert result.exit_code == 0
    assert [one['reason'] for one in json.loads(result.stdout)] == [
        '', 'has 4 of 5 frames; without those of frame_index 4']


def test_names_outcome_and_task_can_be_said(files, tmp_path):
    files.info['features']['action']['names'] = None
    files.tasks, files.rows[0]['tasks'] = None, []
    result = inril(tmp_path, files, '--map', 'arm.shoulder=1', '--map', 'arm.elbow=2', '--map',
                   'arm.gripper=0', '--outcome', 'failure', '--task', 'stack')
    assert result.exit_code == 0, result.output
    listed = CliRunner().invoke(app, ['demos', 'list', str(tmp_path / 'demos'), '--json'])
    assert [(one['outcome'], one['task']) for one in json.loads(listed.stdout)] == [
        ('failure', 'stack'), ('failure', 'pick the cube')]
    wrong = inril(tmp_path, files, '--outcome', 'great')
    assert 'allowed are success, failure, time_limit' in str(wrong.exception)
