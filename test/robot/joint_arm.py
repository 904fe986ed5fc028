# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An arm for tests with planar joints, a hand velocity and a gripper.

The tool moved by the two joints stays in one box, the hand's velocity in another one.
"""

from copy import deepcopy

import numpy as np
import planar_arm

from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.motion.kinematics import read_urdf

PERIOD = 0.02
URDF = read_urdf(planar_arm.URDF)
VELOCITY, ACCELERATION, JERK = np.array([1.0, 1.5]), np.array([5.0, 8.0]), np.array([80.0, 150.0])
LOW, HIGH = np.array([-2.0, -2.4]), np.array([2.0, 2.4])
BOX = (np.array([-0.1, -0.6, -1.0]), np.array([0.75, 0.6, 1.0]))
HAND_ACCELERATION = 1.0
DATA = {
    'name': 'planar',
    'control_rate': 1.0 / PERIOD,
    'observations': {
        'joints': {'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
                   'joints': ['elbow', 'shoulder']},
        'hand': {'topic': 'hand', 'type': 'geometry_msgs/msg/PointStamped', 'field': 'point'}},
    'policy_observations': ['joints'],
    'actions': {
        'arm': {'topic': 'command/arm', 'type': 'trajectory_msgs/msg/JointTrajectory',
                'joints': ['shoulder', 'elbow'], 'hold': 'last', 'horizon': 3,
                'minimum': LOW.tolist(), 'maximum': HIGH.tolist(),
                'max_velocity': VELOCITY.tolist(), 'max_acceleration': ACCELERATION.tolist(),
                'max_jerk': JERK.tolist(), 'max_lead': 0.4},
        'hand_velocity': {'topic': 'command/twist', 'type': 'geometry_msgs/msg/TwistStamped',
                          'field': 'twist.linear', 'minimum': [-0.3] * 3, 'maximum': [0.3] * 3,
                          'max_acceleration': [HAND_ACCELERATION]},
        'gripper': {'topic': 'command/gripper', 'type': 'trajectory_msgs/msg/JointTrajectory',
                    'joints': ['finger'], 'quantity': 'effort', 'hold': 'last',
                    'minimum': [-1.0], 'maximum': [1.0]}},
    'kinematics': {'urdf': 'planar.urdf'},
    'workspace': {'links': ['tool'], 'observation': 'hand', 'action': 'hand_velocity',
                  'minimum': BOX[0].tolist(), 'maximum': BOX[1].tolist()},
    'episode': {'time_limit': 10.0},
    'teleoperation': {'joint_action': 'arm'},
}
CONTRACT = parse_contract(DATA)
SIZE = 6
EFFORTS = {'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
           'joints': ['elbow', 'shoulder'], 'quantity': 'effort'}
FORCE = {'topic': 'wrench', 'type': 'geometry_msgs/msg/WrenchStamped', 'field': 'wrench.force'}
LOAD_LIMITS = {
    'stall': {'observation': 'efforts', 'limit': [4.0, 8.0], 'hold_after': 0.2,
              'stop_above': [9.0, 18.0]},
    'contact': {'observation': 'force', 'limit': [20.0], 'hold_after': 0.1}}
ARM, HAND, GRIPPER = slice(0, 2), slice(2, 5), slice(5, 6)


def contract(**changes):
    """Return the contract with keys replaced: ``actions__arm__horizon=1``; ``...`` removes one."""
    data = deepcopy(DATA)
    for path, value in changes.items():
        *parents, key = path.split('__')
        place = data
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is ...:
            del place[key]
        else:
            place[key] = value
    return parse_contract(data)


def observed(joints=(0.5, 0.5), hand=(0.2, 0.0, 0.0)):
    """Return observations by name for (shoulder, elbow); the message has the reverse order."""
    return {'joints': np.array(joints, np.float64)[::-1], 'hand': np.array(hand, np.float64)}


def tool(joints):
    """Return the tool position, by trigonometry."""
    first, second = joints[0], joints[0] + joints[1]
    return np.array([0.4 * np.cos(first) + 0.3 * np.cos(second),
                     0.4 * np.sin(first) + 0.3 * np.sin(second), 0.0])


def action(arm=(0.5, 0.5), hand=(0.0, 0.0, 0.0), gripper=0.0):
    """Return an action vector."""
    return np.array([*arm, *hand, gripper], np.float32)


def loaded_contract(**changes):
    """Return the contract with limits of the joints' efforts and of the tool's force."""
    return contract(**deepcopy({'observations__efforts': EFFORTS, 'observations__force': FORCE,
                                'load_limits': LOAD_LIMITS, **changes}))


class Plant:
    """An arm that follows its commands with a lag."""

    def __init__(self, joints=(0.5, 0.5), lag=0.3):
        self.joints = np.array(joints, np.float64)
        self.hand = np.array([0.2, 0.0, 0.0])
        self.lag = lag

    def drive(self, command):
        """Apply a command for one period."""
        if command is not None:
            self.joints += (1.0 - self.lag) * (command[ARM] - self.joints)
            self.hand += command[HAND] * PERIOD

    def observe(self):
        """Return the observations."""
        return observed(self.joints, self.hand)


def differences(positions, order):
    """Return the highest velocity, acceleration or jerk per joint of positions (K, n)."""
    return np.abs(np.diff(np.asarray(positions, np.float64), n=order, axis=0)).max(axis=0) \
        / PERIOD ** order
