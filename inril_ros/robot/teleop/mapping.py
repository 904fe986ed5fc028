# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From what a device says to what a person asks for: axes, dead bands, joints, jogging.

Pure: whoever calls says what time it is. Nothing that isn't a finite number gets through.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
import math

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.motion.limits import limits_of
from inril_ros.robot.teleop.settings import (
    DIRECTIONS,
    Joystick,
    Leader,
    SpaceMouse,
    Switches,
)

_LEAD = 0.3  # [s] jogged joints are asked to be no more than so much motion ahead of the arm


@dataclass(frozen=True)
class DeviceCommand:
    """What a person asks for at one moment.

    Attributes:
        twist: (6,) m/s along and rad/s about x, y, z.
        joint_velocity: (n,) of the contract's ``joint_action``, per s; None: none is asked for.
        joint_position: (n,) Likewise, rad or m.
        gripper: -1..1, the minimum to the maximum of the gripper's action; None: as before.
        held: The dead man's switch is held.
        pressed: Meanings of the buttons that are down.
    """

    twist: np.ndarray = field(default_factory=lambda: np.zeros(6))
    joint_velocity: np.ndarray | None = None
    joint_position: np.ndarray | None = None
    gripper: float | None = None
    held: bool = False
    pressed: frozenset[str] = frozenset()


#: What is left of a command when the device is let go, or silent.
RELEASED = DeviceCommand()


def dead_banded(value: float, band: float) -> float:
    """Return a deflection -1..1 without its dead band: 0 within it, growing from 0 at its edge.

    What isn't finite counts as none, what is beyond full deflection as full.
    """
    if not math.isfinite(value) or abs(value) <= band:
        return 0.0
    return math.copysign(min((abs(value) - band) / (1.0 - band), 1.0), value)


def with_switches(
    command: DeviceCommand, switches: Switches, axes: Sequence[float], buttons: Sequence[int],
) -> DeviceCommand:
    """Return a command with what the buttons of a Joy message say."""
    def down(index: int) -> bool:
        return 0 <= index < len(buttons) and bool(buttons[index])

    gripper = command.gripper
    if 0 <= switches.gripper_axis < len(axes) and math.isfinite(axes[switches.gripper_axis]):
        gripper = min(max(float(axes[switches.gripper_axis]), -1.0), 1.0)
    if down(switches.gripper_minimum_button) != down(switches.gripper_maximum_button):
        gripper = 1.0 if down(switches.gripper_maximum_button) else -1.0
    return replace(
        command, gripper=gripper, held=down(switches.deadman_button),
        pressed=frozenset(meaning for meaning, index in switches.buttons.items() if down(index)))


def joystick_command(
    settings: Joystick, joints: Sequence[str], axes: Sequence[float], buttons: Sequence[int],
) -> DeviceCommand:
    """Return what a Joy message of a joystick asks for.

    Args:
        settings: Of the joystick.
        joints: Of the contract's ``joint_action``.
        axes: Of the message, -1..1; one that it hasn't counts as in the middle.
        buttons: Of the message.
    """
    speeds = {name: axis.speed * dead_banded(axes[axis.index], settings.dead_band)
              for name, axis in settings.axes.items() if axis.index < len(axes)}
    jogs = any(name in joints for name in settings.axes)
    command = DeviceCommand(
        twist=np.array([speeds.get(name, 0.0) for name in DIRECTIONS]),
        joint_velocity=np.array([speeds.get(name, 0.0) for name in joints]) if jogs else None)
    return with_switches(command, settings.switches, axes, buttons)


def spacemouse_command(
    settings: SpaceMouse, linear: Sequence[float], angular: Sequence[float],
) -> DeviceCommand:
    """Return what a twist of a SpaceMouse asks for, without its buttons.

    Args:
        settings: Of the SpaceMouse.
        linear: (3,) As it publishes it.
        angular: (3,)
    """
    speeds = (*settings.linear_speed, *settings.angular_speed)
    return DeviceCommand(twist=np.array([
        speed * dead_banded(value / settings.full_deflection, settings.dead_band)
        for speed, value in zip(speeds, (*linear, *angular), strict=True)]))


def leader_command(
    settings: Leader, joints: Sequence[str], positions: Mapping[str, float],
) -> DeviceCommand:
    """Return what the joints of a leader arm ask for, without its buttons.

    Args:
        settings: Of the leader.
        joints: Of the contract's ``joint_action``.
        positions: [rad or m] By the leader's joint.

    Raises:
        ValueError: A joint is missing, or isn't a number; the message names it.
    """
    def position(name: str) -> float:
        value = positions.get(name)
        if value is None or not math.isfinite(value):
            raise ValueError(f'no position of joint {name!r}; it has {sorted(positions)}')
        return value

    wanted = []
    for joint in joints:
        entry = settings.joints.get(joint)
        if entry is None:
            wanted.append(position(joint))
        else:
            wanted.append(entry.scale * position(entry.name or joint) + entry.offset)
    gripper = None
    if settings.gripper is not None:
        low, high = settings.gripper.minimum, settings.gripper.maximum
        share = (position(settings.gripper.name) - low) / (high - low)
        gripper = min(max(2.0 * share - 1.0, -1.0), 1.0)
    return DeviceCommand(joint_position=np.array(wanted), gripper=gripper)


class JointJogger:
    """Joint positions (n,) that follow jogged velocities.

    They begin where the arm is measured, never ask for more speed or way than the contract allows,
    and never run far ahead of the arm, whatever holds it: it rests soon after the velocities do.

    Args:
        contract: Of the robot, with a ``joint_action``.
        longest: [s] A longer pause between two calls counts as this long.
    """

    def __init__(self, contract: Contract, longest: float = 0.1) -> None:
        rules = contract.teleoperation
        self._limits = limits_of(contract.actions[rules.joint_action])
        self._patience = rules.release_after
        self._longest = longest
        self._target: np.ndarray | None = None
        self._seen: np.ndarray | None = None  # where the arm was measured last
        self._last = -math.inf
        self._asked = -math.inf

    def step(self, now: float, velocity: np.ndarray | None, held: bool,
             measured: np.ndarray | None) -> np.ndarray | None:
        """Return the position (n,) to ask for; None: nobody knows where the arm is.

        Args:
            now: [s] By a steady clock.
            velocity: (n,) per s; None: none.
            held: The dead man's switch is held.
            measured: (n,) Where the arm is; None: not known.
        """
        elapsed = min(max(now - self._last, 0.0), self._longest)
        self._last = now
        if measured is not None:
            self._seen = measured
        moves = velocity is not None and bool(np.isfinite(velocity).all()) and bool(
            np.any(velocity))
        if moves:
            self._asked = now
        # With a switch the arm is driven while it is held; without one, while it is asked to move.
        driven = held or now - self._asked <= self._patience
        if self._target is None or not driven:
            self._target = None if measured is None else np.clip(
                measured, self._limits.minimum, self._limits.maximum)
            return self._target
        if moves:
            speed = np.clip(velocity, -self._limits.velocity, self._limits.velocity)
            # There is a target, so the arm was seen once; while it isn't, nothing runs off from
            # where it was.
            lead = _LEAD * self._limits.velocity
            target = np.clip(self._target + elapsed * speed, self._seen - lead, self._seen + lead)
            self._target = np.clip(target, self._limits.minimum, self._limits.maximum)
        return self._target
