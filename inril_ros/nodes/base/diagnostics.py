# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``/diagnostics`` of each node, for rqt_robot_monitor, Foxglove and aggregators.

The nodes' own status topics say more; this says in one place, in the standard format, which node
works.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from inril_ros.nodes.base import qos

try:
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
except ModuleNotFoundError:  # nodes also run on a ROS installation without it
    DiagnosticArray = DiagnosticStatus = KeyValue = None

_TOPIC = '/diagnostics'
_PERIOD = 1.0  # [s]


@dataclass(frozen=True)
class Health:
    """The state of a node.

    Attributes:
        state: active, inactive or unconfigured.
        missing: What is missing before the node can work, or be activated; empty if nothing is.
        held: What keeps the robot from moving though the node is active.
        details: Further values by name; ``contract`` also becomes the hardware ID.
    """

    state: str
    missing: str = ''
    held: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)


class Diagnostics:
    """Publishes a node's health once a second, by a steady clock: ROS time may stand still."""

    def __init__(self, node: Node, health: Callable[[], Health]) -> None:
        self._name = node.get_fully_qualified_name()
        self._health = health
        if DiagnosticArray is None:
            return
        self._publisher = node.create_publisher(DiagnosticArray, _TOPIC, qos.EVENT)
        node.create_timer(_PERIOD, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _publish(self) -> None:
        message = DiagnosticArray(status=[diagnose(self._name, self._health())])
        # The system's clock, as all diagnostics have it: simulated time may stand still.
        message.header.stamp = Clock(clock_type=ClockType.SYSTEM_TIME).now().to_msg()
        self._publisher.publish(message)


def diagnose(name: str, health: Health) -> Any:
    """Return a node's DiagnosticStatus.

    ERROR: something holds the arm. WARN: it lacks something, or isn't active. OK: it works.

    Args:
        name: The node's name with its namespace.
        health: The node's health.
    """
    level, message = DiagnosticStatus.OK, health.state
    if health.held:
        level, message = DiagnosticStatus.ERROR, '; '.join(health.held)
    elif health.state != 'active':
        level, message = DiagnosticStatus.WARN, ': '.join(
            filter(None, (health.state, health.missing)))
    elif health.missing:
        level, message = DiagnosticStatus.WARN, health.missing
    return DiagnosticStatus(
        level=level, name=f'{name.lstrip("/")}: state', message=message,
        hardware_id=health.details.get('contract', ''),
        values=[KeyValue(key=key, value=value)
                for key, value in {'state': health.state, **health.details}.items()])
