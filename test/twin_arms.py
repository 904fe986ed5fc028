# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two planar arms whose joints have the same names, on topics of their own, as ALOHA's have."""

from copy import deepcopy

import numpy as np

JOINTS = ['shoulder', 'elbow']
LEFT, RIGHT = np.array([0.1, 0.2]), np.array([1.1, 1.2])


def description(measured_by=True, **changes):
    """Return a contract's data; ``changes`` apply to both actions."""
    def side(name):
        return {'topic': f'{name}/command', 'type': 'trajectory_msgs/msg/JointTrajectory',
                'joints': JOINTS, 'minimum': [-2.0, -2.0], 'maximum': [2.0, 2.0], 'hold': 'last',
                **({'measured_by': [name]} if measured_by else {}), **changes}

    return deepcopy({
        'name': 'twins', 'control_rate': 50,
        'observations': {name: {
            'topic': f'{name}/joint_states', 'type': 'sensor_msgs/msg/JointState',
            'joints': JOINTS[::-1]} for name in ('left', 'right')},
        'policy_observations': ['left', 'right'],
        'actions': {name: side(name) for name in ('left', 'right')},
        'episode': {'time_limit': 10.0}})


def observed(left=LEFT, right=RIGHT):
    """Return observations by name for (shoulder, elbow); the messages have the reverse order."""
    return {'left': np.array(left)[::-1], 'right': np.array(right)[::-1]}
