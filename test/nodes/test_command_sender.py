# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A gripper gets one goal at a time, the newest one next; message types are found by name."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
import pytest
from rclpy.task import Future
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from inril_ros.nodes.actuation.command_sender import GripperGoals
from inril_ros.nodes.base.message_types import message_type


class Server:
    """An action client whose server answers when the test says so, or is not ready."""

    def __init__(self):
        self.ready, self.goals, self.answers = True, [], []

    def server_is_ready(self):
        return self.ready

    def send_goal_async(self, goal):
        self.goals.append(goal.command.position)
        self.answers.append(Future())
        return self.answers[-1]


class Logger:
    def warning(self, text, throttle_duration_sec):
        pass


def gripper():
    server = Server()
    return GripperGoals(SimpleNamespace(get_logger=Logger), server), server


def goal(position):
    return SimpleNamespace(command=SimpleNamespace(position=position, max_effort=10.0))


def test_an_unchanged_goal_is_sent_once():
    goals, server = gripper()
    for _ in range(50):
        goals.send(goal(0.04))
    assert server.goals == [0.04]


def test_while_a_goal_awaits_its_answer_only_the_newest_goal_is_kept():
    goals, server = gripper()
    for position in (0.04, 0.03, 0.02, 0.01):
        goals.send(goal(position))
    assert server.goals == [0.04]
    server.answers[0].set_result(None)
    goals.send(goal(0.01))
    assert server.goals == [0.04, 0.01]


def test_a_goal_is_sent_when_the_server_becomes_ready():
    goals, server = gripper()
    server.ready = False
    goals.send(goal(0.04))
    assert server.goals == []
    server.ready = True
    goals.send(goal(0.04))
    assert server.goals == [0.04]


steps = st.lists(st.tuples(st.floats(0.0, 0.08), st.booleans(), st.booleans()), max_size=30)


@given(steps)
def test_the_gripper_gets_the_last_goal_in_the_end(sequence):
    goals, server = gripper()
    for position, ready, answers in sequence:
        server.ready = ready
        goals.send(goal(position))
        if answers and server.answers:
            server.answers[-1].set_result(None)
    server.ready = True
    for _ in range(2):
        if server.answers:
            server.answers[-1].set_result(None)
        goals.send(goal(0.05))
    assert server.goals[-1] == pytest.approx(0.05, abs=1e-4)


def test_types_are_found_by_name():
    assert message_type('sensor_msgs/msg/JointState') is JointState
    assert message_type('std_srvs/srv/Trigger') is Trigger


@pytest.mark.parametrize('name', ['no_such_msgs/msg/Thing', 'sensor_msgs/msg/Thing',
                                  'no_such_msgs/action/GripperCommand'])
def test_a_type_that_is_missing_is_reported_with_its_package(name):
    with pytest.raises(ValueError, match=f'install the ROS package {name.split("/")[0]}'):
        message_type(name)
