# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rewards that the contract doesn't allow are neither recorded nor learned from."""

from configured_node import configured, written
from inril_ros.msg import Outcome
import pytest
from rclpy.serialization import serialize_message

from inril_ros.nodes.recorder_node import RecorderNode

HAND = {
    'name': 'hand', 'control_rate': 10,
    'observations': {'hand': {
        'topic': 'hand', 'type': 'geometry_msgs/msg/PointStamped', 'field': 'point'}},
    'policy_observations': ['hand'],
    'actions': {'velocity': {
        'topic': 'command', 'type': 'geometry_msgs/msg/TwistStamped', 'field': 'twist.linear',
        'minimum': [-2, -2, -2], 'maximum': [2, 2, 2]}},
    'episode': {'time_limit': 60, 'reward': [-1.0, 1.0]}}


@pytest.fixture
def recorder(tmp_path):
    with configured(RecorderNode, written(HAND, tmp_path), run_id='run',
                    journal=str(tmp_path / 'journal')) as node:
        yield node


@pytest.mark.parametrize(('reward', 'seconds', 'reason'), [
    (1.0, 0.0, ''), (-1.0, 0.0, ''), (1.1, 0.0, 'its reward is 1.1, the contract allows -1 to 1'),
    (float('inf'), 0.0, 'reward is inf'), (1.0, 5.0, 'in the future')])
def test_only_rewards_that_the_contract_allows_reach_the_record(
        recorder, reward, seconds, reason):
    message = Outcome(header=recorder.header(recorder.now() + round(1e9 * seconds)),
                      reward=reward)
    [subscription] = [each for each in recorder.subscriptions if each.topic_name == '/outcome']
    subscription.callback(serialize_message(message))
    refusal = recorder.refused.details().get('last refusal', '')
    assert reason in refusal if reason else not refusal
