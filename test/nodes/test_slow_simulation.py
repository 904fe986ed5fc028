# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An episode in a simulation that is slower than real time is one like any other.

The test publishes ``/clock`` and the robot of a real actuation node, and says how fast the steady
clock runs beside it; nobody waits.
"""

from pathlib import Path
import time
from types import SimpleNamespace
from uuid import uuid4

from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped
from inril_ros.msg import ActuationStatus, EpisodeEvent, EpisodeRequest, ExecutedAction
from node_pair import NodePair
import pytest
import rclpy
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState, Joy
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from inril_ros.nodes.actuation_node import ActuationNode
from inril_ros.nodes.base import qos
from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.nodes.clients.graph_client import GraphStalled
from inril_ros.nodes.recording.episode_record import EpisodeRecord
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.timing.rule_clock import RuleClock

FILE = Path(__file__).parents[2] / 'config' / 'robots' / 'gazebo_arm.yaml'
CONTRACT = load_contract(FILE)
JOINTS = [joint for action in CONTRACT.actions.values() for joint in action.joints]
STEP = 0.01  # [s] between two messages of the simulation


class Simulation(NodePair):
    """Gazebo as the node sees it, and a person with a leader arm.

    ``speed`` is simulated time per time of the steady clock, which is the node's as well if
    ``follows`` is not set.
    """

    def __init__(self, speed, follows=True):
        self.context = Context()
        rclpy.init(context=self.context)
        self.time, self.stopped, self.resets = 1.0, 0.0, 0
        self.places = dict.fromkeys(JOINTS, 0.2) | {'finger_joint': 0.05}
        self.leader = None
        self.statuses, self.events, self.executed = [], [], []
        self.node = node = ActuationNode(context=self.context, parameter_overrides=[
            Parameter(name, value=value) for name, value in {
                'contract': str(FILE), 'use_sim_time': True, 'watch_cameras': False,
                'enable_on_activate': True}.items()])
        node.rule_clock = RuleClock((lambda: node.now() / 1e9) if follows else None,
                                    lambda: self.time / speed + self.stopped)
        self.outside = outside = rclpy.create_node('outside', context=self.context)
        self.clock = outside.create_publisher(Clock, '/clock', 1)
        self.joints = outside.create_publisher(JointState, 'joint_states', qos.SENSOR)
        self.cube = outside.create_publisher(PoseStamped, 'cube_pose', qos.SENSOR)
        self.leaders = outside.create_publisher(JointState, 'teleop/joint_states', qos.COMMAND)
        self.joys = outside.create_publisher(Joy, 'teleop/joy', qos.COMMAND)
        self.requests = outside.create_publisher(EpisodeRequest, 'episode/request', qos.EVENT)
        outside.create_service(Trigger, 'reset', self._reset)
        for action in CONTRACT.actions.values():
            outside.create_subscription(JointTrajectory, action.topic, self._follow, qos.RECORD)
        for kind, topic, kept, profile in (
                (ActuationStatus, 'actuation/status', self.statuses, qos.STATE),
                (EpisodeEvent, 'episode/event', self.events, qos.EVENT),
                (ExecutedAction, 'executed_action', self.executed, qos.RECORD)):
            outside.create_subscription(kind, topic, kept.append, profile)
        self.join()
        assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
        self.until(lambda: not node.why_not_activatable())
        assert node.trigger_activate() is TransitionCallbackReturn.SUCCESS
        self.until(lambda: not node.why_not_ready())

    def _reset(self, _, response):
        self.resets += 1
        response.success = True
        return response

    def _follow(self, message):
        self.places.update(zip(message.joint_names, message.points[0].positions))

    def step(self):
        """Go on by 10 ms of simulated time."""
        self.time += STEP
        nanoseconds = round(self.time * 1e9)
        stamp = Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
        self.clock.publish(Clock(clock=stamp))
        joints = JointState(name=JOINTS, position=[float(self.places[name]) for name in JOINTS])
        cube = PoseStamped()
        cube.pose.orientation.w = 1.0
        joints.header.stamp = cube.header.stamp = stamp
        self.joints.publish(joints)
        self.cube.publish(cube)
        if self.leader is not None and round(self.time / STEP) % 5 == 0:
            arm, joy = JointState(name=JOINTS[:6], position=[self.leader] * 6), Joy(
                axes=[1.0], buttons=[1])
            arm.header.stamp = joy.header.stamp = stamp
            self.leaders.publish(arm)
            self.joys.publish(joy)
        self.spin(lambda: self.node.now() == nanoseconds == self.node._aligner.newest_complete())

    def spin(self, reached):
        """Let messages come, while simulated time stands still."""
        for _ in range(100):
            self.executor.spin_once(timeout_sec=0.002)
            self.node._timer.check()
            if reached():
                return

    def until(self, reached, longest=12.0):
        """Go on until something is reached, for so many simulated seconds at most."""
        end = self.time + longest
        while not reached():
            assert self.time < end, f'not reached: {self.statuses[-1:]}, {self.events[-1:]}'
            self.step()

    def ask(self):
        self.requests.publish(EpisodeRequest(
            episode_id=str(uuid4()), purpose=EpisodeRequest.DEMONSTRATION))
        self.until(lambda: self.events)

    def event(self, kind):
        return next((event for event in self.events if event.event == kind), None)


@pytest.fixture
def simulate():
    made = []

    def make(*arguments, **more):
        made.append(Simulation(*arguments, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize('speed', [1.0, 0.1, 0.02])
def test_the_arm_comes_home_and_is_driven_at_any_speed_of_the_simulation(simulate, speed):
    simulation = simulate(speed)
    simulation.ask()
    simulation.until(lambda: simulation.event(EpisodeEvent.STARTED))
    assert simulation.resets == 1
    assert max(abs(simulation.places[name]) for name in JOINTS[:6]) < 0.02
    simulation.leader = 0.1
    simulation.until(lambda: len(simulation.executed) > 25)
    assert simulation.places['joint_1'] > 0.05
    driven = [tick for tick in simulation.executed if tick.source == ExecutedAction.TELEOP]
    assert len(driven) > 15
    simulation.node._check_and_report()
    simulation.step()
    assert all(not status.faults for status in simulation.statuses)
    assert simulation.statuses[-1].misses == 0


def test_by_a_clock_that_ticks_do_not_follow_nothing_moves_and_the_status_says_why(simulate):
    """At a tenth of real time the ticks of a 20 Hz robot are half a second apart by this clock."""
    simulation = simulate(0.1, follows=False)
    simulation.ask()

    def refused():
        simulation.node._report.publish()
        return any('the arm to come home, but' in status.waiting_for
                   and 'tick overrun: 0.5' in status.waiting_for
                   for status in simulation.statuses)

    simulation.until(refused)


def test_an_episode_whose_clock_stands_still_is_aborted_by_a_steady_one(simulate):
    simulation = simulate(0.1)
    simulation.ask()
    simulation.until(lambda: simulation.event(EpisodeEvent.STARTED))
    simulation.node._check_and_report()
    simulation.stopped = 5.0
    simulation.node._check_and_report()
    simulation.spin(lambda: simulation.statuses[-1].faults)
    assert '/clock has stood still for 5.0 s' in simulation.statuses[-1].faults[0]
    assert simulation.event(EpisodeEvent.ENDED) is None
    simulation.stopped = 25.0
    simulation.node._check_and_report()
    simulation.until(lambda: simulation.event(EpisodeEvent.ENDED))
    ended = simulation.event(EpisodeEvent.ENDED)
    assert ended.outcome == EpisodeEvent.ABORTED
    assert '/clock has stood still for 25.0 s: is the simulation paused' in ended.reason


def test_the_end_of_a_recorded_episode_settles_in_simulated_time():
    times = SimpleNamespace(simulated=5.0, steady=5.0)
    record = EpisodeRecord(
        None, CONTRACT, SimpleNamespace(end=lambda tick, stamp, decided: None), None, None,
        RuleClock(lambda: times.simulated, lambda: times.steady))
    record.finish(EpisodeEvent())
    for _ in range(40):  # a hundredth of real time
        times.simulated, times.steady = times.simulated + 0.01, times.steady + 1.0
        assert not record.all_came(settle=0.5) and record.silence() < 1.01
    times.simulated += 0.11
    assert record.all_came(settle=0.5)
    record.finish(EpisodeEvent())
    times.steady += 0.6  # paused: nothing comes any more
    assert record.all_came(settle=0.5)


@pytest.mark.parametrize(('speed', 'error'), [(0.1, StopIteration), (1.0, GraphStalled)])
def test_an_episode_in_a_slow_simulation_has_the_time_that_it_takes(speed, error):
    """With a limit of 0.1 s, it is given up after 0.1 s of simulated time, which is a second."""
    began = time.monotonic()

    def check():
        seconds = time.monotonic() - began
        if seconds > 0.5:
            raise StopIteration
        conductor.actuation = ActuationStatus()
        conductor.actuation.header.stamp.nanosec = round(speed * seconds * 1e9)

    with pytest.raises(error), Conductor('run', 'lift', check=check) as conductor:
        check()
        conductor._await_event('episode', (EpisodeEvent.ENDED,), timeout=0.1)
