# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A teleop device as a YAML file says it: topics, axes, speeds, its dead man's switch.

The robot contract says what a robot takes from a person; this says what a person holds. They are
two files, since a lab has one SpaceMouse and several arms. Every device has a dead man's switch:
without one it drives only where the contract lets motion itself take over.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
import yaml

from inril_ros.robot.contract.contract import Contract, explain
from inril_ros.robot.contract.reading import Lines, read_yaml
from inril_ros.robot.contract.rules import NotNegative, Positive, STRICT, Topic

#: The six directions of a twist: m/s along, rad/s about x, y, z of the action's frame.
DIRECTIONS = ('x', 'y', 'z', 'roll', 'pitch', 'yaw')
Meaning = Literal['success', 'failure', 'discard', 'ready', 'start']
_Index = Annotated[int, Field(ge=0, le=31)]
_OptionalIndex = Annotated[int, Field(ge=-1, le=31)]
_OptionalTopic = Annotated[str, Field(pattern=r'^$|^/?[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z0-9_]+)*$')]
_Speed = Annotated[float, Field(ge=-10.0, le=10.0)]
_Band = Annotated[float, Field(ge=0.0, lt=1.0)]
_Finite = Annotated[float, Field(ge=-1e6, le=1e6)]


class DeviceError(ValueError):
    """Settings of a device that can't be used, alone or with the contract."""


@dataclass(frozen=True, config=STRICT)
class Switches:
    """What is pressed: buttons of a sensor_msgs/Joy.

    Attributes:
        joy_topic: The device's own; empty: there are no buttons, and so no dead man's switch.
        deadman_button: Index of the button that must be held for any motion.
        buttons: Index of the button of each meaning: success, failure, discard, ready, start.
        gripper_axis: Index of the axis that commands the gripper, -1..1; -1: none does.
        gripper_minimum_button: Index of the button that sends the gripper to its minimum; -1:
            none.
        gripper_maximum_button: Likewise to its maximum.
    """

    joy_topic: _OptionalTopic = 'joy'
    deadman_button: _Index = 0
    buttons: dict[Meaning, _Index] = Field(default_factory=dict)
    gripper_axis: _OptionalIndex = -1
    gripper_minimum_button: _OptionalIndex = -1
    gripper_maximum_button: _OptionalIndex = -1

    def __post_init__(self) -> None:
        used = [self.deadman_button, *self.buttons.values(), *(
            index for index in (self.gripper_minimum_button, self.gripper_maximum_button)
            if index >= 0)]
        if len(set(used)) != len(used):
            raise ValueError('two buttons have the same index')


@dataclass(frozen=True, config=STRICT)
class Axis:
    """An axis of a joystick.

    Attributes:
        index: In the Joy's axes.
        speed: [m/s or rad/s] At full deflection; negative: the other way.
    """

    index: _Index
    speed: _Speed


@dataclass(frozen=True, config=STRICT)
class Joystick:
    """A gamepad or joystick, by the ``joy`` package.

    Attributes:
        device: ``joystick``.
        axes: By what they drive: x, y, z, roll, pitch, yaw, or a joint of the contract's
            ``joint_action``.
        dead_band: Share of the deflection around the middle that counts as none.
        switches: Its buttons.
        timeout: [s] A joystick that is silent for longer is let go. ``joy`` repeats itself 20
            times a second.
    """

    device: Literal['joystick'] = 'joystick'
    axes: dict[str, Axis] = Field(default_factory=lambda: {
        'x': Axis(1, 0.1), 'y': Axis(0, 0.1), 'z': Axis(4, 0.1)})
    dead_band: _Band = 0.1
    switches: Switches = Field(default_factory=lambda: Switches(deadman_button=4))
    timeout: Positive = 0.2


@dataclass(frozen=True, config=STRICT)
class SpaceMouse:
    """A SpaceMouse, by the ``spacenav`` package.

    Attributes:
        device: ``spacemouse``.
        twist_topic: What it publishes.
        type: ``geometry_msgs/msg/Twist`` or ``geometry_msgs/msg/TwistStamped``.
        full_deflection: Value of the twist at full deflection.
        linear_speed: [m/s] At full deflection along x, y, z; negative: the other way.
        angular_speed: [rad/s] Likewise about them.
        dead_band: Share of the deflection around the middle that counts as none.
        switches: Its buttons.
        timeout: [s] A device that is silent for longer is let go.
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
    timeout: Positive = 0.2


@dataclass(frozen=True, config=STRICT)
class LeaderJoint:
    """A joint of the leader arm: the follower's position is ``scale * position + offset``.

    Attributes:
        name: In the leader's JointState; empty: as the follower's.
        scale: -1 for a joint that turns the other way.
        offset: [rad or m]
    """

    name: str = ''
    scale: _Finite = 1.0
    offset: _Finite = 0.0


@dataclass(frozen=True, config=STRICT)
class LeaderGripper:
    """A joint of the leader arm that commands the gripper.

    Attributes:
        name: In the leader's JointState.
        minimum: [rad or m] Where it stands for the gripper's minimum.
        maximum: Where it stands for its maximum; may be below the minimum.
    """

    name: str
    minimum: _Finite
    maximum: _Finite

    def __post_init__(self) -> None:
        if self.minimum == self.maximum:
            raise ValueError('minimum and maximum are the same position')


@dataclass(frozen=True, config=STRICT)
class Leader:
    """A leader arm that publishes sensor_msgs/JointState.

    Attributes:
        device: ``leader``.
        topic: Of its joint states.
        joints: What stands for each joint of the contract's ``joint_action``; joints that are not
            named have the same name, direction and zero.
        gripper: A joint of it that commands the gripper.
        switches: A pedal or a handle; with ``joy_topic: ''`` the contract must say
            ``takeover: motion``.
        timeout: [s] A leader that is silent for longer is let go.
    """

    device: Literal['leader'] = 'leader'
    topic: Topic = 'leader/joint_states'
    joints: dict[str, LeaderJoint] = Field(default_factory=dict)
    gripper: LeaderGripper | None = None
    switches: Switches = Field(default_factory=Switches)
    timeout: Positive = 0.2


@dataclass(frozen=True, config=STRICT)
class JointJog:
    """Velocities of joints from another program.

    Attributes:
        device: ``joint_jog``.
        topic: What it publishes.
        type: ``control_msgs/msg/JointJog`` (where that package is installed) and
            ``sensor_msgs/msg/JointState`` name their joints; ``std_msgs/msg/Float64MultiArray``
            has those of the contract's ``joint_action`` in its order.
        scale: Factor of the velocities.
        dead_band: [rad/s or m/s] Slower counts as at rest.
        switches: A dead man's switch beside it.
        timeout: [s] A program that is silent for longer has let go.
    """

    device: Literal['joint_jog'] = 'joint_jog'
    topic: Topic = 'joint_jog'
    type: Literal['control_msgs/msg/JointJog', 'std_msgs/msg/Float64MultiArray',
                  'sensor_msgs/msg/JointState'] = 'control_msgs/msg/JointJog'
    scale: _Finite = 1.0
    dead_band: NotNegative = 0.0
    switches: Switches = Field(default_factory=Switches)
    timeout: Positive = 0.2


@dataclass(frozen=True, config=STRICT)
class Keyboard:
    """The keys of the terminal that the node runs in.

    Attributes:
        device: ``keyboard``.
        linear_speed: [m/s]
        angular_speed: [rad/s]
        joint_speed: [rad/s or m/s]
        hold: [s] How long a key counts: a terminal doesn't tell when it is let go, it only
            repeats a held key. Shorter than the pause of the keyboard's repetition, and the arm
            stops between two repetitions.
    """

    device: Literal['keyboard'] = 'keyboard'
    linear_speed: Annotated[float, Field(gt=0.0, le=1.0)] = 0.05
    angular_speed: Annotated[float, Field(gt=0.0, le=3.0)] = 0.3
    joint_speed: Annotated[float, Field(gt=0.0, le=3.0)] = 0.2
    hold: Annotated[float, Field(ge=0.05, le=1.0)] = 0.3


Device = Joystick | SpaceMouse | Leader | JointJog | Keyboard
KINDS: dict[str, type] = {'joystick': Joystick, 'spacemouse': SpaceMouse, 'leader': Leader,
                          'joint_jog': JointJog, 'keyboard': Keyboard}


def load_device(kind: str, path: str | Path = '') -> Device:
    """Return the settings of a kind of device, from a file or as they are by default.

    Raises:
        DeviceError: There is no such kind, or the file is wrong; the message says where.
    """
    if kind not in KINDS:
        raise DeviceError(f'device {kind!r} is none of {", ".join(KINDS)}')
    if not str(path):
        return KINDS[kind]()
    try:
        data, lines = read_yaml(Path(path).read_text(encoding='utf-8'))
    except OSError as error:
        raise DeviceError(f'{path}: cannot be read: {error.strerror}') from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DeviceError(f'{path}: is not YAML: {error}') from error
    return parse_device(kind, data, str(path), lines)


def parse_device(kind: str, data: Any, source: str = 'device',
                 lines: Lines | None = None) -> Device:
    """Check settings that are given as plain data.

    Raises:
        DeviceError: They break a rule; the message begins with ``source``.
    """
    if isinstance(data, dict) and data.get('device', kind) != kind:
        raise DeviceError(f'{source}: is a {data["device"]!r}, not a {kind!r}')
    try:
        return TypeAdapter(KINDS[kind]).validate_python(data)
    except ValidationError as error:
        wrong = '\n'.join(explain(item, lines) for item in error.errors())
        raise DeviceError(f'{source}:\n{wrong}') from error


def check_device(device: Device, contract: Contract) -> None:
    """Check that a device can drive a robot.

    Raises:
        DeviceError: It can't; the message says what to change.
    """
    rules, kind = contract.teleoperation, device.device
    switches: Switches | None = getattr(device, 'switches', None)
    inputs = {getattr(device, 'twist_topic', ''), getattr(device, 'topic', ''),
              switches.joy_topic if switches else ''} - {''}
    both = inputs & {rules.twist_topic, rules.joy_topic, rules.joint_topic}
    if both:
        raise DeviceError(
            f'{kind}: {sorted(both)} is read by the robot itself, as the contract says: it needs '
            'no teleop_node; or give the contract other topics (teleoperation: twist_topic, '
            'joy_topic, joint_topic)')
    if switches is not None and not switches.joy_topic and rules.takeover != 'motion':
        raise DeviceError(f"{kind}: has no dead man's switch (switches.joy_topic is empty), and "
                          'the contract does not say teleoperation.takeover: motion')
    joints = contract.actions[rules.joint_action].joints if rules.joint_action else ()
    if kind in ('leader', 'joint_jog') and not joints:
        raise DeviceError(f'{kind}: the contract has no teleoperation.joint_action for it')
    if kind == 'spacemouse' and not (rules.twist_action or rules.rotation_action):
        raise DeviceError(f'{kind}: the contract has no teleoperation.twist_action for it')
    if kind == 'keyboard' and not (rules.twist_action or rules.rotation_action or joints):
        raise DeviceError(f'{kind}: the contract has neither twist_action nor joint_action in '
                          'teleoperation: there is nothing to drive')
    named = {'joystick': getattr(device, 'axes', {}), 'leader': getattr(device, 'joints', {})}
    allowed = {*joints, *(DIRECTIONS[:3] if kind == 'joystick' and rules.twist_action else ()),
               *(DIRECTIONS[3:] if kind == 'joystick' and rules.rotation_action else ())}
    unknown = sorted(set(named.get(kind, {})) - allowed)
    if unknown:
        raise DeviceError(f'{kind}: drives {unknown}, which is none of {sorted(allowed)}')
    missing = sorted(meaning for meaning in (switches.buttons if switches else ())
                     if getattr(rules, f'{meaning}_button') < 0)
    if missing:
        raise DeviceError(f'{kind}: has buttons for {missing}, and the contract none: give '
                          f'teleoperation.{missing[0]}_button an index')
