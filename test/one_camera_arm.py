# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The contract of an arm of one joint, whose policy looks through one camera."""


def one_camera_arm(width, height):
    """The contract as plain data; the policy gets images of the camera's size [px]."""
    return {
        'name': 'arm', 'control_rate': 10,
        'observations': {'angles': {
            'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState', 'joints': ['a'],
            'max_age': 0.2}},
        'policy_observations': ['angles'],
        'cameras': {'front': {'topic': 'front', 'width': width, 'height': height}},
        'policy_images': {'cameras': ['front'], 'width': width, 'height': height},
        'actions': {'arm': {
            'topic': 'command', 'type': 'trajectory_msgs/msg/JointTrajectory', 'joints': ['a'],
            'minimum': [-1], 'maximum': [1], 'hold': 'last'}},
        'episode': {'time_limit': 60}}
