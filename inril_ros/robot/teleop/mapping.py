# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From the messages of a device to a person's command: axes, dead bands, joints, jogging.

Times are passed in. Only finite numbers get through.
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
    LeaderJoint,
    SpaceMouse,
    Switches,
)

_LEAD = 0.3  # [s] of motion at full speed: the most that jogged joints are ahead of the arm


@dataclass(frozen=True)
class DeviceCommand:
    """A person's command at one moment.

    Attributes:
        twist: (6,) Velocities along [m/s] and about [rad/s] x, y, z.
        joint_velocity: (n,) Velocities of the contract's ``joint_action``, per s; None if none.
        joint_position: (n,) Positions of the contract's ``joint_action`` [rad or m]; None if none.
        gripper: -1..1, from the minimum to the maximum of the gripper's action; None if unchanged.
        held: Whether the dead man's switch is held.
        pressed: Meanings of the buttons that are down.
    """

    twist: np.ndarray = field(default_factory=lambda: np.zeros(6))
    joint_velocity: np.ndarray | None = None
    joint_position: np.ndarray | None = None
    gripper: float | None = None
    held: bool = False
    pressed: frozenset[str] = frozenset()


#: The command of a device that is released, or silent.
RELEASED = DeviceCommand()


def dead_banded(value: float, band: float) -> float:
    """Return a deflection -1..1 that is 0 within a dead band, and grows from 0 at its edge.

    A value that isn't finite counts as 0, one beyond full deflection as full.
    """
    if not math.isfinite(value) or abs(value) <= band:
        return 0.0
    return math.copysign(min((abs(value) - band) / (1.0 - band), 1.0), value)


def with_switches(
    command: DeviceCommand, switches: Switches, axes: Sequence[float], buttons: Sequence[int],
) -> DeviceCommand:
    """Return a command with the gripper and the buttons of a Joy message."""
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
    """Return the command of a joystick's Joy message.

    Args:
        settings: The joystick's settings.
        joints: Joints of the contract's ``joint_action``.
        axes: The message's axes, -1..1; a missing one counts as 0.
        buttons: The message's buttons.
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
    """Return the command of a SpaceMouse's published twist, linear (3,) and angular (3,).

    Its buttons are added by ``with_switches``.
    """
    speeds = (*settings.linear_speed, *settings.angular_speed)
    return DeviceCommand(twist=np.array([
        speed * dead_banded(value / settings.full_deflection, settings.dead_band)
        for speed, value in zip(speeds, (*linear, *angular), strict=True)]))


def leader_command(
    settings: Leader, joints: Sequence[str], positions: Mapping[str, float],
) -> DeviceCommand:
    """Return the command of a leader arm's joints; ``with_switches`` adds its buttons.

    Args:
        settings: The leader's settings.
        joints: Joints of the contract's ``joint_action``.
        positions: [rad or m] Positions by the leader's joint.

    Raises:
        ValueError: A joint is missing, or its position isn't finite; the message names it.
    """
    def position(name: str) -> float:
        value = positions.get(name)
        if value is None or not math.isfinite(value):
            raise ValueError(f'no position of joint {name!r}; it has {sorted(positions)}')
        return value

    entries = {joint: settings.joints.get(joint, LeaderJoint()) for joint in joints}
    wanted = [entry.scale * position(entry.name or joint) + entry.offset
              for joint, entry in entries.items()]
    gripper = None
    if settings.gripper is not None:
        low, high = settings.gripper.minimum, settings.gripper.maximum
        share = (position(settings.gripper.name) - low) / (high - low)
        gripper = min(max(2.0 * share - 1.0, -1.0), 1.0)
    return DeviceCommand(joint_position=np.array(wanted), gripper=gripper)


class JointJogger:
    """Joint positions (n,) that follow jogged velocities.

    They start at the measured positions, keep to the contract's limits, and never run far ahead of
    the arm, even if something holds it: it rests soon after the velocities do.

    Args:
        contract: The robot's contract, with a ``joint_action``.
        longest: [s] A longer pause between two calls counts as this long.
    """

    def __init__(self, contract: Contract, longest: float = 0.1) -> None:
        rules = contract.teleoperation
        self._limits = limits_of(contract.actions[rules.joint_action])
        self._patience = rules.release_after
        self._longest = longest
        self._target: np.ndarray | None = None
        self._seen: np.ndarray | None = None  # the last measurement
        self._last = -math.inf
        self._asked = -math.inf

    def step(self, now: float, velocity: np.ndarray | None, held: bool,
             measured: np.ndarray | None) -> np.ndarray | None:
        """Return the positions (n,) to command; None while the arm's position is unknown.

        Args:
            now: [s] Time of a steady clock.
            velocity: (n,) Jogged velocities, per s; None if none.
            held: Whether the dead man's switch is held.
            measured: (n,) Positions of the arm; None if unknown.
        """
        elapsed = min(max(now - self._last, 0.0), self._longest)
        self._last = now
        if measured is not None:
            self._seen = measured
        moves = velocity is not None and np.isfinite(velocity).all() and np.any(velocity)
        if moves:
            self._asked = now
        # The arm is driven while a switch is held, and shortly after it was asked to move.
        driven = held or now - self._asked <= self._patience
        if self._target is None or not driven:
            self._target = None if measured is None else np.clip(
                measured, self._limits.minimum, self._limits.maximum)
            return self._target
        if moves:
            speed = np.clip(velocity, -self._limits.velocity, self._limits.velocity)
            lead = _LEAD * self._limits.velocity
            target = np.clip(self._target + elapsed * speed, self._seen - lead, self._seen + lead)
            self._target = np.clip(target, self._limits.minimum, self._limits.maximum)
        return self._target
