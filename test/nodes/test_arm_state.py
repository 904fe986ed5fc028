# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A device that jogs an arm begins from the pose of this arm, not from another one's."""

from types import SimpleNamespace

import pytest
from sensor_msgs.msg import JointState
from twin_arms import description, JOINTS, LEFT, RIGHT

from inril_ros.nodes.teleop.arm_state import ArmState
from inril_ros.robot.contract.contract import parse_contract


class Topics(SimpleNamespace):
    """Stands for a node: keeps the callback of each topic."""

    def create_subscription(self, kind, topic, callback, profile):
        self.callbacks[topic] = callback


@pytest.mark.parametrize('order', [('left', 'right'), ('right', 'left')])
def test_joints_of_the_same_name_are_told_apart_by_their_topic(order):
    node = Topics(contract=parse_contract(description()), callbacks={})
    arm, pose = ArmState(node), {'left': LEFT, 'right': RIGHT}
    assert arm.positions('left') is None
    for side in order:
        node.callbacks[f'{side}/joint_states'](
            JointState(name=JOINTS, position=pose[side].tolist()))
    assert arm.positions('left').tolist() == LEFT.tolist()
    assert arm.positions('right').tolist() == RIGHT.tolist()


def test_an_arm_that_was_never_seen_has_no_pose_of_another_one():
    node = Topics(contract=parse_contract(description()), callbacks={})
    arm = ArmState(node)
    node.callbacks['right/joint_states'](JointState(name=JOINTS, position=RIGHT.tolist()))
    assert arm.positions('left') is None
