# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Device settings: shipped ones load, wrong ones are reported with file, line and key."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from joint_arm import contract
import pytest
import yaml

from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.teleop.settings import (
    check_device,
    DeviceError,
    KINDS,
    load_device,
    parse_device,
)

CONFIG = Path(__file__).parents[3] / 'config'
SHIPPED = sorted((CONFIG / 'teleoperation').glob('*.yaml'))
#: A robot that each shipped file can drive.
ROBOTS = {'joystick_twist': 'metaworld_sawyer', 'joystick_joints': 'mock_arm',
          'keyboard': 'mock_arm', 'spacemouse': 'metaworld_sawyer',
          'leader_so101': 'so101_forward_position'}


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_shipped_settings_drive_a_shipped_robot(path):
    kind = yaml.safe_load(path.read_text())['device']
    robot = load_contract(CONFIG / 'robots' / f'{ROBOTS[path.stem]}.yaml')
    device = load_device(kind, path)
    if kind == 'leader':  # that contract names the leader itself, on another topic
        with pytest.raises(DeviceError, match='is read by the robot itself'):
            check_device(device, robot)
        return
    check_device(device, robot)


@pytest.mark.parametrize('kind', KINDS)
def test_every_kind_has_defaults_and_a_dead_mans_switch(kind):
    device = load_device(kind)
    assert device.device == kind
    assert kind == 'keyboard' or device.switches.joy_topic


@pytest.mark.parametrize(('text', 'words'), [
    ('device: joystick\nspeed: 1', 'line 2: speed: unknown key'),
    ('axes: {x: {index: 99, speed: 0.1}}', 'axes.x.index'),
    ('axes: {x: {index: 1, speed: 99.0}}', 'axes.x.speed'),
    ('dead_band: 1.0', 'dead_band'),
    ('timeout: 0', 'timeout'),
    ('device: leader', "is a 'leader', not a 'joystick'"),
    ('switches: {deadman_button: 3, buttons: {success: 3}}', 'two buttons have the same index'),
    ('switches: {buttons: {explode: 3}}', 'switches.buttons.explode'),
    ('switches: {joy_topic: "not a topic"}', 'switches.joy_topic'),
    ('[1, 2]', 'mapping of keys'), ('a: [', 'is not YAML'), ('x: 1\nx: 2', 'is there twice')])
def test_wrong_settings_are_reported(tmp_path, text, words):
    path = tmp_path / 'pad.yaml'
    path.write_text(text)
    with pytest.raises(DeviceError) as caught:
        load_device('joystick', path)
    assert str(caught.value).startswith(str(path)) and words in str(caught.value)


def test_an_unknown_device_and_a_missing_file_are_reported(tmp_path):
    with pytest.raises(DeviceError, match="'telepathy' is none of joystick, spacemouse"):
        load_device('telepathy')
    with pytest.raises(DeviceError, match='absent.yaml: cannot be read'):
        load_device('leader', tmp_path / 'absent.yaml')


@pytest.mark.parametrize(('kind', 'data', 'changes', 'words'), [
    ('leader', {'topic': 'leader'}, {}, 'is read by the robot itself'),
    ('leader', {'switches': {'joy_topic': ''}}, {}, "has no dead man's switch"),
    ('leader', {'switches': {'joy_topic': ''}}, {'takeover': 'motion'}, ''),
    ('leader', {'joints': {'nose': {}}}, {}, "drives ['nose']"),
    ('leader', {}, {'joint_action': ''}, 'no teleoperation.joint_action'),
    ('joint_jog', {}, {'joint_action': ''}, 'no teleoperation.joint_action'),
    ('spacemouse', {}, {'twist_action': ''}, 'no teleoperation.twist_action'),
    ('keyboard', {}, {'joint_action': '', 'twist_action': ''}, 'there is nothing to drive'),
    ('keyboard', {}, {}, ''),
    ('joystick', {'switches': {'deadman_button': 4, 'buttons': {'success': 9}}}, {},
     "buttons for ['success'], and the contract none"),
    ('joystick', {'switches': {'deadman_button': 4, 'buttons': {'success': 9}}},
     {'success_button': 3}, '')])
def test_for_an_unsuitable_device_the_error_says_what_to_change(kind, data, changes, words):
    given = {'joint_action': 'arm', 'joint_topic': 'leader', 'joy_topic': 'teleop/joy',
             'twist_action': '', **changes}
    if kind in ('spacemouse', 'joystick'):
        robot = load_contract(CONFIG / 'robots' / 'metaworld_sawyer.yaml')
        robot = replace(robot, teleoperation=replace(robot.teleoperation, **changes))
    else:
        robot = contract(**{f'teleoperation__{key}': value for key, value in given.items()})
    device = parse_device(kind, data)
    if not words:
        check_device(device, robot)
        return
    with pytest.raises(DeviceError) as caught:
        check_device(device, robot)
    assert words in str(caught.value)


nested = st.recursive(
    st.none() | st.booleans() | st.integers(-50, 50) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(['x', 'axes', 'index', 'speed', 'switches', 'buttons', 'topic', 'joints',
                         'success', 'deadman_button', 'hold']), inner, max_size=4), max_leaves=12)


@given(st.sampled_from(sorted(KINDS)), nested)
def test_any_data_is_settings_or_a_device_error(kind, data):
    try:
        device = parse_device(kind, data)
    except DeviceError as error:
        assert str(error).startswith('device:')
    else:
        assert device.device == kind
