# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An actuation node in this process: the test gives it its messages and its ticks."""

from contextlib import contextmanager
import time

from inril_ros.msg import EpisodeEvent, EpisodeRequest, Outcome
import numpy as np
import rclpy
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.serialization import serialize_message
from std_srvs.srv import SetBool, Trigger
import yaml

from inril_ros.graph.domain import reserve_domain
from inril_ros.nodes.actuation_node import ActuationNode
from inril_ros.nodes.base.message_types import message_type
from inril_ros.robot.messages.codecs import encode_observations

ROLLOUT = EpisodeRequest.ROLLOUT
HAND = {
    'name': 'hand', 'control_rate': 10,
    'observations': {'hand': {
        'topic': 'hand', 'type': 'geometry_msgs/msg/PointStamped', 'field': 'point',
        'max_age': 100.0}},
    'policy_observations': ['hand'],
    'actions': {'velocity': {
        'topic': 'command', 'type': 'geometry_msgs/msg/TwistStamped', 'field': 'twist.linear',
        'minimum': [-2, -2, -2], 'maximum': [2, 2, 2]}},
    'teleoperation': {'twist_action': 'velocity'},
    'episode': {'time_limit': 60, 'reset_service': '', 'ready': 'person'}}


class DrivenHand:
    """The node and what it published."""

    def __init__(self, node):
        self.node, self.events, self.statuses, self.verdicts = node, [], [], []
        self._record(node._life._events, self.events)
        self._record(node._report._status, self.statuses)
        self._record(node._life.verdicts._publisher, self.verdicts)

    @staticmethod
    def _record(publisher, published):
        send = publisher.publish

        def publish(message):
            published.append(message)
            send(message)
        publisher.publish = publish

    @property
    def context(self):
        return self.node.context

    def give(self, topic, message):
        for each in self.node.subscriptions:
            if each.topic_name == f'/{topic}':
                each.callback(serialize_message(message))

    def observe(self):
        for topic, message in encode_observations(
                self.node.contract, {'hand': np.zeros(3)}, self.node.now(), message_type):
            self.give(topic, message)

    def tick(self):
        self.observe()
        self.node._tick(1)

    def begin(self, episode, purpose=ROLLOUT):
        """Request an episode; return the events that came of it."""
        before = len(self.events)
        self.observe()
        self.give('episode/request', EpisodeRequest(episode_id=episode, purpose=purpose))
        self.node._life.reset.scene_ready()  # as a person says by a service
        self.tick()
        self.tick()
        return [event.event for event in self.events[before:]]

    def judge(self, seconds=0.0, reward=1.0, outcome=Outcome.SUCCESS, ticks=1, topic='outcome'):
        """Give a verdict on an observation of some seconds from now; tick."""
        stamp = self.node.now() + round(1e9 * seconds)
        self.give(topic, Outcome(
            header=self.node.header(stamp), reward=reward, outcome=outcome))
        for _ in range(ticks):
            self.tick()

    def look(self):
        """Let the timer of once a second run."""
        self.node._check_and_report()

    def call(self, service, data=None):
        kind = Trigger if data is None else SetBool
        request = kind.Request() if data is None else kind.Request(data=data)
        [callback] = [each.callback for each in self.node.services
                      if each.srv_name.endswith(f'/{service}')]
        answer = callback(request, kind.Response())
        return answer.success, answer.message

    def ended(self):
        """Return outcome and reason of the last event if it is an end."""
        last = self.events[-1]
        return (last.outcome, last.reason) if last.event == EpisodeEvent.ENDED else None

    @contextmanager
    def another_node(self, name, kind, topic):
        """Let a node publish on a topic, and wait until this process knows."""
        node = rclpy.create_node(name, context=self.context)
        node.create_publisher(kind, topic, 1)
        self.wait(lambda: any(end.node_name == name for end in
                              self.node.get_publishers_info_by_topic(topic)))
        yield
        node.destroy_node()
        self.wait(lambda: not any(end.node_name == name for end in
                                  self.node.get_publishers_info_by_topic(topic)))

    @staticmethod
    def wait(condition):
        limit = time.monotonic() + 10.0
        while not condition():
            assert time.monotonic() < limit
            time.sleep(0.01)


@contextmanager
def driven_hand(folder, episode=None, teleoperation=None, **parameters):
    """Yield an active actuation node that has consent to motion."""
    path = folder / 'hand.yaml'
    path.write_text(yaml.safe_dump(
        {**HAND, 'episode': {**HAND['episode'], **(episode or {})},
         'teleoperation': {**HAND['teleoperation'], **(teleoperation or {})}}), encoding='utf-8')
    with reserve_domain() as domain:
        context = Context()
        rclpy.init(context=context, domain_id=domain)
        node = ActuationNode(context=context, parameter_overrides=[
            Parameter(name, value=value) for name, value in {
                'contract': str(path), 'enable_on_activate': True, **parameters}.items()])
        assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
        hand = DrivenHand(node)
        hand.observe()
        assert node.trigger_activate() is TransitionCallbackReturn.SUCCESS
        yield hand
        node.trigger_shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)
