# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Each node reports its state on /diagnostics: not started, waiting, active, held."""

from pathlib import Path
import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from inril_ros.nodes.base import qos
from inril_ros.nodes.base.diagnostics import diagnose
from inril_ros.nodes.base.managed_node import NotStarted
from inril_ros.nodes.gazebo_node import GazeboNode

CONFIG = Path(__file__).parents[2] / 'config'


@pytest.fixture
def node():
    context = Context()
    rclpy.init(context=context)
    made = GazeboNode(
        lambda *_: lambda *_: None, context=context, namespace='left', parameter_overrides=[
            Parameter(name, value=value) for name, value in {
                'contract': str(CONFIG / 'robots' / 'gazebo_arm.yaml'), 'task': 'lift',
                'simulation': str(CONFIG / 'simulations' / 'gazebo_arm.yaml'),
                'run_id': 'r1'}.items()])
    yield made
    made.trigger_shutdown()
    made.destroy_node()
    rclpy.shutdown(context=context)


def diagnosis(node):
    return diagnose(node.get_fully_qualified_name(), node.health())


def test_the_state_of_a_node_is_reported_from_its_start(node):
    status = diagnosis(node)
    assert (status.level, status.message) == (DiagnosticStatus.WARN, 'unconfigured')
    assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
    assert (diagnosis(node).level, diagnosis(node).message) == (DiagnosticStatus.WARN, 'inactive')
    assert node.trigger_activate() is TransitionCallbackReturn.SUCCESS
    status = diagnosis(node)
    assert status.level == DiagnosticStatus.WARN
    assert status.message == 'nobody publishes /left/cube_pose; nobody subscribes to /left/outcome'


def test_a_node_that_is_asked_before_it_is_configured_is_not_ready(node):
    answer = node._answer_ready(Trigger.Request(), Trigger.Response())
    assert (answer.success, answer.message) == (False, 'not configured')


def test_a_held_node_is_in_error_and_an_active_one_ok(node, monkeypatch):
    node.trigger_configure()
    node.trigger_activate()
    node._required.clear()
    status = diagnosis(node)
    assert (status.level, status.message) == (DiagnosticStatus.OK, 'active')
    assert {value.key: value.value for value in status.values}['contract'] == 'gazebo_arm'
    monkeypatch.setattr(node, 'hold_reasons', lambda: ('joint_states is silent', 'latched'))
    status = diagnosis(node)
    assert (status.level, status.message) == (
        DiagnosticStatus.ERROR, 'joint_states is silent; latched')


def test_it_is_published_once_a_second_under_the_node_s_name(node):
    listener = rclpy.create_node('listener', context=node.context)
    messages = []
    listener.create_subscription(DiagnosticArray, '/diagnostics', messages.append, qos.EVENT)
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    executor.add_node(listener)
    deadline = time.monotonic() + 20.0
    while len(messages) < 2 and time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.1)
    executor.shutdown()
    listener.destroy_node()
    assert len(messages) >= 2
    assert [status.name for status in messages[0].status] == ['left/gazebo_node: state']
    assert messages[0].header.stamp.sec > 0


def test_activation_waits_for_inputs_that_have_become_too_old(node, monkeypatch):
    """A pose that was recent enough at the check may be too old at activation."""
    answers = iter(['', 'the pose is too old', '', ''])
    monkeypatch.setattr(node, 'why_not_activatable', lambda: next(answers))
    assert not node.autostart() and node.configured
    assert node.autostart() and node.active


def test_a_node_that_was_not_active_yet_says_when_it_is(node, monkeypatch):
    said, logger = [], node.get_logger()
    monkeypatch.setattr(logger, 'info', lambda text, **_: said.append(text))
    monkeypatch.setattr(node, 'get_logger', lambda: logger)
    answers = iter(['no pose was measured', '', ''])
    monkeypatch.setattr(node, 'why_not_activatable', lambda: next(answers))
    while not node.autostart():
        pass
    assert said == ['not active yet: no pose was measured', 'active']


def test_a_node_that_raises_at_activation_does_not_start(node, monkeypatch):
    def broken():
        raise RuntimeError('broken')
    monkeypatch.setattr(node, 'start', broken)
    with pytest.raises(NotStarted):
        node.autostart()
