# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A Gazebo reset ends when the object is seen in place; the object's position decides success.

A stand-in for Gazebo publishes a cube's pose and moves the cube on request.
"""

import importlib.util
import os
from pathlib import Path
import time
from types import SimpleNamespace

from geometry_msgs.msg import PoseStamped
from inril_ros.msg import Outcome
from node_pair import NodePair
import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.task import Future
from std_srvs.srv import Trigger

from inril_ros.nodes.base import qos
from inril_ros.nodes.gazebo_command import GazeboCommand
from inril_ros.nodes.gazebo_node import gazebo_service, GazeboNode
from inril_ros.robot.timing.rule_clock import RuleClock
from inril_ros.sim.gazebo.placement import Placement
from inril_ros.sim.mapping import find_task, load_mapping

CONFIG = Path(__file__).parents[2] / 'config'
FILE = CONFIG / 'simulations' / 'gazebo_arm.yaml'
TASK = find_task(load_mapping(FILE), 'lift')


class Gazebo(NodePair):
    """The cube, the node under test, and a client of its reset service."""

    def __init__(self, **parameters):
        self.context = Context()
        rclpy.init(context=self.context)
        self.bridged = self.willing = self.answering = True
        self.asked, self.outcomes, self.world = [], [], ''
        self.node = GazeboNode(self._service, context=self.context, parameter_overrides=[
            Parameter(name, value=value) for name, value in {
                'contract': str(CONFIG / 'robots' / 'gazebo_arm.yaml'), 'simulation': str(FILE),
                'task': 'lift', **parameters}.items()])
        self.outside = rclpy.create_node('outside', context=self.context)
        self.poses = self.outside.create_publisher(PoseStamped, 'cube_pose', qos.SENSOR)
        self.outside.create_subscription(
            Outcome, 'outcome', self.outcomes.append, qos.LOCKSTEP)
        self.client = self.outside.create_client(Trigger, 'reset')
        self.join()

    def _service(self, node, world):
        self.world = world
        return self._place

    def _place(self, model, pose):
        if not self.bridged:
            return None
        self.asked.append((model, pose))
        done = Future()
        if self.answering:
            done.set_result(SimpleNamespace(success=self.willing))
        return done

    def start(self):
        assert self.node.trigger_configure() is TransitionCallbackReturn.SUCCESS
        assert self.node.trigger_activate() is TransitionCallbackReturn.SUCCESS
        self.until(lambda: self.client.service_is_ready() and self.poses.get_subscription_count()
                   and self.outside.count_publishers('outcome'))

    def until(self, reached):
        deadline = time.monotonic() + 20.0
        while not reached():
            assert time.monotonic() < deadline, 'nothing came'
            self.executor.spin_once(timeout_sec=0.02)

    def see(self, pose, stamp):
        pose = [*pose, 0.0, 0.0, 0.0, 1.0][:7]
        message = PoseStamped()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(round(stamp * 1e9), 10**9)
        position = message.pose.position
        position.x, position.y, position.z = map(float, pose[:3])
        turn = message.pose.orientation
        turn.x, turn.y, turn.z, turn.w = map(float, pose[3:])
        self.poses.publish(message)

    def reset(self):
        """Request a reset; the cube arrives a moment later."""
        count = len(self.asked)
        answer = self.client.call_async(Trigger.Request())
        self.until(lambda: len(self.asked) > count)
        position, turn = self.asked[-1][1].position, self.asked[-1][1].orientation

        def arrived():
            self.see((position.x, position.y, position.z, turn.x, turn.y, turn.z, turn.w), 1.0)
            return answer.done()

        self.until(arrived)
        return answer.result()


@pytest.fixture
def gazebo():
    made = Gazebo()
    made.start()
    yield made
    made.close()


def test_a_reset_places_the_object_by_seed_and_waits_until_it_has_arrived(gazebo):
    gazebo.node.set_parameters([Parameter('next_seed', value=5)])
    answer = gazebo.client.call_async(Trigger.Request())
    gazebo.until(lambda: gazebo.asked)
    model, pose = gazebo.asked[0]
    expected = TASK.start.draw(5)
    assert (gazebo.world, model) == ('inril_arm', 'cube')
    np.testing.assert_allclose(
        [pose.position.x, pose.position.y, pose.position.z, pose.orientation.z], [
            *expected[:3], expected[5]])

    elsewhere = expected + [0.0, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0]
    count = []

    def seen_elsewhere():
        gazebo.see(elsewhere if len(count) % 2 else [*expected[:3], 0.0, 0.0, 1.0, 0.0], 1.0)
        count.append(1)
        return len(count) > 5

    gazebo.until(seen_elsewhere)
    assert not answer.done()

    def arrived():
        gazebo.see(expected, 2.0)
        return answer.done()

    gazebo.until(arrived)
    assert answer.result().success and answer.result().message == 'reset with seed 5'


def test_a_lifted_object_is_one_success(gazebo):
    gazebo.reset()
    stamp = [2.0]

    def lifting():
        stamp[0] += 0.1
        gazebo.see((0.4, 0.0, 0.2), stamp[0])
        return gazebo.outcomes

    gazebo.until(lifting)
    for _ in range(5):
        lifting()
    # After the next reset, everything sent before has arrived.
    gazebo.reset()
    stamp[0] = 20.0
    gazebo.until(lambda: lifting() and len(gazebo.outcomes) > 1)
    assert [each.outcome for each in gazebo.outcomes] == [Outcome.SUCCESS] * 2
    assert gazebo.outcomes[0].reward == 1.0
    assert gazebo.outcomes[0].header.stamp.sec < 20 <= gazebo.outcomes[1].header.stamp.sec


@pytest.mark.parametrize(('missing', 'message'), [
    ('bridged', '/world/inril_arm/set_pose is not bridged'),
    ('willing', '/world/inril_arm/set_pose refused it')])
def test_a_service_that_fails_or_is_missing_fails_the_reset(gazebo, missing, message):
    setattr(gazebo, missing, False)
    answer = gazebo.client.call_async(Trigger.Request())
    gazebo.until(answer.done)
    assert not answer.result().success and message in answer.result().message


class Time:
    """Simulated time and a steady clock, both set by a test."""

    def __init__(self):
        self.simulated = self.steady = 0.0

    def clock(self):
        return RuleClock(lambda: self.simulated, lambda: self.steady)


@pytest.mark.parametrize(('fault', 'message'), [
    ('silent service', 'no answer from /world/inril_arm/set_pose within 5.0 s'),
    ('silent topic', 'no message on cube_pose within 5.0 s: is there one on '
                     '`gz topic -e -t /model/cube/pose`'),
    ('no such model', "'cube' is at [0.9, 0.9, 0.02] 5.0 s after it was to be put at"),
    ('no number', 'no pose on cube_pose could be read within 5.0 s: '),
    ('paused', "'cube' was not seen at its place: /clock has stood still for 11.0 s")])
def test_a_reset_that_is_not_done_ends_with_what_is_missing(gazebo, fault, message):
    time = Time()
    gazebo.node.rule_clock = time.clock()
    gazebo.answering = fault != 'silent service'
    answer = gazebo.client.call_async(Trigger.Request())
    gazebo.until(lambda: gazebo.asked)
    if fault == 'paused':
        time.steady = 11.0
    if fault == 'no such model':
        gazebo.see((0.9, 0.9, 0.02), 1.0)
    if fault == 'no number':
        gazebo.see((0.9, 0.9, float('nan')), 1.0)
    gazebo.poses.wait_for_all_acked()
    for _ in range(5):
        gazebo.executor.spin_once(timeout_sec=0.02)
    if fault != 'paused':
        assert not answer.done()
        time.simulated, time.steady = 5.1, 51.0
    gazebo.until(answer.done)
    assert not answer.result().success and message in answer.result().message


def test_a_slow_simulation_has_the_same_time_for_a_reset():
    """A minute by a steady clock is two seconds at a thirtieth of real time."""
    time = Time()
    placement = Placement('cube', 'world', 'cube_pose', TASK.start.draw(0), time.clock())
    for _ in range(60):
        time.steady += 1.0
        time.simulated += 1.0 / 30.0
        assert placement.why_given_up() == ''
    time.simulated = 5.1
    assert 'no answer' in placement.why_given_up()


def test_an_object_that_never_arrived_is_given_up_at_the_next_reset(gazebo):
    first = gazebo.client.call_async(Trigger.Request())
    gazebo.until(lambda: gazebo.asked)
    assert gazebo.reset().success
    gazebo.until(first.done)
    assert not first.result().success and 'a later request' in first.result().message


@pytest.mark.parametrize(('wrong', 'message'), [
    ({'lockstep': True}, 'lockstep is for sim_node'),
    ({'simulation': str(CONFIG / 'simulations' / 'metaworld.yaml')}, 'Gazebo needs sdf'),
    ({'contract': str(CONFIG / 'robots' / 'metaworld_sawyer.yaml')}, 'does not observe cube_pose'),
    ({'task': 'throw'}, "no task 'throw'")])
def test_requests_that_gazebo_cannot_meet_are_reported(wrong, message, capfd):
    made = Gazebo(**wrong)
    try:
        assert made.node.trigger_configure() is not TransitionCallbackReturn.SUCCESS
    finally:
        made.close()
    assert message in ''.join(capfd.readouterr())


def test_without_gazebo_s_interfaces_the_node_says_what_to_install(capfd):
    if importlib.util.find_spec('ros_gz_interfaces') is not None:
        pytest.skip('ros_gz_interfaces is installed')
    made = Gazebo()
    made.node._make_place = gazebo_service
    try:
        assert made.node.trigger_configure() is not TransitionCallbackReturn.SUCCESS
    finally:
        made.close()
    assert 'ros_gz_bridge and ros_gz_interfaces' in ''.join(capfd.readouterr())


@pytest.mark.parametrize(('commands', 'success'), [
    ({'gz': 'echo "$@" > {log}; echo data: true'}, True),
    ({'gz': 'exit 1', 'ign': 'echo "$@" > {log}; echo data: true'}, True),
    ({'gz': 'echo "$@" > {log}; echo data: false'}, False),
    ({'gz': 'echo "$@" > {log}; echo Service call timed out'}, False)])
def test_where_the_service_is_not_bridged_gazebo_s_command_line_moves_the_object(
        gazebo, tmp_path, monkeypatch, commands, success):
    for name, script in commands.items():
        (tmp_path / name).write_text('#!/bin/sh\n' + script.format(log=tmp_path / 'log'))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path), prepend=os.pathsep)
    pose = PoseStamped().pose
    pose.position.x, pose.orientation.w = 0.4, 1.0
    answer = GazeboCommand(gazebo.node, '/world/w/set_pose').place('cube', pose)
    gazebo.until(answer.done)
    assert answer.result().success is success
    types = 'ignition.msgs' if 'ign' in commands else 'gz.msgs'
    assert (tmp_path / 'log').read_text().split('--req ')[0].split() == [
        'service', '-s', '/world/w/set_pose', '--reqtype', f'{types}.Pose', '--reptype',
        f'{types}.Boolean', '--timeout', '4000']
    assert 'name: "cube", position: {x: 0.4, y: 0.0, z: 0.0}, orientation: {x: 0.0, y: 0.0, ' \
        'z: 0.0, w: 1.0}' in (tmp_path / 'log').read_text()
