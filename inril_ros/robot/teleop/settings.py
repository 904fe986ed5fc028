# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings of a teleop device, from a YAML file: topics, axes, speeds, its dead man's switch.

The contract describes the commands that a robot takes from a person; a lab may use one device for
several arms. Without a dead man's switch a contract must let motion itself take over.
"""

from pathlib import Path
from typing import Annotated, Any, get_args, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.rules import (
    Index,
    NotNegative,
    OptionalIndex,
    OptionalTopic,
    Positive,
    STRICT,
    Topic,
)
from inril_ros.robot.settings_check import checked
from inril_ros.robot.yaml_file import Lines, load_yaml

#: The six directions of a twist: m/s along, rad/s about x, y, z of the action's frame.
DIRECTIONS = ('x', 'y', 'z', 'roll', 'pitch', 'yaw')
Meaning = Literal['success', 'failure', 'discard', 'ready', 'start']
_Speed = Annotated[float, Field(ge=-10.0, le=10.0)]
_Band = Annotated[float, Field(ge=0.0, lt=1.0)]
_Finite = Annotated[float, Field(ge=-1e6, le=1e6)]


class DeviceError(ValueError):
    """The settings of a device can't be used, alone or with the contract."""


@dataclass(frozen=True, config=STRICT)
class Switches:
    """Buttons of a sensor_msgs/Joy.

    Attributes:
        joy_topic: Topic of the buttons; empty if there are none, and no dead man's switch.
        deadman_button: Index of the button that must be held for any motion.
        buttons: Index of the button for each meaning: success, failure, discard, ready, start.
        gripper_axis: Index of the axis that commands the gripper, -1..1; -1 if none does.
        gripper_minimum_button: Index of the button that moves it to its minimum; -1 if none does.
        gripper_maximum_button: Index of the button that moves it to its maximum; -1 if none does.
    """

    joy_topic: OptionalTopic = 'joy'
    deadman_button: Index = 0
    buttons: dict[Meaning, Index] = Field(default_factory=dict)
    gripper_axis: OptionalIndex = -1
    gripper_minimum_button: OptionalIndex = -1
    gripper_maximum_button: OptionalIndex = -1

    def __post_init__(self) -> None:
        used = [index for index in (
            self.deadman_button, *self.buttons.values(), self.gripper_minimum_button,
            self.gripper_maximum_button) if index >= 0]
        if len(set(used)) != len(used):
            raise ValueError('two buttons have the same index')


@dataclass(frozen=True, config=STRICT)
class Axis:
    """An axis of a joystick.

    Attributes:
        index: Index in the Joy's axes.
        speed: [m/s or rad/s] Speed at full deflection; negative to reverse the direction.
    """

    index: Index
    speed: _Speed


@dataclass(frozen=True, config=STRICT)
class _Device:
    """A device that publishes messages.

    Attributes:
        switches: Its buttons.
        timeout: [s] A device that is silent for longer counts as released; joy sends at 20 Hz.
    """

    switches: Switches = Field(default_factory=Switches)
    timeout: Positive = 0.2


@dataclass(frozen=True, config=STRICT)
class Joystick(_Device):
    """A gamepad or joystick, by the ``joy`` package.

    Attributes:
        device: ``joystick``.
        axes: Axes by what they drive: x, y, z, roll, pitch, yaw, or a joint of the contract's
            ``joint_action``.
        dead_band: Share of the deflection around the middle that counts as none.
    """

    device: Literal['joystick'] = 'joystick'
    axes: dict[str, Axis] = Field(default_factory=lambda: {
        'x': Axis(1, 0.1), 'y': Axis(0, 0.1), 'z': Axis(4, 0.1)})
    dead_band: _Band = 0.1
    switches: Switches = Field(default_factory=lambda: Switches(deadman_button=4))


@dataclass(frozen=True, config=STRICT)
class SpaceMouse(_Device):
    """A SpaceMouse, by the ``spacenav`` package.

    Attributes:
        device: ``spacemouse``.
        twist_topic: Topic of its twist.
        type: ``geometry_msgs/msg/Twist`` or ``geometry_msgs/msg/TwistStamped``.
        full_deflection: Value of the twist at full deflection.
        linear_speed: [m/s] Speed at full deflection along x, y, z; negative to reverse it.
        angular_speed: [rad/s] Speed at full deflection about x, y, z; negative to reverse it.
        dead_band: Share of the deflection around the middle that counts as none.
    """

    device: Literal['spacemouse'] = 'spacemouse'
    twist_topic: Topic = 'spacenav/twist'
    type: Literal['geometry_msgs/msg/Twist', 'geometry_msgs/msg/TwistStamped'] = (
        'geometry_msgs/msg/Twist')
    full_deflection: Positive = 0.68
    linear_speed: tuple[_Speed, _Speed, _Speed] = (0.15, 0.15, 0.15)
    angular_speed: tuple[_Speed, _Speed, _Speed] = (0.5, 0.5, 0.5)
    dead_band: _Band = 0.1
    switches: Switches = Field(default_factory=lambda: Switches(joy_topic='spacenav/joy'))


@dataclass(frozen=True, config=STRICT)
class LeaderJoint:
    """A joint of the leader arm: the follower's position is ``scale * position + offset``.

    Attributes:
        name: Name in the leader's JointState; empty if it is the follower's.
        scale: Factor; -1 for a joint that turns the other way.
        offset: [rad or m] Position of the follower where the leader is at 0.
    """

    name: str = ''
    scale: _Finite = 1.0
    offset: _Finite = 0.0


@dataclass(frozen=True, config=STRICT)
class LeaderGripper:
    """A joint of the leader arm that commands the gripper.

    Attributes:
        name: Name in the leader's JointState.
        minimum: [rad or m] Position that stands for the gripper's minimum.
        maximum: [rad or m] Position that stands for its maximum; may be below ``minimum``.
    """

    name: str
    minimum: _Finite
    maximum: _Finite

    def __post_init__(self) -> None:
        if self.minimum == self.maximum:
            raise ValueError('minimum and maximum are the same position')


@dataclass(frozen=True, config=STRICT)
class Leader(_Device):
    """A leader arm that publishes sensor_msgs/JointState; its switch is a pedal or a handle.

    Attributes:
        device: ``leader``.
        topic: Topic of its joint states.
        joints: Leader joint for each joint of the contract's ``joint_action``; a joint that is
            not listed has the same name, direction and zero.
        gripper: Joint that commands the gripper.
    """

    device: Literal['leader'] = 'leader'
    topic: Topic = 'leader/joint_states'
    joints: dict[str, LeaderJoint] = Field(default_factory=dict)
    gripper: LeaderGripper | None = None


@dataclass(frozen=True, config=STRICT)
class JointJog(_Device):
    """Joint velocities from another program, with a dead man's switch beside it.

    Attributes:
        device: ``joint_jog``.
        topic: Topic of the velocities.
        type: ``control_msgs/msg/JointJog`` (if that package is installed) and
            ``sensor_msgs/msg/JointState`` name their joints; ``std_msgs/msg/Float64MultiArray``
            has those of the contract's ``joint_action``, in its order.
        scale: Factor of the velocities.
        dead_band: [rad/s or m/s] A lower speed counts as at rest.
    """

    device: Literal['joint_jog'] = 'joint_jog'
    topic: Topic = 'joint_jog'
    type: Literal['control_msgs/msg/JointJog', 'std_msgs/msg/Float64MultiArray',
                  'sensor_msgs/msg/JointState'] = 'control_msgs/msg/JointJog'
    scale: _Finite = 1.0
    dead_band: NotNegative = 0.0


@dataclass(frozen=True, config=STRICT)
class Keyboard:
    """The keys of the terminal that the node runs in.

    Attributes:
        device: ``keyboard``.
        linear_speed: [m/s] Speed along an axis.
        angular_speed: [rad/s] Speed about an axis.
        joint_speed: [rad/s or m/s] Speed of a joint.
        hold: [s] How long a key counts after each character: a terminal reports no release, it
            only repeats a held key. If this is shorter than the keyboard's repetition, the arm
            stops between two characters.
    """

    device: Literal['keyboard'] = 'keyboard'
    linear_speed: Annotated[float, Field(gt=0.0, le=1.0)] = 0.05
    angular_speed: Annotated[float, Field(gt=0.0, le=3.0)] = 0.3
    joint_speed: Annotated[float, Field(gt=0.0, le=3.0)] = 0.2
    hold: Annotated[float, Field(ge=0.05, le=1.0)] = 0.3


Device = Joystick | SpaceMouse | Leader | JointJog | Keyboard
KINDS: dict[str, type] = {kind.device: kind for kind in get_args(Device)}


def load_device(kind: str, path: str | Path = '') -> Device:
    """Return the settings of a kind of device, from a file or the defaults.

    Raises:
        DeviceError: There is no such kind, or the file is wrong; the message says where.
    """
    if kind not in KINDS:
        raise DeviceError(f'device {kind!r} is none of {", ".join(KINDS)}')
    if not str(path):
        return KINDS[kind]()
    data, lines = load_yaml(path, DeviceError)
    return parse_device(kind, data, str(path), lines)


def parse_device(kind: str, data: Any, source: str = 'device',
                 lines: Lines | None = None) -> Device:
    """Check settings that are given as plain data.

    Raises:
        DeviceError: They break a rule; the message begins with ``source``.
    """
    if isinstance(data, dict) and data.get('device', kind) != kind:
        raise DeviceError(f'{source}: is a {data["device"]!r}, not a {kind!r}')
    return checked(KINDS[kind], data, source, DeviceError, lines)


def check_device(device: Device, contract: Contract) -> None:
    """Check that a device can drive a robot.

    Raises:
        DeviceError: It can't; the message says what to change.
    """
    rules, kind = contract.teleoperation, device.device
    switches: Switches | None = getattr(device, 'switches', None)
    inputs = {getattr(device, 'twist_topic', ''), getattr(device, 'topic', ''),
              switches.joy_topic if switches else ''}
    both = inputs & {rules.twist_topic, rules.joy_topic, rules.joint_topic}
    if both:
        raise DeviceError(
            f'{kind}: {sorted(both)} is read by the robot itself: it needs no teleop_node, or '
            'other topics in the contract (teleoperation: twist_topic, joy_topic, joint_topic)')
    if switches is not None and not switches.joy_topic and rules.takeover != 'motion':
        raise DeviceError(f"{kind}: has no dead man's switch (switches.joy_topic is empty), and "
                          'the contract does not say teleoperation.takeover: motion')
    joints = contract.actions[rules.joint_action].joints if rules.joint_action else ()
    twist = rules.twist_action or rules.rotation_action
    if kind in ('leader', 'joint_jog') and not joints:
        raise DeviceError(f'{kind}: the contract has no teleoperation.joint_action for it')
    if kind == 'spacemouse' and not twist:
        raise DeviceError(f'{kind}: the contract has no teleoperation.twist_action for it')
    if kind == 'keyboard' and not (twist or joints):
        raise DeviceError(f'{kind}: there is nothing to drive: the contract has neither '
                          'teleoperation.twist_action nor joint_action')
    allowed = set(joints)
    if kind == 'joystick':
        allowed.update(DIRECTIONS[:3] if rules.twist_action else (),
                       DIRECTIONS[3:] if rules.rotation_action else ())
    named = {**getattr(device, 'axes', {}), **getattr(device, 'joints', {})}
    unknown = sorted(named.keys() - allowed)
    if unknown:
        raise DeviceError(f'{kind}: drives {unknown}, which is none of {sorted(allowed)}')
    missing = sorted(meaning for meaning in (switches.buttons if switches else ())
                     if getattr(rules, f'{meaning}_button') < 0)
    if missing:
        raise DeviceError(f'{kind}: has buttons for {missing}, and the contract none: give '
                          f'teleoperation.{missing[0]}_button an index')
