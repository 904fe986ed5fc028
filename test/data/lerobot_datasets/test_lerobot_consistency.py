# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A LeRobotDataset whose commands can't be those of its measured joints is refused."""

from lerobot_files import arm, Files
import numpy as np
import pytest

from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.data.lerobot.importing import import_lerobot
from inril_ros.data.lerobot.options import LeRobotOptions

TIMES = np.linspace(0.0, 3.0, 30)[:, None]
STATE = np.concatenate([1.2 * np.sin(TIMES), 0.8 * np.cos(2 * TIMES), 0.5 + 0 * TIMES], 1)


def dataset(folder, action, state=STATE):
    files = Files((20, 10))
    files.put('observation.state', state)
    files.put('action', action)
    return files.write(folder / 'set')


@pytest.mark.parametrize(('scale', 'offset', 'words'), [
    ([1, 0.5, 1], [0, 0, 0], r'arm.elbow: it moves as the measurement does \(correlation 1.00\), '
                             'but by 0.5 times as much'),
    ([1, np.pi / 180, 1], [0, 0, 0], 'arm.elbow: it moves as the measurement does .* by 0.0175'),
    ([1, -1, 1], [0, 0, 0], 'arm.elbow: it goes the other way than the measurement'),
    ([0.1, 1, 1], [-1.9, 0, 0], 'arm.shoulder: it is 2.* away from the measurement')])
def test_commands_that_are_not_of_the_measured_joint_are_refused(tmp_path, scale, offset, words):
    with pytest.raises(LeRobotError, match=f'(?s)commands are not those of.*{words}'):
        import_lerobot(dataset(tmp_path, STATE * scale + offset), arm(), tmp_path / 'demos')
    assert not list(tmp_path.glob('demos/*'))


def test_joints_that_are_named_wrongly_in_the_actions_are_found(tmp_path):
    state = STATE + [0.0, 0.0, 0.0]
    state[:, 1] = -1.9 + 0.02 * state[:, 1]
    with pytest.raises(LeRobotError, match='(?s)arm.shoulder: it is .*arm.elbow: it is'):
        import_lerobot(dataset(tmp_path, state[:, [1, 0, 2]], state), arm(), tmp_path / 'demos')


def test_changes_are_not_taken_for_positions(tmp_path):
    change = np.concatenate([np.diff(STATE, axis=0), 0 * STATE[:1]])
    with pytest.raises(LeRobotError, match='arm.shoulder: it is near the change of the '
                                           'measurement from frame to frame'):
        import_lerobot(dataset(tmp_path, change), arm(), tmp_path / 'demos')


@pytest.mark.parametrize('action', [
    np.concatenate([STATE[3:], STATE[-3:]]),  # lag
    STATE + 0.3 * np.sin(5 * TIMES), STATE * [0.9, 1.1, 0.1],  # load, and a gripper that holds
    np.tile([0.3, -0.2, 0.5], (30, 1))])  # a command at rest
def test_commands_that_an_arm_follows_as_arms_do_are_accepted(tmp_path, action):
    done = import_lerobot(dataset(tmp_path, action), arm(), tmp_path / 'demos')
    assert [episode.ticks for episode in done] == [20, 10]


def test_states_in_another_unit_within_the_limits_are_found_and_can_be_said(tmp_path):
    state = STATE.copy()
    state[:, 0] = np.degrees(0.02 * STATE[:, 0])  # the joint moves by one degree
    action = STATE * [0.02, 1, 1]
    with pytest.raises(LeRobotError, match='arm.shoulder: it moves as .* by 0.0175 times'):
        import_lerobot(dataset(tmp_path, action, state), arm(), tmp_path / 'demos')
    import_lerobot(dataset(tmp_path, action, state), arm(), tmp_path / 'demos',
                   LeRobotOptions(units=['angles.shoulder=degrees']))
