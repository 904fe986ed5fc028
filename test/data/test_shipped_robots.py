# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Frames of a recording of each shipped robot hold the true values, live and from bags."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from synthetic_robot import bag_of, recording, START, truth

from inril_ros.data.bags.reading import read_episode
from inril_ros.data.frames.observation_builder import ObservationBuilder
from inril_ros.data.frames.sync import FrameAligner
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.messages.images import PolicyViews
from inril_ros.robot.motion.gate_check import check_gate
from inril_ros.robot.motion.kinematics import KinematicChain, limits_from_urdf, urdf_of

FOLDER = Path(__file__).parents[2] / 'config' / 'robots'
ROBOTS = sorted(path.stem for path in FOLDER.glob('*.yaml'))
TICKS = 12


@pytest.fixture(params=ROBOTS)
def contract(request):
    return load_contract(FOLDER / f'{request.param}.yaml')


def live(contract, rows):
    """Frames made while messages come, each when all messages stamped by its tick have come."""
    aligner, builder = FrameAligner(contract, images=True), ObservationBuilder(contract)
    ticks = [START + tick * contract.period_ns for tick in range(TICKS + 1)]
    observations, images, audit = [], [], []
    views = PolicyViews(contract) if contract.policy_images else None
    for topic, received, message in rows:
        while ticks and received > ticks[0] + 10_000_000:  # nothing comes later than 8 ms
            frame = aligner.frame(ticks.pop(0))
            observations.append(builder.build(frame.values))
            audit.append((frame.age, frame.skew))
            if views:
                images.append(views.of(frame.images))
        if topic in aligner.topics:
            aligner.add(topic, message, received)
    assert not ticks
    return np.stack(observations), np.stack(images) if views else None, audit


def test_frames_are_the_same_live_and_from_the_bag_bit_for_bit(contract, tmp_path):
    rows = recording(contract, TICKS, seed=3)
    observations, images, audit = live(contract, rows)
    episode = read_episode(bag_of(tmp_path, rows), contract)
    assert episode.observations.tobytes() == observations.tobytes()
    assert (episode.images is None) == (images is None)
    assert images is None or episode.images.tobytes() == images.tobytes()
    np.testing.assert_array_equal(
        np.array(audit, np.float32), np.stack([episode.age, episode.skew], axis=1))
    assert len(episode.actions) == TICKS
    assert episode.actions.shape[1] == contract.action_size


def test_a_frame_holds_what_was_true(contract):
    rows = recording(contract, TICKS, seed=4)
    aligner = FrameAligner(contract, images=False)
    for topic, received, message in rows:
        if topic in aligner.topics:
            aligner.add(topic, message, received)
    for tick in range(TICKS + 1):
        stamp = START + tick * contract.period_ns
        instant = stamp - round(contract.observation_delay * 1e9)
        values = aligner.frame(stamp).values
        for name, entry in contract.observations.items():
            true = truth(contract, name, instant)
            # Held: at most as old as may be, and all speeds are below 0.5 per second.
            error = 1e-9 if entry.align != 'hold' else 0.5 * entry.max_age
            value = values[name]
            if entry.is_pose:
                turn = Rotation.from_quat(value[3:]).inv() * Rotation.from_quat(true[3:])
                assert turn.magnitude() <= max(error, 1e-7), name
                value, true = value[:3], true[:3]
            if entry.length != 4:
                np.testing.assert_allclose(value, true, atol=error, err_msg=name)


def test_no_lane_of_the_policy_observation_is_lost(contract):
    rows = recording(contract, TICKS)
    observations, _, _ = live(contract, rows)
    assert observations.shape == (TICKS + 1, contract.observation_size)
    assert np.isfinite(observations).all()
    assert observations.dtype == np.float32


HARD_LIMITS = {  # [rad, rad/s] of the arm itself, by its maker
    'ur5e_joint_trajectory': {
        'minimum': [-6.28319, -6.28319, -3.14159, -6.28319, -6.28319, -6.28319],
        'maximum': [6.28319, 6.28319, 3.14159, 6.28319, 6.28319, 6.28319],
        'velocity': [3.1416] * 6},
    'fr3_joint_trajectory': {
        'minimum': [-2.7437, -1.7837, -2.9007, -3.0421, -2.8065, 0.5445, -3.0159],
        'maximum': [2.7437, 1.7837, 2.9007, -0.1518, 2.8065, 4.5169, 3.0159],
        'velocity': [2.62, 2.62, 2.62, 2.62, 5.26, 4.18, 5.26]},
    'so101_forward_position': {
        'minimum': [-1.91986, -1.74533, -1.69, -1.65806, -2.74385, -0.174533],
        'maximum': [1.91986, 1.74533, 1.69, 1.65806, 2.84121, 1.74533],
        'velocity': [10.0] * 6},
    'xarm6_gripper': {
        'minimum': [-6.28319, -2.059, -3.927, -6.28319, -1.69297, -6.28319],
        'maximum': [6.28319, 2.0944, 0.19198, 6.28319, 3.14159, 6.28319],
        'velocity': [2.14] * 6},
    'aloha': {
        'minimum': [-3.14158, -1.85005, -1.76278, -3.14158, -1.8675, -3.14158],
        'maximum': [3.14158, 1.25664, 1.6057, 3.14158, 2.23402, 3.14158],
        'velocity': [3.14159] * 6}}


@pytest.mark.parametrize('name', HARD_LIMITS)
def test_the_limits_of_a_shipped_arm_are_within_its_own(name):
    contract = load_contract(FOLDER / f'{name}.yaml')
    (action, arm), hard = next(iter(contract.actions.items())), HARD_LIMITS[name]
    assert (np.array(arm.minimum) >= hard['minimum']).all()
    assert (np.array(arm.maximum) <= hard['maximum']).all()
    assert (np.broadcast_to(arm.max_velocity, arm.length) <= hard['velocity']).all()
    assert arm.max_acceleration
    assert set(contract.home(action)) == set(arm.joints)


@pytest.mark.parametrize('name', [
    'ur5e_joint_trajectory', 'fr3_joint_trajectory', 'so101_forward_position', 'servo_twist',
    'two_arms', 'xarm6_gripper', 'aloha'])
def test_a_shipped_real_robot_is_held_by_what_its_controller_needs(name):
    contract = load_contract(FOLDER / f'{name}.yaml')
    for action in contract.actions.values():
        assert action.hold == ('last' if action.commands_positions else 'zero')
        assert action.max_acceleration or action.length == 1
    assert contract.episode.ready == 'person', 'a person says that the scene is set'
    assert contract.teleoperation.success_button >= 0


#: Where a link is [m], by its maker: with all joints at zero, or at the named pose.
KNOWN_PLACES = [
    ('ur5e_joint_trajectory', 'tool0', [0.0] * 6, [0.8172, 0.2329, 0.0628]),
    ('fr3_joint_trajectory', 'fr3_link8',
     [0.0, -0.785398, 0.0, -2.356194, 0.0, 1.570796, 0.785398], [0.3069, 0.0, 0.5903]),
    ('xarm6_gripper', 'link_eef', [0.0] * 6, [0.207, 0.0, 0.112]),
    ('so101_forward_position', 'gripper_frame_link', [0.0] * 5, [0.3914, 0.0, 0.2265])]


@pytest.mark.parametrize(('name', 'link', 'pose', 'place'), KNOWN_PLACES)
def test_the_geometry_of_a_shipped_arm_is_its_own(name, link, pose, place):
    file = FOLDER / f'{name}.yaml'
    contract = load_contract(file)
    robot = urdf_of(contract, file)
    joints = [joint for joint in next(iter(contract.actions.values())).joints
              if joint in robot.joint_map]
    found = KinematicChain(robot, joints, [link]).positions(np.array([pose]))[0, 0]
    np.testing.assert_allclose(found, place, atol=5e-4)


@pytest.mark.parametrize('name', [name for name, *_ in KNOWN_PLACES])
def test_the_limits_of_a_shipped_urdf_are_the_arm_s(name):
    file, hard = FOLDER / f'{name}.yaml', HARD_LIMITS[name]
    contract = load_contract(file)
    robot = urdf_of(contract, file)
    joints = [joint for joint in next(iter(contract.actions.values())).joints
              if joint in robot.joint_map]
    limits = limits_from_urdf(robot, joints)
    np.testing.assert_allclose(limits.minimum, hard['minimum'][:len(joints)], atol=1e-3)
    np.testing.assert_allclose(limits.maximum, hard['maximum'][:len(joints)], atol=1e-3)
    assert check_gate(contract, file)[0] == []
