# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The recorder subscribes with the best QoS that all publishers offer, over real DDS."""

from pathlib import Path
import time

from inril_ros.msg import ExecutedAction
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.interfaces import QosDurability, QosReliability
from sensor_msgs.msg import Joy

from inril_ros.graph.domain import reserve_domain
from inril_ros.nodes.recorder_node import RecorderNode
from inril_ros.nodes.recording.recorded_topics import adapted, differ, incompatible

ROBOT = Path(__file__).parents[2] / 'config' / 'robots' / 'mock_arm.yaml'
TOPIC = 'teleop/joy'


def profile(reliable, latched=False, depth=5):
    return QoSProfile(
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE)


@pytest.mark.parametrize(('offers', 'reliable', 'latched'), [
    ([(True, False)], True, False), ([(False, False)], False, False),
    ([(True, True)], True, True), ([(True, False), (False, False)], False, False),
    ([(True, True), (True, False)], True, False), ([(True, True), (True, True)], True, True)])
def test_the_qos_is_the_best_that_all_publishers_offer(offers, reliable, latched):
    given = [profile(*offer) for offer in offers]
    for start in (profile(True, depth=50), profile(False, True, depth=50)):
        made = adapted(start, given, durability=True)
        assert not differ(made, profile(reliable, latched))
        assert made.depth == 50
        assert not incompatible(made, given)


def test_without_a_publisher_the_qos_is_unchanged_and_latching_is_optional():
    start = profile(False)
    assert adapted(start, [], durability=True) is start
    made = adapted(start, [profile(True, True)], durability=False)
    assert not differ(made, profile(True, False))


@pytest.mark.parametrize(('wanted', 'offer', 'lost'), [
    ((True, False), (False, False), True), ((False, True), (True, False), True),
    ((False, False), (True, True), False), ((True, True), (True, True), False)])
def test_publishers_with_incompatible_qos_are_found(wanted, offer, lost):
    assert incompatible(profile(*wanted), [profile(*offer)]) is lost


@pytest.fixture
def lab(tmp_path):
    """A configured recorder and a node for publishers."""
    with reserve_domain() as domain:
        context = Context()
        rclpy.init(context=context, domain_id=domain)
        node = RecorderNode(context=context, parameter_overrides=[
            Parameter('contract', value=str(ROBOT)),
            Parameter('demonstrations', value=str(tmp_path))])
        player = rclpy.create_node('player', context=context, enable_rosout=False)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(player)
        executor.add_node(node)
        assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
        yield Lab(node, player, executor)
        executor.shutdown()
        player.destroy_node()
        node.destroy_node()
        context.try_shutdown()


class Lab:
    def __init__(self, node, player, executor):
        self.node, self.player, self._executor = node, player, executor

    def publisher(self, *offer):
        """Make a publisher and wait until the recorder is connected to it."""
        before = self.node.count_publishers(TOPIC)
        made = self.player.create_publisher(Joy, TOPIC, profile(*offer))
        self.until(lambda: self.node.count_publishers(TOPIC) > before)
        return made

    def until(self, condition):
        limit = time.monotonic() + 60.0
        while not condition():
            assert time.monotonic() < limit
            self._executor.spin_once(timeout_sec=0.02)

    @property
    def subscription(self):
        [found] = [each for each in self.node.all_subscriptions if each.topic_name == f'/{TOPIC}']
        return found

    def records(self, publisher):
        """Return whether a message is recorded, identified by its stamp."""
        self.count = getattr(self, 'count', 0) + 1
        message = Joy(axes=[0.0], buttons=[self.count])
        message.header.stamp.sec = 1000 + self.count

        def came():
            publisher.publish(message)
            return any(item.topic == TOPIC and item.stamp == (1000 + self.count) * 10 ** 9
                       for item, _ in self.node._early._recent)
        self.until(came)


def test_subscriptions_follow_the_publishers_between_episodes(lab):
    assert lab.subscription.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
    reliable = lab.publisher(True)
    lab.until(lambda: lab.subscription.qos_profile.reliability == ReliabilityPolicy.RELIABLE)
    lab.records(reliable)
    assert lab.subscription in lab.node._required, 'the new one is required like the old one'
    other = lab.publisher(False)
    lab.until(lambda: lab.subscription.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT)
    lab.records(other)
    lab.records(reliable)
    offers = lab.node._topics.offers()[TOPIC]
    assert sorted(one.reliability.name for one in offers) == ['BEST_EFFORT', 'RELIABLE']
    assert {one.durability for one in offers} == {QosDurability.VOLATILE}
    assert QosReliability.UNKNOWN not in {one.reliability for one in offers}


def test_during_an_episode_only_unreceived_topics_are_resubscribed(lab):
    lab.publisher(True)
    lab.node._topics.adapt(recording=True)
    assert lab.subscription.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT, 'unchanged'
    assert lab.node._topics.adapt(recording=False) == [TOPIC]
    before = lab.subscription
    lab.publisher(False)
    assert lab.node._topics.adapt(recording=True) == [TOPIC]
    assert lab.subscription is not before
    assert lab.subscription.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT


def test_an_unknown_storage_is_refused(lab):
    node = RecorderNode(context=lab.node.context, parameter_overrides=[
        Parameter('contract', value=str(ROBOT)), Parameter('storage', value='tape')])
    assert node.trigger_configure() is TransitionCallbackReturn.ERROR
    node.destroy_node()


def test_no_bytes_on_a_recorded_topic_end_the_recorder(lab):
    """Topics that it looks into, and those of which it keeps the bytes only."""
    for topic, kind in (('executed_action', ExecutedAction), (TOPIC, Joy)):
        sender = lab.player.create_publisher(kind, topic, profile(True))
        lab.until(lambda: sender.get_subscription_count() == 1)  # noqa: B023
        for raw in (b'abcd', b'\0\0\0\1', b'\0\1\0\0' + b'\xff' * 8, b'\xff' * 400):
            before = lab.node.refused.count(topic)
            sender.publish(raw)
            lab.until(lambda: lab.node.refused.count(topic) > before)  # noqa: B023
    lab.records(lab.publisher(True))
