# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A message that can't be used never ends a node: the arm is held, and the reason is told."""

from itertools import count
from pathlib import Path
from types import SimpleNamespace

from geometry_msgs.msg import PoseStamped, TransformStamped
from inril_ros.msg import EpisodeEvent, EpisodeRequest
import pytest
import rclpy
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState

from inril_ros.nodes.actuation.source_watch import SourceWatch
from inril_ros.nodes.policy_node import PolicyNode
from inril_ros.robot.contract.contract import load_contract, parse_contract
from inril_ros.robot.messages.codecs import put_stamp

ROBOTS = Path(__file__).parents[3] / 'config' / 'robots'
CONTRACT = load_contract(ROBOTS / 'gazebo_arm.yaml')
MS = 1_000_000


@pytest.fixture
def policy():
    context = Context()
    rclpy.init(context=context)
    made = PolicyNode(context=context, parameter_overrides=[
        Parameter('contract', value=str(ROBOTS / 'gazebo_arm.yaml'))])
    assert made.trigger_configure() is TransitionCallbackReturn.SUCCESS
    yield made
    made.trigger_shutdown()
    made.destroy_node()
    rclpy.shutdown(context=context)


def receive(node, topic, message):
    """Give a message to the node's subscription."""
    [subscription] = [each for each in node.all_subscriptions if each.topic_name == f'/{topic}']
    put_stamp(message, node.now(), 'base')
    subscription.callback(serialize_message(message))


def joints():
    names = [joint for action in CONTRACT.actions.values() for joint in action.joints]
    return JointState(name=names, position=[0.0] * len(names))


def test_a_policy_without_an_observation_says_why_and_goes_on(policy):
    started = EpisodeEvent(event=EpisodeEvent.STARTED, purpose=EpisodeRequest.ROLLOUT,
                           episode_id='e', contract_hash=policy.contract.hash)
    put_stamp(started, policy.now(), '')
    policy._on_event(started)
    unset = PoseStamped()
    unset.pose.orientation.w = 0.0
    receive(policy, 'joint_states', joints())
    receive(policy, 'cube_pose', unset)
    policy._tick_in_real_time()
    assert policy._aligner.rejections.counts == {'cube_pose': 1}
    [reason] = policy.hold_reasons()
    assert reason.startswith('cube_pose: no sample at or before')
    assert 'cube_pose: 1 messages could not be used; the first: pose: the quaternion' in reason
    receive(policy, 'cube_pose', PoseStamped())
    receive(policy, 'joint_states', joints())
    policy._tick_in_real_time()
    assert policy.hold_reasons() == ()


def watch(observation):
    contract = parse_contract({
        'name': 'arm', 'control_rate': 10, 'observations': {'seen': {
            'max_age': 1e6, 'frozen_after': 1e-9, **observation}},
        'policy_observations': ['seen'], 'episode': {'time_limit': 5}, 'actions': {'velocity': {
            'topic': 'command', 'type': 'geometry_msgs/msg/TwistStamped', 'field': 'twist.linear',
            'minimum': [-1, -1, -1], 'maximum': [1, 1, 1]}}})
    times = map(float, count(-1))  # each reading of the clock is one second later
    node = SimpleNamespace(rule_clock=SimpleNamespace(now=lambda: next(times)))
    return SourceWatch(node, contract, cameras=False)


def transform(x):
    message = TransformStamped(child_frame_id='tool')
    message.transform.translation.x = x
    return SimpleNamespace(transforms=[message])  # tf2_msgs has no wheel


@pytest.mark.parametrize(('observation', 'make'), [
    ({'topic': '/tf', 'type': 'tf2_msgs/msg/TFMessage', 'field': 'transform', 'parent': 'base',
      'child': 'tool'}, transform),
    ({'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState', 'joints': ['a', 'b']},
     lambda x: JointState(name=['a'], position=[x])),
    ({'topic': 'hand', 'type': 'geometry_msgs/msg/PoseStamped', 'field': 'pose'},
     lambda x: PoseStamped())])
def test_the_watch_for_frozen_content_reads_every_kind_of_message(observation, make):
    watched = watch(observation)
    watched.begin()
    changes = observation['topic'] != 'hand'
    for at, x in enumerate((1.0, 2.0, 3.0)):
        watched.observe(observation['topic'], at * MS, make(x))
    stream = watched._streams[observation['topic']]
    assert stream._changed == (3.0 if changes else 1.0)
    for at in (4, 5):
        watched.observe(observation['topic'], at * MS, make(3.0))
    assert 'is frozen' in watched.faults()[0]


def test_parts_of_joint_states_that_alternate_are_compared_with_their_own_last_values():
    """Two publishers that stand still are frozen, though each message differs from the last."""
    watched = watch({'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
                     'joints': ['a', 'b']})
    watched.begin()
    for at in range(6):
        joint = 'ab'[at % 2]
        watched.observe('joint_states', at, JointState(name=[joint], position=[float(at % 2)]))
    assert watched._streams['joint_states']._changed == 2.0, 'when b came for the first time'
