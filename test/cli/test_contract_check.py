# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`inril contract check` shows all of a contract, however narrow the terminal, and what is off."""

import re
import shutil

from command_line import refused, succeeded
from contract_files import ROBOTS, with_keys
import pytest

from inril_ros.data.run.run_directory import new_settings, RunDirectory
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.motion.kinematics import urdf_of

RED = re.compile(r'\x1b\[(?:1;)?31m(.*?)\x1b\[0m')
PHYSICAL = ('ur5e_joint_trajectory', 'fr3_joint_trajectory', 'xarm6_gripper',
            'so101_forward_position', 'servo_twist')


def in_red(contract, monkeypatch):
    """Return the red lines of a check."""
    monkeypatch.setenv('FORCE_COLOR', '1')
    return [line.strip() for line in RED.findall(succeeded('contract', 'check', contract))]


def test_nothing_is_cut_off_in_a_narrow_terminal(monkeypatch):
    monkeypatch.setattr('command_line.WIDTH', '40')
    text = succeeded('contract', 'check', 'aloha')
    contract = load_contract(ROBOTS / 'aloha.yaml')
    assert '…' not in text and '...' not in text
    for entry in [*contract.observations.values(), *contract.actions.values(),
                  *contract.cameras.values()]:
        assert entry.topic in text
    for entry in contract.actions.values():
        for joint, *ends in zip(entry.joints, entry.minimum, entry.maximum, strict=True):
            assert any(line.startswith(f'│ {joint} ') and all(f' {end:g} ' in line for end in ends)
                       for line in text.splitlines())


@pytest.mark.parametrize('part', [
    '│ shoulder_lift_joint │ rad  │ -2.6  │ -0.4 │ 1         │ 5                 │ 50        │ ',
    '┃ unit ┃ from  ┃ to   ┃ speed, /s ┃ acceleration, /s² ┃ jerk, /s³ ┃ home  ┃',
    'box in base_link around tool0, gripper_tip: x 0.1..0.85 m, y -0.5..0.5 m, z 0.01..0.9 m',
    f'URDF: {ROBOTS / "ur5e" / "ur5e.urdf"}',
    "reset: home at 0.3 of the limits, then a person's ready",
    'a person moves arm by leader/joint_states (relative*), gripper by joy axis 2',
    'on joy the buttons dead man 4, success 0, failure 1, discard 3, ready 7',
    'a camera silent for 0.5 s* or frozen for 1 s*',
    'gripper_cmd, control_msgs/action/GripperCommand, position of joints, held by last, at most '
    '0.3 rad* ahead of the arm, effort 40 N m',
    '│ robotiq_85_left_knuckle_joint │ rad  │ 0    │ 0.8 │ 2         │ 2*                │ 20*  ',
    '* a default: the file does not say it'])
def test_limits_boxes_home_and_teleoperation_are_shown(part):
    assert part in succeeded('contract', 'check', 'ur5e_joint_trajectory')


def test_what_the_file_says_has_no_star(tmp_path):
    text = succeeded('contract', 'check', with_keys(
        'ur5e_joint_trajectory', tmp_path / 'arm.yaml', **{
            'actions.gripper.max_jerk': [20.0], 'actions.gripper.max_lead': 0.3,
            'safety': {'max_camera_age': 0.5}}))
    assert 'at most 0.3 rad ahead of the arm, effort 40 N m' in text
    assert '│ 2*                │ 20        │' in text
    assert 'a camera silent for 0.5 s or frozen for 1 s*' in text


def test_units_are_those_of_the_field_and_of_the_joint():
    text = succeeded('contract', 'check', 'metaworld_sawyer')
    assert '│ twist.linear.x │ m/s  │ -0.8 │ 0.8 │ unlimited*       │ unlimited* │' in text
    assert '│ gripper   │ N m or N │ -1   │ 1  │' in text  # no URDF says whether it turns
    fingers = succeeded('contract', 'check', 'fr3_joint_trajectory')
    assert '│ fr3_finger_joint1 │ m    │ 0    │ 0.04 │ 0.1 ' in fingers
    assert 'effort 20 N\n' in fingers


def test_a_rule_that_waits_for_ever_is_off(monkeypatch):
    assert 'safety.latch_after: a fault that has passed is forgotten, however long it lasted' in (
        in_red('metaworld_sawyer', monkeypatch))
    text = succeeded('contract', 'check', 'metaworld_sawyer')
    assert '1e+06' not in text and '(latch_after: off)' in text


@pytest.mark.parametrize(('changes', 'told'), [
    ({'actions.fingers.max_lead': 0.03}, ()),
    ({}, ("actions.fingers.max_lead: 0.3 for 'fr3_finger_joint1' is its whole range "
          '(0..0.04 m) or more, so the limit never acts',)),
    ({'actions.fingers.max_lead': [0.03],
      'actions.arm.max_lead': [0.3, 0.3, 5.0, 0.3, 0.3, 0.3, 0.3]},
     ("actions.arm.max_lead: 5 for 'fr3_joint3' is its whole range (-0.8..0.8 rad)",))])
def test_a_limit_beyond_the_range_of_its_joint_is_told(changes, told, tmp_path):
    text = succeeded('contract', 'check', with_keys(
        'fr3_joint_trajectory', tmp_path / 'arm.yaml', **changes))
    lines = [line for line in text.splitlines() if 'the limit never acts' in line]
    assert len(lines) == len(told)
    assert all(line.startswith(words) for line, words in zip(lines, told, strict=True))


def test_a_speed_beyond_the_range_of_its_joint_is_told(tmp_path):
    assert ("actions.gripper.max_velocity: 20 takes 'finger_joint' through its whole range "
            '(0..0.8 rad or m) within one tick') in succeeded('contract', 'check', with_keys(
                'servo_twist', tmp_path / 'arm.yaml', **{'actions.gripper.max_velocity': [20.0]}))


def test_max_lead_has_one_value_or_one_per_joint(tmp_path):
    error = refused('contract', 'check', with_keys(
        'fr3_joint_trajectory', tmp_path / 'arm.yaml', **{'actions.arm.max_lead': [0.3, 0.3]}))
    assert 'actions.arm: max_lead has 2 values: one number is needed, or 7 in a list' in error


def test_mistakes_are_in_the_order_of_the_file(tmp_path):
    path = with_keys('fr3_joint_trajectory', tmp_path / 'arm.yaml', **{
        'cameras.front.rate': -1.0, 'safety': {'latch_after': 'long'}, 'control_rate': 'fast',
        'episode.time_limit': -3.0, 'actions.arm.type': 'no/msg/Type'})
    found = [int(number) for number in re.findall(
        r'^  line (\d+): ', refused('contract', 'check', path), re.MULTILINE)]
    assert len(found) == 5 and found == sorted(found)


def test_mistakes_that_the_gate_finds_have_their_line(tmp_path):
    path = with_keys('mock_arm', tmp_path / 'arm.yaml', **{
        'actions.arm_position.topic': 'fill_in/arm', 'episode.home.elbow_joint': 0.8,
        'workspace.minimum': [0.6, -0.1, 0.5], 'workspace.maximum': [0.61, 0.1, 0.6]})
    found = [int(number) for number in re.findall(
        r'^  line (\d+): ', refused('contract', 'check', path), re.MULTILINE)]
    assert len(found) == 2 and found == sorted(found)


def test_what_the_policy_sees_and_who_judges_is_shown(tmp_path):
    text = succeeded('contract', 'check', with_keys(
        'so101_forward_position', tmp_path / 'arm.yaml', observation_delay=0.02,
        **{'episode.judge': 'vision_node', 'episode.veto': 3.0, 'episode.reward': [-1.0, 2.0]}))
    assert 'the policy sees front, wrist at 96 x 96, at most 0.2 s old' in text
    assert '0.02 s before the tick' in text
    assert 'verdicts on outcome* by vision_node, which count after 3 s, rewards' in text


def test_the_tighter_limits_of_the_urdf_are_those_that_are_shown(tmp_path):
    path = with_keys('mock_arm', tmp_path / 'arm.yaml', **{
        'actions.arm_position.max_velocity': [9.0]})
    assert ' │ 3.1416    │ ' in succeeded('contract', 'check', path)


@pytest.mark.parametrize(('changes', 'line'), [
    ({'workspace': None}, 'workspace.links: no box: the tool may go wherever its joints reach'),
    ({'observations.joint_positions.frozen_after': 0.0}, 'observations.*.frozen_after: a driver'),
    ({'safety.camera_frozen_after': 0.0}, 'safety.camera_frozen_after: a camera that repeats'),
    ({'teleoperation.joint_action': ''}, 'teleoperation: no action is commanded by a person'),
    ({'teleoperation.success_button': -1}, 'teleoperation: no success_button: a person has'),
    ({'episode.home': {}}, 'episode.home: the arm is not driven to a home pose')])
def test_what_is_off_is_told_in_red(changes, line, monkeypatch, tmp_path):
    assert in_red('mock_arm', monkeypatch) == []
    off = in_red(with_keys('mock_arm', tmp_path / 'arm.yaml', **changes), monkeypatch)
    assert off[0] == 'off:' and len(off) == 2 and off[1].startswith(line)


def test_a_velocity_without_a_box_or_an_acceleration_is_told_in_red(monkeypatch, tmp_path):
    path = with_keys('servo_twist', tmp_path / 'arm.yaml', **{
        'workspace': None, 'actions.linear.max_acceleration': []})
    off = in_red(path, monkeypatch)
    assert any(line.startswith('workspace.action: no box: linear may move') for line in off)
    assert 'actions.linear.max_acceleration: the velocity may change at once' in off


def test_two_arms_of_the_same_names_are_told_that_no_box_is_possible(monkeypatch):
    assert in_red('aloha', monkeypatch)[1].startswith(
        'workspace.links: no box, and none is possible')


@pytest.mark.parametrize('name', PHYSICAL)
def test_a_shipped_arm_has_a_box(name, monkeypatch):
    assert not [line for line in in_red(name, monkeypatch) if line.startswith('workspace')]
    text = succeeded('contract', 'check', name)
    assert re.search(r'box .* z -?[\d.]+\.\.[\d.]+ m', text)


@pytest.mark.parametrize('name', [*PHYSICAL[:4], 'mock_arm', 'gazebo_arm'])
def test_a_contract_that_was_copied_elsewhere_finds_its_urdf(name, tmp_path):
    copy = shutil.copy(ROBOTS / f'{name}.yaml', tmp_path / 'arm.yaml')
    shipped = load_contract(ROBOTS / f'{name}.yaml')
    assert load_contract(copy).hash == shipped.hash
    assert urdf_of(load_contract(copy), copy) is not None
    run = RunDirectory.create(tmp_path / 'run', new_settings('t', 0, copy))
    assert (run.path / shipped.kinematics.urdf).read_bytes() == (
        ROBOTS / shipped.kinematics.urdf).read_bytes()
    assert load_contract(run.contract).hash == shipped.hash


def test_a_urdf_beside_the_contract_comes_first(tmp_path):
    copy = shutil.copy(ROBOTS / 'ur5e_joint_trajectory.yaml', tmp_path / 'arm.yaml')
    own = tmp_path / 'ur5e' / 'ur5e.urdf'
    own.parent.mkdir()
    shutil.copy(ROBOTS / 'ur5e' / 'ur5e.urdf', own)
    assert f'URDF: {own}\n' in succeeded('contract', 'check', copy)


def test_without_its_urdf_a_contract_says_where_it_was_looked_for(tmp_path):
    path = with_keys('mock_arm', tmp_path / 'arm.yaml', **{'kinematics.urdf': 'mine/arm.urdf'})
    error = refused('contract', 'check', path)
    assert f'kinematics.urdf: no file {tmp_path / "mine/arm.urdf"} nor ' in error
    assert str(ROBOTS / 'mine' / 'arm.urdf') in error and 'robot_description' in error
