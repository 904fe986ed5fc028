# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A camera that was moved after the demonstrations is no failure of the policy, nor recorded."""

import os
from pathlib import Path
import shutil

from camera_arm import write_camera_arm
import pytest
from running_command import inril, succeeded
from small_run import read

pytest.importorskip('inril_ros.bench.vectorised')

MOVED = Path(__file__).resolve().parents[1] / 'moved_camera'


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """A run with demonstrations and a clone, whose policy looks through the camera in front."""
    folder = tmp_path_factory.mktemp('moved_camera')
    contract, simulation = write_camera_arm(folder, 'front', 96, {'time_limit': 1.25})
    succeeded(folder, 'record', folder / 'run', '--task', 'reach', '--demos', 2,
              '--contract', contract, '--simulation', simulation)
    succeeded(folder, 'pretrain', folder / 'run', '--clone-steps', 3, '--device', 'cpu')
    return folder / 'run'


def moved(run, *arguments):
    """Start a command in whose simulation somebody has run into the tripod."""
    path = os.pathsep.join([str(MOVED), os.environ.get('PYTHONPATH', '')])
    return inril(run.parent, *arguments, '--start-patience', 5, MOVED_PIXELS='10',
                 PYTHONPATH=path)


def test_the_policy_does_not_act_and_the_command_says_why(run):
    command = moved(run, 'evaluate', run, '--model', 'pretrained', '--episodes', 1)
    picture = run / 'cameras' / 'refused' / 'picture.png'
    assert command.finish() == 1, f'{command.stdout}\n{command.stderr}'
    assert 'camera front is moved: what it shows is shifted by' in command.stderr
    assert 'px to the left of 96' in command.stderr and str(picture) in command.stderr
    assert f'inril camera renew {run}' in command.stderr
    assert picture.stat().st_size > 1000
    noted = read(run / 'evaluations' / 'pretrained.json')
    assert not noted['episodes'] and len(noted['aborted']) == 1, 'no failure of the policy'


def test_no_further_demonstration_is_recorded_and_the_command_says_why(run):
    run = shutil.copytree(run, run.with_name('further'))
    (run / 'stages.json').unlink()  # as if the recording had been interrupted: it goes on
    command = moved(run, 'record', run, '--resume', '--demos', 3)
    assert command.finish() == 1, f'{command.stdout}\n{command.stderr}'
    assert 'recorder_node: camera front is moved: what it shows is shifted by' in command.stderr
    assert str(run / 'cameras' / 'refused' / 'picture.png') in command.stderr
    assert len(list(run.glob('demonstrations/*/metadata.yaml'))) == 2
