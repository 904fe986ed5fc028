# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A mock arm of two arms with equal joint names has a state and a command for each of them."""

from mock_lab import point, trajectory
import numpy as np
import planar_arm
from twin_arms import description, JOINTS

from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.motion.kinematics import read_urdf
from inril_ros.sim.mock_arm.arm import MockArm, MockArmConfig
from inril_ros.sim.mock_arm.faults import Fault, FaultyStream

URDF = read_urdf(planar_arm.URDF)


def positions(arm, topic):
    sample = arm.measure(0).on(topic)
    return dict(zip(sample.names, sample.position, strict=True))


def test_each_arm_starts_at_its_home_and_follows_its_commands():
    data = description()
    data['episode']['home'] = {
        'left.shoulder': 0.1, 'left.elbow': 0.2, 'right.shoulder': 1.1, 'right.elbow': 1.2}
    arm = MockArm(parse_contract(data), URDF, MockArmConfig(noise=0.0))
    arm.advance(0.0)
    assert positions(arm, 'left/joint_states') == {'shoulder': 0.1, 'elbow': 0.2}
    assert positions(arm, 'right/joint_states') == {'shoulder': 1.1, 'elbow': 1.2}
    goal = [0.4, -0.3]
    assert not arm.command('left/command', trajectory(point(0.2, goal), joints=JOINTS), 0.0)
    arm.advance(2.0)
    left, right = positions(arm, 'left/joint_states'), positions(arm, 'right/joint_states')
    np.testing.assert_allclose([left[joint] for joint in JOINTS], goal, atol=1e-4)
    np.testing.assert_allclose([right[joint] for joint in JOINTS], [1.1, 1.2], atol=1e-6)


def test_a_dropped_joint_is_missing_on_its_topic_only():
    arm, stream = MockArm(parse_contract(description()), URDF), FaultyStream()
    stream.change(Fault.DROPPED_JOINT)
    sample, = stream.published(arm.measure(0))
    assert sample.on('left/joint_states').names == ('shoulder',)
    assert sample.on('right/joint_states').names == ('elbow', 'shoulder')
