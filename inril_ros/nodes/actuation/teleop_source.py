# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One source of a person's commands: its newest messages, and whether it wants to drive."""

from collections.abc import Callable
from dataclasses import dataclass
import math
from typing import Any

from geometry_msgs.msg import TwistStamped
import numpy as np
from sensor_msgs.msg import JointState, Joy

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.codecs import stamp_ns
from inril_ros.robot.motion.arbitration import TakeoverSwitch
from inril_ros.robot.teleop.episode_buttons import EpisodeButtons


@dataclass
class _Received:
    """The newest message of a device."""

    message: Any
    stamp: int
    received: float


class TeleopSource:
    """The newest command of a source.

    Args:
        contract: Buttons, axes and the rule of the takeover.
        lockstep: Whether a command belongs to the observation with the same stamp. In real time
            the newest one counts until it is too old.
        clock: Returns the time [s] of rules.
    """

    def __init__(self, contract: Contract, lockstep: bool, clock: Callable[[], float]) -> None:
        self._contract = contract
        self._rules = rules = contract.teleoperation
        self._lockstep = lockstep
        self._clock = clock
        self._switch = TakeoverSwitch(rules)
        self._buttons = EpisodeButtons(rules)
        self._needed = [kind for kind, name in (
            (TwistStamped, rules.twist_action or rules.rotation_action),
            (JointState, rules.joint_action),
            (Joy, rules.takeover != 'motion' or rules.gripper_action)) if name]
        self._leader = contract.actions[rules.joint_action].joints if rules.joint_action else ()
        self._newest: dict[type, _Received] = {}
        self._speed = self._peak = self._tick_peak = 0.0
        self._tick = -1

    def pressed(self, joy: Joy) -> list[str]:
        """Return the meanings of the buttons that went down since the last call."""
        return self._buttons.pressed(joy.buttons)

    def add(self, message: Any) -> None:
        """Add a message."""
        now, stamp = self._clock(), stamp_ns(message)
        if isinstance(message, TwistStamped):
            linear, angular = message.twist.linear, message.twist.angular
            self._moves(max(math.hypot(linear.x, linear.y, linear.z),
                            math.hypot(angular.x, angular.y, angular.z)))
        before = self._newest.get(JointState)
        if isinstance(message, JointState) and before is not None and stamp > before.stamp:
            way = np.abs(self._positions(message) - self._positions(before.message)).max()
            self._moves(float(way) / (stamp - before.stamp) * 1e9)
        self._newest[type(message)] = _Received(message, stamp, now)

    def arrived(self, stamp: int) -> bool:
        """Return whether the person's command for the tick at ``stamp`` [ns] has come."""
        if self._lockstep:
            return all(kind in self._newest and self._newest[kind].stamp == stamp
                       for kind in self._needed)
        return self.age(stamp) <= self._rules.max_age

    def age(self, stamp: int) -> float:
        """Return the age [s] of the command at ``stamp`` [ns]; infinite if there is none.

        Both its stamps and its arrival count: a wrong clock must not make an old command fresh.
        """
        if not all(kind in self._newest for kind in self._needed):
            return math.inf
        if self._lockstep:
            return 0.0
        now, newest = self._clock(), [self._newest[kind] for kind in self._needed]
        return max(max(now - item.received, (stamp - item.stamp) / 1e9) for item in newest)

    def engaged(self, stamp: int) -> bool:
        """Return whether the person wants to drive: holds the button, or moves the device."""
        joy = self._newest.get(Joy)
        button = self._rules.deadman_button
        held = joy is not None and len(joy.message.buttons) > button and bool(
            joy.message.buttons[button])
        now = stamp / 1e9 if self._lockstep else self._clock()
        age = self.age(stamp) if self.arrived(stamp) else math.inf
        # A device that sends more often than it moves, or than there are ticks, seems to rest in
        # some of its messages: the fastest motion since the tick before counts.
        if stamp != self._tick:
            self._tick, self._tick_peak, self._peak = stamp, self._peak, self._speed
        return self._switch.update(now, age, held, max(self._tick_peak, self._peak))

    def action(self, resting: np.ndarray) -> np.ndarray:
        """Return the commanded action (A,) in contract units.

        Args:
            resting: (A,) Holds the arm: used for actions that the device doesn't command.
        """
        rules, contract = self._rules, self._contract
        action = resting.astype(np.float32)
        if rules.twist_action:
            linear = self._newest[TwistStamped].message.twist.linear
            action[contract.action_slice(rules.twist_action)] = linear.x, linear.y, linear.z
        if rules.rotation_action:
            angular = self._newest[TwistStamped].message.twist.angular
            action[contract.action_slice(rules.rotation_action)] = angular.x, angular.y, angular.z
        if rules.joint_action:
            leader = self._newest[JointState].message
            action[contract.action_slice(rules.joint_action)] = self._positions(leader)
        if rules.gripper_action and len(self._newest[Joy].message.axes) > rules.gripper_axis:
            part = contract.action_slice(rules.gripper_action)
            normalised = np.full_like(action, self._newest[Joy].message.axes[rules.gripper_axis])
            action[part] = contract.denormalise_action(normalised)[part]
        return action

    def _moves(self, speed: float) -> None:
        self._speed, self._peak = speed, max(self._peak, speed)

    def _positions(self, message: JointState) -> np.ndarray:
        """Return a leader's joint positions (n,), looked up by name."""
        return np.array([message.position[list(message.name).index(joint)]
                         for joint in self._leader])
