# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A robot, a policy and a person, played by the test in real time for a real actuation node.

The robot follows its commands and fails on request; the policy plans a few ticks ahead of the last
executed action; the person has a leader arm and a joystick. All that the node sends is kept.
"""

from contextlib import contextmanager
import threading
import time
from uuid import uuid4

from builtin_interfaces.msg import Time
from inril_ros.msg import (
    ActionChunk,
    ActuationStatus,
    EpisodeEvent,
    EpisodeRequest,
    ExecutedAction,
    Outcome,
)
import numpy as np
from planar_arm import URDF
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from running_command import until
from sensor_msgs.msg import CompressedImage, JointState, Joy
from std_srvs.srv import SetBool, Trigger
from trajectory_msgs.msg import JointTrajectory
import yaml

from inril_ros.graph.description import GraphDescription, NodeDescription
from inril_ros.graph.domain import reserve_domain
from inril_ros.graph.supervisor import node_command, Supervisor
from inril_ros.nodes.base import qos
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import stamp_ns

RATE = 25.0
PERIOD = 1.0 / RATE
JOINTS = ['shoulder', 'elbow']
VELOCITY, ACCELERATION, JERK = 1.0, 8.0, 160.0
MAX_AGE = 0.2
AHEAD = 12  # steps per chunk
DESCRIPTION = {
    'name': 'played_robot', 'control_rate': RATE,
    'observations': {'angles': {
        'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState', 'joints': JOINTS,
        'max_age': MAX_AGE}},
    'policy_observations': ['angles'],
    'actions': {'arm': {
        'topic': 'arm', 'type': 'trajectory_msgs/msg/JointTrajectory', 'joints': JOINTS,
        'hold': 'last', 'minimum': [-2.0, -2.0], 'maximum': [2.0, 2.0],
        'max_velocity': [VELOCITY], 'max_acceleration': [ACCELERATION], 'max_jerk': [JERK],
        'max_lead': 0.5}},
    'cameras': {'front': {'topic': 'front', 'width': 8, 'height': 8, 'rate': 20}},
    'kinematics': {'urdf': 'planar.urdf'},
    'workspace': {'links': ['tool'], 'minimum': [0.05, -0.65, -1.0], 'maximum': [0.8, 0.65, 1.0]},
    'episode': {'time_limit': 600.0, 'reset_timeout': 60.0},
    'teleoperation': {
        'joint_topic': 'leader', 'joint_action': 'arm', 'joy_topic': 'joy', 'max_age': 0.3,
        'ramp': 0.3, 'success_button': 1, 'failure_button': 2, 'discard_button': 3,
        'ready_button': 4},
    # A busy test machine can be late for a while without a fault.
    'safety': {'latch_after': 2.0, 'max_tick_gap': 100.0, 'max_camera_age': 1.0,
               'camera_frozen_after': 1.0, 'max_policy_age': 60.0}}
DEADMAN, SUCCESS, FAILURE, DISCARD, READY = range(5)


def described(**changes):
    """Return the description with keys replaced: ``episode__ready='person'``."""
    content = yaml.safe_load(yaml.safe_dump(DESCRIPTION))
    for path, value in changes.items():
        *parents, key = path.split('__')
        place = content
        for parent in parents:
            place = place.setdefault(parent, {})
        place[key] = value
    return content


class PlayedRobot:
    """The surroundings of the actuation node; spins in its own thread until it is closed.

    Attributes to be set by a test, for the robot: ``fault`` ('', silent, stuck, back, nan,
    missing, swapped, deaf), ``camera`` ('', silent, stuck, frozen), ``joints``; for the policy:
    ``target`` (2,) or None for a silent policy, ``late`` [ticks]; for the person:
    ``leader`` (2,) or None for nobody, ``buttons``.
    """

    def __init__(self, domain_id):
        self.domain_id = domain_id
        self.fault = self.camera = ''
        self.joints = np.array([0.5, 0.5])
        self.target, self.late = None, 0
        self.leader, self.buttons = None, set()
        self.last_good = 0  # [ns] stamp of the last state without a fault
        self.commands, self.executed, self.statuses = [], [], []
        self.events, self.outcomes = [], []
        self.resets, self.reset_works = 0, True
        self._pictures = self._spoken = 0
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain_id,
                   signal_handler_options=SignalHandlerOptions.NO)
        self._node = node = rclpy.create_node(
            'played_robot', context=self._context, enable_rosout=False)
        self._joints = node.create_publisher(JointState, 'joint_states', qos.SENSOR)
        self._images = node.create_publisher(CompressedImage, 'front', qos.SENSOR)
        self._leaders = node.create_publisher(JointState, 'leader', qos.COMMAND)
        self._joys = node.create_publisher(Joy, 'joy', qos.COMMAND)
        self.chunks = node.create_publisher(ActionChunk, 'action_chunk', qos.RECORD)
        self._requests = node.create_publisher(EpisodeRequest, 'episode/request', qos.EVENT)
        node.create_subscription(JointTrajectory, 'arm', self._command, qos.RECORD)
        node.create_subscription(ExecutedAction, 'executed_action', self._record_tick, qos.RECORD)
        node.create_subscription(EpisodeEvent, 'episode/event', self._record_event, qos.EVENT)
        node.create_subscription(
            ActuationStatus, 'actuation/status', self.statuses.append, qos.STATE)
        node.create_subscription(Outcome, 'outcome', self.outcomes.append, qos.LOCKSTEP)
        node.create_service(Trigger, 'reset', self._reset)
        node.create_timer(0.01, self._publish_inputs)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(node)
        self._clients = {}
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def close(self):
        self._context.try_shutdown()
        self._thread.join()
        self._node.destroy_node()

    def _spin(self):
        try:
            while self._context.ok():
                self._executor.spin_once(timeout_sec=0.1)
        except Exception:  # the context was shut down while waiting
            if self._context.ok():
                raise

    # The robot, the policy and the person.

    def _stamp(self, offset=0.0):
        now = self._node.get_clock().now().nanoseconds + round(offset * 1e9)
        return Time(sec=now // 10 ** 9, nanosec=now % 10 ** 9)

    def _publish_inputs(self):
        self._spoken += 1
        fault = self.fault
        if fault != 'silent':
            self._joints.publish(self._state(fault))
        if self.camera != 'silent':
            image = CompressedImage(format='jpeg')
            image.header.stamp = Time(sec=1) if self.camera == 'stuck' else self._stamp()
            self._pictures += self.camera != 'frozen'
            image.data.frombytes(b'picture %d' % self._pictures)
            self._images.publish(image)
        if self.leader is not None:
            leader = JointState(name=JOINTS, position=list(map(float, self.leader)))
            joy = Joy(axes=[0.0], buttons=[int(index in self.buttons) for index in range(5)])
            leader.header.stamp = joy.header.stamp = self._stamp()
            self._leaders.publish(leader)
            self._joys.publish(joy)

    def _state(self, fault):
        noisy = self.joints + 1e-6 * np.sin(1e3 * time.monotonic())
        state = JointState(name=list(JOINTS), position=noisy.tolist())
        state.header.stamp = self._stamp(-5.0 if fault == 'back' else 0.0)
        if fault == 'stuck':
            state.header.stamp = Time(sec=1)
        if fault == 'nan':
            state.position[0] = float('nan')
        if fault == 'missing':
            state.name, state.position = JOINTS[:1], state.position[:1]
        if fault == 'swapped':
            state.name, state.position = JOINTS[::-1], state.position[::-1]
        if not fault:
            self.last_good = stamp_ns(state)
        return state

    def _command(self, message):
        self.commands.append(message)
        if self.fault != 'deaf':
            self.joints = np.array(message.points[0].positions)

    def _record_tick(self, message):
        self.executed.append(message)
        self._plan(message.episode_id, message.tick + 1)

    def _record_event(self, message):
        self.events.append(message)
        if message.event in (EpisodeEvent.STARTED, EpisodeEvent.HANDED_BACK):
            self._plan(message.episode_id, message.tick)

    def _plan(self, episode, tick):
        if self.target is not None and tick >= self.late:
            self.chunks.publish(self.chunk(episode, tick - self.late, self.target))

    def chunk(self, episode, first_tick, target, version=1):
        return ActionChunk(
            episode_id=episode, first_tick=first_tick, period=PERIOD, steps=AHEAD, size=2,
            actions=[float(value) for value in target] * AHEAD, weights_version=version)

    def _reset(self, _, response):
        self.resets += 1
        response.success, response.message = self.reset_works, 'the box is jammed'
        return response

    # Actions of a test.

    def until(self, condition, what):
        return until(condition, lambda: f'{what}; {self.describe()}')

    def describe(self):
        last = self.executed[-1] if self.executed else None
        return f'{self.status}\n{last}\n{[(e.event, e.reason) for e in self.events]}'

    @property
    def status(self):
        return self.statuses[-1] if self.statuses else None

    def ask(self, **more):
        """Request an episode; return its UUID."""
        episode = str(uuid4())
        self._requests.publish(EpisodeRequest(
            episode_id=episode, purpose=more.pop('purpose', EpisodeRequest.ROLLOUT), **more))
        return episode

    def event(self, episode, event):
        """Return the first event of a kind in an episode, None if there is none."""
        return next((e for e in list(self.events)
                     if e.episode_id == episode and e.event == event), None)

    def wait(self, episode, event):
        return self.until(lambda: self.event(episode, event), f'event {event}')

    def begin(self, **more):
        """Begin an episode and wait until its first tick."""
        episode = self.ask(**more)
        self.until(lambda: self.event(episode, EpisodeEvent.STARTED) or self.event(
            episode, EpisodeEvent.REFUSED), 'the start')
        refused = self.event(episode, EpisodeEvent.REFUSED)
        assert refused is None, refused.reason
        self.until(lambda: any(tick.episode_id == episode for tick in list(self.executed)),
                   'the first tick')
        return episode

    def wait_tick(self, condition, what='a tick'):
        """Wait for a tick from now on that fulfils a condition; return it."""
        seen = len(self.executed)

        def found():
            return next((tick for tick in self.executed[seen:] if condition(tick)), None)
        return self.until(found, what)

    def wait_held(self, reason):
        return self.wait_tick(lambda tick: tick.source == ExecutedAction.HOLD and any(
            reason in text for text in tick.reasons), f'a hold because of {reason!r}')

    def wait_policy(self):
        return self.wait_tick(lambda tick: tick.source == ExecutedAction.POLICY, 'the policy')

    def call(self, service, data=None):
        """Call a service of the actuation node; return (success, message)."""
        kind = Trigger if data is None else SetBool
        client = self._clients.get(service)
        if client is None:
            client = self._clients[service] = self._node.create_client(
                kind, f'actuation_node/{service}')
        self.until(client.service_is_ready, service)
        future = client.call_async(kind.Request() if data is None else kind.Request(data=data))
        self.until(future.done, f'an answer of {service}')
        return future.result().success, future.result().message

    def positions(self, since=0):
        """Return the commanded positions (K, 2) since a number of commands."""
        return np.array([command.points[0].positions for command in self.commands[since:]])

    def check_motion(self, since=0):
        """Check that commands kept to the limits, at their actual times."""
        positions = self.positions(since)
        steps = np.diff(positions, axis=0)
        assert np.abs(steps).max() <= VELOCITY * PERIOD + 1e-6
        assert np.abs(np.diff(steps, axis=0)).max() <= ACCELERATION * PERIOD ** 2 + 1e-6

    def place(self, joints):
        """Move the arm by hand, and wait until the node must have seen it."""
        self.joints = np.array(joints, np.float64)
        enough = self._spoken + 30
        self.until(lambda: self._spoken > enough, 'observations')

    @contextmanager
    def another_node(self, name, kind, topic):
        """Let another node publish on a topic."""
        node = rclpy.create_node(name, context=self._context, enable_rosout=False)
        node.create_publisher(kind, topic, qos.RECORD)
        yield
        node.destroy_node()

    def release(self):
        """Restore the initial state: no episode, no e-stop, nothing latched, and consent given."""
        self.call('abort')
        self.call('estop', False)
        self.call('enable', True)
        self.until(lambda: self.call('resume')[1] in ('resumed', 'nothing to resume from'), 'rest')

    def rests(self):
        """Return whether the last commands were all the same."""
        last = self.positions()[-3:]
        return len(last) == 3 and (last == last[-1]).all()


def actuation(folder, description, **parameters):
    """Return the graph of an actuation node alone."""
    path = folder / 'contract.yaml'
    path.write_text(yaml.safe_dump(description), encoding='utf-8')
    (folder / 'planar.urdf').write_text(URDF, encoding='utf-8')
    parse_contract(description)
    return GraphDescription('test', (NodeDescription(
        'actuation_node', 'actuation_node', parameters={'contract': str(path), **parameters}),))


@contextmanager
def playing(folder, description=None, command=node_command, **parameters):
    """Start an actuation node for a played robot; yield (robot, supervisor)."""
    graph = actuation(folder, description or DESCRIPTION, **parameters)
    with reserve_domain() as domain_id, Supervisor(
            graph, folder / 'logs', domain_id=domain_id, quiet=True, command=command) as nodes:
        robot = PlayedRobot(domain_id)
        try:
            yield robot, nodes
        finally:
            robot.close()
