# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``/diagnostics`` of each node: what rqt_robot_monitor, Foxglove and aggregators read.

The nodes' own status topics say more; this says in one place, in everybody's format, who is well.
"""

from typing import Any, TYPE_CHECKING

from rclpy.clock import Clock, ClockType

from inril_ros.nodes import qos
from inril_ros.nodes.links import partners

try:
    from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
except ModuleNotFoundError:  # a ROS installation without it runs as well
    DiagnosticArray = None

if TYPE_CHECKING:
    from inril_ros.nodes.managed_node import ManagedNode

_TOPIC = '/diagnostics'
_PERIOD = 1.0  # [s]


class Diagnostics:
    """Publishes the state of a node once a second, by a steady clock: time may stand."""

    def __init__(self, node: 'ManagedNode') -> None:
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


def diagnose(node: 'ManagedNode') -> Any:
    """Return a node's DiagnosticStatus.

    ERROR: something holds the arm. WARN: it can't do its part, or isn't active. OK: it does.
    """
    state = 'active' if node.active else 'inactive' if node.configured else 'unconfigured'
    level, message, alone = DiagnosticStatus.OK, state, []
    if node.active:
        complaints = node.complaints()
        alone = sorted(link.topic_name for link in node.needed if not partners(link))
        lack = node.not_ready() or (f'nobody at the other end of {alone}' if alone else '')
        if complaints:
            level, message = DiagnosticStatus.ERROR, '; '.join(complaints)
        elif lack:
            level, message = DiagnosticStatus.WARN, lack
    else:
        level = DiagnosticStatus.WARN
        message = f'{state}: {node.not_activatable()}' if node.configured and \
            node.not_activatable() else state
    values = {'state': state, 'run': node.run_id, 'lockstep': str(node.lockstep).lower()}
    if node.configured:
        values |= {'contract': node.contract.name, 'contract hash': node.contract.hash[:12]}
    return DiagnosticStatus(
        level=level, name=f'{node.get_fully_qualified_name().lstrip("/")}: state',
        message=message, hardware_id=values.get('contract', ''),
        values=[KeyValue(key=key, value=value) for key, value in values.items()])
