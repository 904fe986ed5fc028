# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``/diagnostics`` of each node: what rqt_robot_monitor, Foxglove and aggregators read.

The nodes' own status topics say more; this says in one place, in everybody's format, who is well.
"""

from typing import Any, Protocol

from rclpy.clock import Clock, ClockType
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription
from std_msgs.msg import Header

from inril_ros.nodes.base import qos
from inril_ros.nodes.base.endpoints import matched_count
from inril_ros.robot.contract.contract import Contract

try:
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
except ModuleNotFoundError:  # a ROS installation without it runs as well
    DiagnosticArray = None

_TOPIC = '/diagnostics'
_PERIOD = 1.0  # [s]


class DiagnosedNode(Protocol):
    """What diagnostics ask of a node; ``managed_node.ManagedNode`` has it."""

    active: bool
    configured: bool
    lockstep: bool
    run_id: str
    contract: Contract

    @property
    def required_endpoints(self) -> tuple[Publisher | Subscription, ...]:
        """The publishers and subscriptions without which the node can't do its part."""

    def hold_reasons(self) -> tuple[str, ...]:
        """Return what keeps the robot from moving though the node is active."""

    def why_not_ready(self) -> str:
        """Return what else is missing; empty if nothing is."""

    def why_not_activatable(self) -> str:
        """Return why the node can't be activated yet; empty if it can."""

    def header(self, stamp: int) -> Header:
        """Return a header with a time [ns]."""

    def get_fully_qualified_name(self) -> str:
        """Return the name with its namespace."""

    def create_publisher(self, kind: type, topic: str, profile: Any) -> Publisher:
        """Make a publisher, as ``rclpy.node.Node`` does."""

    def create_timer(self, period: float, callback: Any, clock: Clock) -> Any:
        """Make a timer, as ``rclpy.node.Node`` does."""


class Diagnostics:
    """Publishes the state of a node once a second, by a steady clock: time may stand."""

    def __init__(self, node: DiagnosedNode) -> None:
        self._node = node
        if DiagnosticArray is None:
            return
        self._publisher = node.create_publisher(DiagnosticArray, _TOPIC, qos.EVENT)
        node.create_timer(_PERIOD, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _publish(self) -> None:
        # By the system's clock, as everybody's diagnostics: simulated time may stand still.
        now = Clock(clock_type=ClockType.SYSTEM_TIME).now().nanoseconds
        self._publisher.publish(DiagnosticArray(
            header=self._node.header(now), status=[diagnose(self._node)]))


def diagnose(node: DiagnosedNode) -> Any:
    """Return a node's DiagnosticStatus.

    ERROR: something holds the arm. WARN: it can't do its part, or isn't active. OK: it does.
    """
    state = 'active' if node.active else 'inactive' if node.configured else 'unconfigured'
    level, message, alone = DiagnosticStatus.OK, state, []
    if node.active:
        complaints = node.hold_reasons()
        alone = sorted(endpoint.topic_name for endpoint in node.required_endpoints
                       if not matched_count(endpoint))
        lack = node.why_not_ready() or (f'nobody at the other end of {alone}' if alone else '')
        if complaints:
            level, message = DiagnosticStatus.ERROR, '; '.join(complaints)
        elif lack:
            level, message = DiagnosticStatus.WARN, lack
    else:
        level = DiagnosticStatus.WARN
        message = f'{state}: {node.why_not_activatable()}' if node.configured and \
            node.why_not_activatable() else state
    values = {'state': state, 'run': node.run_id, 'lockstep': str(node.lockstep).lower()}
    if node.configured:
        values |= {'contract': node.contract.name, 'contract hash': node.contract.hash[:12]}
    return DiagnosticStatus(
        level=level, name=f'{node.get_fully_qualified_name().lstrip("/")}: state',
        message=message, hardware_id=values.get('contract', ''),
        values=[KeyValue(key=key, value=value) for key, value in values.items()])
