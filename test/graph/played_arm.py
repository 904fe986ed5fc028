# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A small arm whose topics the test publishes itself, for nodes that run as processes.

So the test decides what is on each topic, can check how a node processes it, and continues when
a node dies.
"""

import time
from uuid import uuid4

from geometry_msgs.msg import PointStamped
from inril_ros.msg import ActionChunk, EpisodeEvent, EpisodeRequest, ExecutedAction, Outcome
import numpy as np
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.serialization import serialize_message
from rclpy.signals import SignalHandlerOptions
from running_command import until
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from std_srvs.srv import Trigger
import yaml

from inril_ros.data.bags.bags import EpisodeBag
from inril_ros.graph.description import GraphDescription, NodeDescription
from inril_ros.graph.supervisor import Supervisor
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.endpoints import describe_endpoints, unmatched_endpoints
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import stamp_ns

RUN = '3f0c7c1e-6f0a-4a5e-9d57-2a4f1c6b8e90'
DESCRIPTION = {
    'name': 'played_arm', 'control_rate': 10,
    'observations': {
        'hand': {'topic': 'hand', 'type': 'geometry_msgs/msg/PointStamped', 'field': 'point'},
        'angle': {'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
                  'joints': ['j']}},
    'policy_observations': ['hand', 'angle'],
    'actions': {'velocity': {
        'topic': 'command', 'type': 'geometry_msgs/msg/TwistStamped', 'field': 'twist.linear',
        'minimum': [-2, -2, -2], 'maximum': [2, 2, 2]}},
    'episode': {'time_limit': 60}}
CONTRACT = parse_contract(DESCRIPTION)
_LOST_AFTER = 2.0  # s without an answer
KINDS = {'action_chunk': ActionChunk, 'hand': PointStamped, 'joint_states': JointState,
         'outcome': Outcome, 'executed_action': ExecutedAction, 'episode/event': EpisodeEvent}
CHUNK = 4  # ticks per decision
DEMONSTRATION, ROLLOUT = EpisodeRequest.DEMONSTRATION, EpisodeRequest.ROLLOUT
SUCCESS, FAILURE, ABORTED = EpisodeEvent.SUCCESS, EpisodeEvent.FAILURE, EpisodeEvent.ABORTED
TIME_LIMIT = EpisodeEvent.TIME_LIMIT


def contract_file(folder):
    path = folder / 'contract.yaml'
    path.write_text(yaml.safe_dump(DESCRIPTION), encoding='utf-8')
    return path


class PlayedEpisode:
    """The messages of an episode, as (topic, message) in order of time.

    Args:
        start: [ns] Tick 0.
        ticks: Number of executed actions.
        outcome: Outcome at the episode's end.

    Attributes:
        person: Ticks that a person commands; none until a test says so.
    """

    person = ()

    def __init__(self, start, ticks, outcome=SUCCESS, purpose=ROLLOUT):
        self.id = str(uuid4())
        self.start, self.ticks, self.outcome, self.purpose = start, ticks, outcome, purpose
        self.end = self.stamp(ticks)

    def stamp(self, tick):
        return self.start + tick * CONTRACT.period_ns

    def observation(self, tick):
        """Return the policy's observation, (O,), different at each tick and in each episode."""
        return np.array([self.start / 1e12, tick, -1.0, 0.1 * tick], np.float32)

    def action(self, tick):
        """Return the executed action, (A,) in contract units."""
        return np.array([0.1 * (tick % 20), -1.5, 0.25], np.float32)

    def opening(self):
        return [self._event(EpisodeEvent.RESETTING, self.start - 1),
                self._event(EpisodeEvent.STARTED, self.start)]

    def before_action(self, tick):
        """Return the robot's messages at a tick."""
        header, values = _header(self.stamp(tick)), self.observation(tick).tolist()
        hand = PointStamped(header=header)
        hand.point.x, hand.point.y, hand.point.z = values[:3]
        # Without empty lists, which rclpy serialises too long for rosbags.
        joints = JointState(header=header, name=['j'], position=values[3:], velocity=[0.0],
                            effort=[0.0])
        won = tick == self.ticks and self.outcome == SUCCESS
        return [('hand', hand), ('joint_states', joints),
                ('outcome', Outcome(header=header, reward=float(won), outcome=int(won)))]

    def step(self, tick):
        """Return all messages of a tick, its executed action included."""
        action = self.action(tick).tolist()
        return [*self.before_action(tick), *self.chunk(tick), ('executed_action', ExecutedAction(
            header=_header(self.stamp(tick)), episode_id=self.id, tick=tick,
            source=ExecutedAction.TELEOP if tick in self.person else ExecutedAction.POLICY,
            requested=action, executed=action, weights_version=1,
            chunk_first_tick=tick - tick % CHUNK))]

    def extras(self, tick):
        """Return the extras of the decision at a tick."""
        return np.array([tick, 0.5], np.float32)

    def chunk(self, tick):
        """Return the policy's chunk if one begins at a tick."""
        if self.purpose != ROLLOUT or tick % CHUNK:
            return []
        return [('action_chunk', ActionChunk(
            header=_header(self.stamp(tick)), episode_id=self.id, first_tick=tick, steps=CHUNK,
            extras=self.extras(tick).tolist()))]

    def steps(self, *ticks):
        return [item for tick in range(*ticks) for item in self.step(tick)]

    def closing(self):
        return [*self.before_action(self.ticks),
                self._event(EpisodeEvent.ENDED, self.end, self.outcome, self.ticks)]

    def messages(self):
        return [*self.opening(), *self.steps(self.ticks), *self.closing()]

    def _event(self, event, stamp, outcome=EpisodeEvent.UNKNOWN, tick=0):
        return 'episode/event', EpisodeEvent(
            header=_header(stamp), run_id=RUN, episode_id=self.id, event=event,
            purpose=self.purpose, outcome=outcome, tick=tick, seed=self.start // 1_000_000_000,
            contract_hash=CONTRACT.hash)


def demonstration_bags(folder, number=2, ticks=10):
    """Write bags of successful demonstrations; return the folder."""
    for index in range(number):
        episode = PlayedEpisode((1 + index) * 10 ** 10, ticks, purpose=DEMONSTRATION)
        bag = EpisodeBag(folder, f'{index:04d}')
        for topic, message in episode.messages():
            package = type(message).__module__.partition('.')[0]
            bag.write(topic, f'{package}/msg/{type(message).__name__}', stamp_ns(message),
                      serialize_message(message))
        bag.close({}, keep=True)
    return folder


class Player:
    """A ROS node in this process that publishes for the test and keeps the events it receives."""

    def __init__(self, domain_id):
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain_id,
                   signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node('player', context=self._context, enable_rosout=False)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._publishers = {topic: self.publisher(kind, topic, qos.RECORD)
                            for topic, kind in KINDS.items()}
        self._clients, self._asked, self._answers = {}, {}, {}
        self.check = None  # raises if a process has died
        self.events = {}
        self.listen(EpisodeEvent, 'episode/event', qos.EVENT, self._event)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def publisher(self, kind, topic, profile):
        return self._node.create_publisher(kind, topic, profile)

    def listen(self, kind, topic, profile, take):
        return self._node.create_subscription(kind, topic, take, profile)

    def play(self, messages):
        for topic, message in messages:
            self._publishers[topic].publish(message)

    def until(self, condition, what):
        """Wait for a condition, and receive messages meanwhile."""
        def spun():
            self._executor.spin_once(timeout_sec=0.02)
            if self.check is not None:
                self.check()
            return condition()
        return until(spun, what)

    def call(self, service):
        """Call a service until it succeeds; return its message."""
        self.until(lambda: self._ask(service), f'success of {service}')
        return self._answers.pop(service)

    def wait_ready(self, *nodes):
        """Wait until nodes are ready and all publishers and subscriptions are matched."""
        def missing():
            return unmatched_endpoints({'player': describe_endpoints(self._node),
                               **{node: self.call(f'{node}/ready') for node in nodes}})
        self.until(lambda: not missing(), missing)

    def event(self, episode, event):
        return self.events.get((episode.id, event))

    def _ask(self, service):
        """Return whether a service has succeeded; call it again if it hasn't."""
        client = self._clients.get(service)
        if client is None:
            client = self._clients[service] = self._node.create_client(Trigger, service)
        if service not in self._asked:
            if client.service_is_ready():
                self._asked[service] = client.call_async(Trigger.Request()), time.monotonic()
            return False
        answer, since = self._asked[service]
        if not answer.done():
            # While the two ends of a service find each other, a reply can be lost.
            if time.monotonic() > since + _LOST_AFTER:
                client.remove_pending_request(answer)
                del self._asked[service]
            return False
        del self._asked[service]
        answer = answer.result()
        if answer.success:
            self._answers[service] = answer.message
        return answer.success

    def _event(self, message):
        self.events[message.episode_id, message.event] = message


def processes(folder, domain_id, **nodes):
    """Return a supervisor of nodes, given their parameters."""
    shared = {'contract': str(contract_file(folder)), 'run_id': RUN, 'lockstep': True}
    graph = GraphDescription('test', tuple(
        NodeDescription(name, name, parameters={**shared, **parameters})
        for name, parameters in nodes.items()))
    return Supervisor(graph, folder / 'logs', domain_id=domain_id, quiet=True)


def _header(stamp):
    header = Header(frame_id='base')
    header.stamp.sec, header.stamp.nanosec = divmod(stamp, 1_000_000_000)
    return header
