# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A node has rclpy's events executor where that works, and gets the same from the usual one."""

import threading
import time

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import Int32
from std_srvs.srv import Trigger

from inril_ros.nodes.base import node_executor
from inril_ros.nodes.base.guarded_node import GuardedNode
from inril_ros.nodes.base.later_service import create_later_service
from inril_ros.nodes.base.node_executor import executor_for


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


@pytest.fixture(params=['events', 'usual'])
def executor(node, request, monkeypatch):
    if request.param == 'usual':
        monkeypatch.setattr(node_executor, '_events_executor', lambda node: None)
    made = executor_for(node)
    assert isinstance(made, SingleThreadedExecutor) is (request.param == 'usual')
    yield made
    made.shutdown()


def test_it_delivers_messages_in_order_and_once(node, executor):
    heard = []
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


def test_it_serves_timers_services_and_tasks_of_threads(node, executor):
    fired, called = [], []

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


def test_an_error_in_a_callback_comes_out_of_it(node, executor):
    def fail():
        raise ZeroDivisionError('in a callback')

    node.create_timer(0.01, fail)
    with pytest.raises(ZeroDivisionError, match='in a callback'):
        spin_until(executor, lambda: False)


def test_a_service_may_answer_later(node, executor):
    asked, client = [], node.create_client(Trigger, 'ask')
    create_later_service(node, Trigger, 'ask', lambda _, answer: asked.append(answer))
    futures = []
    for number in range(2):
        futures.append(client.call_async(Trigger.Request()))
        spin_until(executor, lambda sent=number: len(asked) > sent)
    assert not any(future.done() for future in futures)
    for number in (1, 0):
        asked[number](Trigger.Response(message=str(number)))
        spin_until(executor, futures[number].done)
    assert [future.result().message for future in futures] == ['0', '1']


def test_a_service_that_may_answer_later_may_answer_at_once(node, executor):
    create_later_service(
        node, Trigger, 'ask', lambda _, answer: answer(Trigger.Response(message='now')))
    future = node.create_client(Trigger, 'ask').call_async(Trigger.Request())
    spin_until(executor, future.done)
    assert future.result().message == 'now'


def test_a_subscription_is_replaced_while_messages_come(node, executor):
    heard, publisher = [], node.create_publisher(Int32, 'number', 1000)
    for turn in range(20):
        subscription = node.create_subscription(
            Int32, 'number', lambda message: heard.append(message.data), 1000)
        for _ in range(10):
            publisher.publish(Int32(data=turn))
        spin_until(executor, lambda sent=turn: sent in heard)
        node.destroy_subscription(subscription)
    assert heard == sorted(heard)


class Deaf(SingleThreadedExecutor):
    """Delivers nothing, as the events executor of some builds."""

    def spin_once(self, timeout_sec=None):
        time.sleep(0.001)


@pytest.mark.parametrize('events', [Deaf, None])
def test_an_executor_that_delivers_nothing_is_not_used(node, monkeypatch, events):
    monkeypatch.setattr(node_executor, '_PATIENCE', 0.05)
    monkeypatch.setattr(node_executor, '_events_executor', lambda node:
                        None if events is None else events(context=node.context))
    executor = executor_for(node)
    assert type(executor) is SingleThreadedExecutor
    assert node.executor is executor
    assert not list(node.timers)
