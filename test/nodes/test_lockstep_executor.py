# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A node in lockstep has rclpy's events executor where that works, and gets the same from it."""

import threading
import time

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import Int32
from std_srvs.srv import Trigger

from inril_ros.nodes.base import lockstep_executor
from inril_ros.nodes.base.guarded_node import GuardedNode
from inril_ros.nodes.base.lockstep_executor import executor_for


@pytest.fixture
def node():
    context = rclpy.Context()
    rclpy.init(context=context)
    made = GuardedNode('node', context=context, enable_rosout=False)
    yield made
    made.destroy_node()
    rclpy.shutdown(context=context)


def spin_until(executor, reached):
    end = time.monotonic() + 20.0
    while not reached():
        assert time.monotonic() < end
        executor.spin_once(timeout_sec=0.1)


def test_a_real_robot_has_the_usual_executor(node):
    assert isinstance(executor_for(node, lockstep=False), SingleThreadedExecutor)


@pytest.mark.parametrize('lockstep', [False, True])
def test_it_delivers_messages_in_order_and_once(node, lockstep):
    executor, heard = executor_for(node, lockstep), []
    node.create_subscription(Int32, 'number', lambda message: heard.append(message.data), 100)
    publisher = node.create_publisher(Int32, 'number', 100)
    for number in range(100):
        publisher.publish(Int32(data=number))
        if number % 7 == 0:
            spin_until(executor, lambda sent=number: len(heard) > sent)
    spin_until(executor, lambda: len(heard) == 100)
    for _ in range(3):
        executor.spin_once(timeout_sec=0.01)
    assert heard == list(range(100))
    executor.shutdown()


@pytest.mark.parametrize('lockstep', [False, True])
def test_it_serves_timers_services_and_tasks_of_threads(node, lockstep):
    executor, fired, called = executor_for(node, lockstep), [], []

    def answer(_, response):
        response.success = True
        return response

    node.create_timer(0.01, lambda: fired.append(True))
    node.create_service(Trigger, 'ask', answer)
    client = node.create_client(Trigger, 'ask')
    future = client.call_async(Trigger.Request())
    thread = threading.Thread(
        target=lambda: node.executor.create_task(lambda: called.append(threading.get_ident())))
    thread.start()
    thread.join()
    spin_until(executor, lambda: future.done() and len(fired) > 3 and called)
    assert future.result().success
    assert called == [threading.get_ident()]
    executor.shutdown()


@pytest.mark.parametrize('lockstep', [False, True])
def test_an_error_in_a_callback_comes_out_of_it(node, lockstep):
    executor = executor_for(node, lockstep)

    def fail():
        raise ZeroDivisionError('in a callback')

    node.create_timer(0.01, fail)
    with pytest.raises(ZeroDivisionError, match='in a callback'):
        spin_until(executor, lambda: False)
    executor.shutdown()


class Deaf(SingleThreadedExecutor):
    """Delivers nothing, as the events executor of some builds."""

    def spin_once(self, timeout_sec=None):
        time.sleep(0.001)


@pytest.mark.parametrize('events', [Deaf, None])
def test_an_executor_that_delivers_nothing_is_not_used(node, monkeypatch, events):
    monkeypatch.setattr(lockstep_executor, '_PATIENCE', 0.05)
    monkeypatch.setattr(lockstep_executor, '_events_executor', lambda node:
                        None if events is None else events(context=node.context))
    executor = executor_for(node, lockstep=True)
    assert type(executor) is SingleThreadedExecutor
    assert node.executor is executor
    assert not list(node.timers)
