# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The smallest arm: a hand whose position is observed and whose velocity is commanded."""

from inril_ros.robot.contract.contract import parse_contract

CONTRACT = parse_contract({
    'name': 'arm', 'control_rate': 10,
    'observations': {'hand': {'topic': 'hand', 'type': 'geometry_msgs/msg/PointStamped',
                              'field': 'point'}},
    'policy_observations': ['hand'],
    'actions': {'velocity': {
        'topic': 'command', 'type': 'geometry_msgs/msg/TwistStamped', 'field': 'twist.linear',
        'minimum': [-2, -2, -2], 'maximum': [2, 2, 2]}},
    'episode': {'time_limit': 5}})
