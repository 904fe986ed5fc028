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
    '│ shoulder_lift_joint │ -2.6  │ -0.4 │ 1     │ 5            │ 50   │ -1.57 │',
    'box in base_link around tool0, gripper_tip: x 0.1..0.85 m, y -0.5..0.5 m, z 0.01..0.9 m',
    f'URDF: {ROBOTS / "ur5e" / "ur5e.urdf"}',
    "reset: home at 0.3 of the limits, then a person's ready",
    'a person moves arm by leader/joint_states (relative), gripper by joy axis 2',
    'on joy the buttons dead man 4, success 0, failure 1, discard 3, ready 7',
    'a camera silent for 0.5 s or frozen for 1 s'])
def test_limits_boxes_home_and_teleoperation_are_shown(part):
    assert part in succeeded('contract', 'check', 'ur5e_joint_trajectory')


def test_what_the_policy_sees_and_who_judges_is_shown(tmp_path):
    text = succeeded('contract', 'check', with_keys(
        'so101_forward_position', tmp_path / 'arm.yaml', observation_delay=0.02,
        **{'episode.judge': 'person', 'episode.reward': [-1.0, 2.0]}))
    assert 'the policy sees front, wrist at 96 x 96, at most 0.2 s old' in text
    assert '0.02 s before the tick' in text
    assert 'verdicts on outcome by person, rewards from -1 to 2' in text


def test_the_tighter_limits_of_the_urdf_are_those_that_are_shown(tmp_path):
    path = with_keys('mock_arm', tmp_path / 'arm.yaml', **{
        'actions.arm_position.max_velocity': [9.0]})
    assert ' │ 3.1416 │ ' in succeeded('contract', 'check', path)


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
