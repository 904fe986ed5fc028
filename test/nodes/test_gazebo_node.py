# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A Gazebo reset ends when the object is seen in place; the object's position decides success.

A stand-in for Gazebo publishes a cube's pose and moves the cube on request.
"""

import importlib.util
from pathlib import Path
import time
from types import SimpleNamespace

from geometry_msgs.msg import PoseStamped
from inril_ros.msg import Outcome
import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.task import Future
from std_srvs.srv import Trigger

from inril_ros.nodes.base import qos
from inril_ros.nodes.gazebo_node import gazebo_service, GazeboNode
from inril_ros.sim.mapping import find_task, load_mapping

CONFIG = Path(__file__).parents[2] / 'config'
FILE = CONFIG / 'simulations' / 'gazebo_arm.yaml'
TASK = find_task(load_mapping(FILE), 'lift')


class Gazebo:
    """The cube, the node under test, and a client of its reset service."""

    def __init__(self, **parameters):
        self.context = Context()
        rclpy.init(context=self.context)
        self.bridged = self.willing = True
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
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.executor.add_node(self.outside)

    def _service(self, node, world):
        self.world = world
        return self._place

    def _place(self, model, pose):
        if not self.bridged:
            return None
        self.asked.append((model, pose))
        done = Future()
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

    def see(self, place, stamp):
        message = PoseStamped()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(round(stamp * 1e9), 10**9)
        position = message.pose.position
        position.x, position.y, position.z = map(float, place)
        message.pose.orientation.w = 1.0
        self.poses.publish(message)

    def reset(self):
        """Request a reset; the cube arrives a moment later."""
        count = len(self.asked)
        answer = self.client.call_async(Trigger.Request())
        self.until(lambda: len(self.asked) > count)
        position = self.asked[-1][1].position

        def arrived():
            self.see((position.x, position.y, position.z), 1.0)
            return answer.done()

        self.until(arrived)
        return answer.result()

    def close(self):
        self.node.trigger_shutdown()
        self.executor.shutdown()
        self.node.destroy_node()
        self.outside.destroy_node()
        rclpy.shutdown(context=self.context)


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

    elsewhere = expected[:3] + [0.0, 0.2, 0.0]
    count = []

    def seen_elsewhere():
        gazebo.see(elsewhere, 1.0)
        count.append(1)
        return len(count) > 5

    gazebo.until(seen_elsewhere)
    assert not answer.done()

    def arrived():
        gazebo.see(expected[:3], 2.0)
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
    ('bridged', 'not bridged'), ('willing', 'it refused')])
def test_a_service_that_fails_or_is_missing_fails_the_reset(gazebo, missing, message):
    setattr(gazebo, missing, False)
    answer = gazebo.client.call_async(Trigger.Request())
    gazebo.until(answer.done)
    assert not answer.result().success and message in answer.result().message


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
