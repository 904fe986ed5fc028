# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A person's input to the actuation node: a twist, a leader arm, a joystick and its buttons.

Several devices may send beside each other. Their messages are kept apart, and one of them drives:
an idle keyboard beside a leader must not let go of the leader's switch with each of its messages.
"""

from collections.abc import Callable
import math
from typing import Any

from geometry_msgs.msg import TwistStamped
import numpy as np
from sensor_msgs.msg import JointState, Joy

from inril_ros.nodes.actuation.teleop_source import TeleopSource
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.serialised_messages import MessageRefused
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.teleop.sources import in_words, Lease, node_of, OTHER, source_of

_MOST_SOURCES = 8


class TeleopInput:
    """The newest command of a person, and whether the person drives.

    Args:
        contract: Topics, buttons, axes and the rule of the takeover.
        lockstep: Whether a command belongs to the observation with the same stamp. In real time
            the newest one counts until it is too old.
        on_message: Called after each message.
        on_button: Called with the meaning of each button that goes down: success, failure,
            discard, ready or start.
    """

    def __init__(
        self, node: ManagedNode, contract: Contract, lockstep: bool,
        on_message: Callable[[], None], on_button: Callable[[str], None],
    ) -> None:
        self._node = node
        self._clock = node.rule_clock.now
        self._contract = contract
        self._rules = rules = contract.teleoperation
        self._lockstep = lockstep
        self._on_message = on_message
        self._on_button = on_button
        self._lease = Lease(rules.order, rules.release_after)
        self._leader = contract.actions[rules.joint_action].joints if rules.joint_action else ()
        profile = qos.commands(lockstep)
        node.create_subscription(TwistStamped, rules.twist_topic, self._on_command, profile)
        node.create_subscription(Joy, rules.joy_topic, self._on_command, profile)
        if self._leader:
            node.create_subscription(JointState, rules.joint_topic, self._on_leader, profile)
        self.begin()

    def begin(self) -> None:
        """Forget earlier messages: a new episode starts."""
        self._sources: dict[str, TeleopSource] = {}
        self._lease.begin()
        self._tick = -1
        self._driver = ''

    @property
    def who(self) -> str:
        """Who drives in the present tick, in words; empty if nobody does, or if it isn't known."""
        return in_words(self._driver) if self._driver not in ('', OTHER) else ''

    @property
    def unnamed(self) -> bool:
        """Whether messages have come that don't say which device sent them."""
        return OTHER in self._sources and not self._lockstep

    def named_nodes(self) -> set[str]:
        """Return the full names of the nodes whose messages say who they are."""
        return {node_of(name) for name in self._sources}

    def arrived(self, stamp: int) -> bool:
        """Return whether a person's command for the tick at ``stamp`` [ns] has come."""
        return any(source.arrived(stamp) for source in self._sources.values())

    def age(self, stamp: int) -> float:
        """Return the age [s] of the command of who drives; infinite if nobody does."""
        return self._sources[self._driver].age(stamp) if self._driver else math.inf

    def engaged(self, stamp: int) -> bool:
        """Return whether a person drives: by holding the button, or by moving the device."""
        wanted = [name for name, source in self._sources.items() if source.engaged(stamp)]
        if self._lockstep:  # one source: the operator that is waited for
            self._driver = wanted[0] if wanted else ''
        elif stamp != self._tick:  # a tick has one driver, however often it is asked
            self._tick, self._driver = stamp, self._lease.update(self._clock(), wanted)
        return bool(self._driver)

    def action(self, stamp: int, resting: np.ndarray) -> np.ndarray | None:
        """Return the commanded action (A,) in contract units; None if nobody drives.

        Args:
            stamp: [ns] Stamp of the tick.
            resting: (A,) Holds the arm: used for actions that the device doesn't command.
        """
        return self._sources[self._driver].action(resting) if self.engaged(stamp) else None

    def _on_command(self, message: Any) -> None:
        name = OTHER if self._lockstep else source_of(message.header.frame_id)
        if isinstance(message, Joy):
            for meaning in self._source(name).pressed(message):
                self._on_button(meaning)  # that may begin an episode
        self._source(name).add(message)
        self._on_message()

    def _source(self, name: str) -> TeleopSource:
        source = self._sources.get(name)
        if source is None:
            if len(self._sources) >= _MOST_SOURCES:
                raise MessageRefused(f'there are {_MOST_SOURCES} other teleop devices already')
            source = self._sources[name] = TeleopSource(
                self._contract, self._lockstep, self._clock)
        return source

    def _on_leader(self, message: JointState) -> None:
        missing = set(self._leader) - set(message.name)
        if len(missing) == len(self._leader) and message.name:
            return  # of another part of the device, which publishes on the same topic
        if missing or len(message.position) < len(message.name):
            self._node.get_logger().error(
                f'{self._rules.joint_topic} ignored: no positions of '
                f'{sorted(missing) or list(message.name)}', throttle_duration_sec=1.0)
            return
        self._on_command(message)
