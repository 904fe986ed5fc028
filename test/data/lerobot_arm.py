# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An arm with few numbers and cameras, and two demonstrations of it."""

from synthetic_robot import bag_of, recording

from inril_ros.robot.contract.contract import parse_contract

TICKS = 9


def small_arm(**more):
    """Return the arm's contract, with the given entries replaced."""
    return parse_contract({
        'name': 'arm', 'control_rate': 10,
        'observations': {
            'angles': {'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
                       'joints': ['a', 'b'], 'max_age': 0.2},
            'hand': {'topic': 'hand', 'type': 'geometry_msgs/msg/PoseStamped', 'field': 'pose',
                     'max_age': 0.2}},
        'derived': {'change': {'change': 'hand'}},
        'policy_observations': ['angles', 'change'],
        'cameras': {'front': {'topic': 'front', 'width': 24, 'height': 16}},
        'policy_images': {'cameras': ['front'], 'width': 24, 'height': 16},
        'actions': {'arm': {
            'topic': 'command', 'type': 'trajectory_msgs/msg/JointTrajectory',
            'joints': ['a', 'b'], 'minimum': [-1, -1], 'maximum': [1, 1], 'hold': 'last'}},
        'episode': {'time_limit': 60}, **more})


def camera_arm(width=64, height=64):
    """The arm with a camera that every codec takes."""
    size = {'width': width, 'height': height}
    return small_arm(cameras={'front': {'topic': 'front', **size}},
                     policy_images={'cameras': ['front'], **size})


def demonstrations(folder, contract=None):
    """Write two episodes, of 9 and 10 ticks; return the folder."""
    for index in range(2):
        bag_of(folder, recording(contract or small_arm(), TICKS + index, seed=index),
               f'{index:04d}_abc{index}')
    return folder
