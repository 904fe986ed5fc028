# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The executor of a node's process: rclpy's events executor, where that works.

rclpy's usual executor asks all of a node's entities before each message, which costs several times
as much as a small message does. The middleware tells its events executor what has come. That one
is experimental, and there are builds in which it delivers nothing: it is tried before it is used.
It does not finish coroutines everywhere, so no node has any (``base/later_service.py``), and it
has crashed with handlers of QoS events, so there are none (``base/guarded_node.py``).
"""

import time

from rclpy.clock import Clock, ClockType
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.node import Node

_PATIENCE = 1.0  # [s] in which a timer must have fired


def executor_for(node: Node) -> Executor:
    """Return an executor, to which the node was added."""
    events = _events_executor(node)
    if events is not None:
        events.add_node(node)
        if _delivers(events, node):
            return events
        events.remove_node(node)
        events.shutdown()
    usual = SingleThreadedExecutor(context=node.context)
    usual.add_node(node)
    return usual


def _events_executor(node: Node) -> Executor | None:
    """Return rclpy's events executor, if it has one."""
    try:
        from rclpy.experimental.events_executor import EventsExecutor
    except ImportError:  # rclpy before 7.1.4
        return None
    return EventsExecutor(context=node.context)


def _delivers(executor: Executor, node: Node) -> bool:
    """Return whether the executor runs a timer of the node."""
    fired: list[bool] = []
    timer = node.create_timer(
        0.001, lambda: fired.append(True), clock=Clock(clock_type=ClockType.STEADY_TIME))
    end = time.monotonic() + _PATIENCE
    while not fired and time.monotonic() < end:
        executor.spin_once(timeout_sec=0.1)
    node.destroy_timer(timer)
    return bool(fired)
