# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a robot takes: the parts of its command, with their limits."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from inril_ros.robot.contract.fields import ACTION_TYPES, field_size
from inril_ros.robot.contract.rules import NotNegative, Positive, STRICT, Topic

# The only quantity that a type can carry.
_QUANTITIES = {'control_msgs/msg/JointJog': 'velocity',
               'control_msgs/action/GripperCommand': 'position'}
# Commands are converted to float32, which would overflow far beyond any SI value.
_Limit = Annotated[float, Field(ge=-1e9, le=1e9)]


@dataclass(frozen=True, config=STRICT)
class Action:
    """One part of the command, sent on one topic.

    Attributes:
        topic: Topic the command is sent on.
        type: ROS message type.
        field: Path of the values in the message, for example ``twist.linear``. Not for types with
            joint names.
        joints: Joint names, for JointTrajectory, JointJog and GripperCommand; for a
            Float64MultiArray, the joints in the controller's order.
        quantity: Quantity of the joints: ``position``, ``velocity`` or ``effort``.
        minimum: Lowest values that may be sent, in the unit of the message.
        maximum: Highest values that may be sent. The policy's -1..1 is mapped to minimum..maximum.
        position_minimum: [rad or m] Lowest joint positions, for joint velocities. The tighter one
            of this and the URDF's limit counts.
        position_maximum: [rad or m] Highest joint positions, for joint velocities.
        max_velocity: [rad/s or m/s] Highest joint speed, for joint positions: one value, or one
            per joint.
        max_acceleration: [/s] Highest rate of change of a velocity command, or of the joints'
            velocity. Without it a velocity command may change at once.
        max_jerk: [/s^2] Highest rate of change of the acceleration. Without it a velocity
            command's is unlimited.
        max_lead: [rad or m] How far a joint position command may be ahead of the measurement: one
            value, or one per joint.
        horizon: Number of points per JointTrajectory: the step that is due and those after it.
        max_effort: [N or N m] Highest effort, for GripperCommand.
        hold: What holds the arm: ``zero`` (velocities, efforts) or ``last`` (the last command).
        frame_id: Frame of the command, if the message has a header.
        measured_by: Names of the observations that measure the positions of the joints. Needed
            only where joints of these names are measured on several topics, as those of two arms
            of the same kind are.
    """

    topic: Topic
    type: Literal[ACTION_TYPES]
    minimum: tuple[_Limit, ...]
    maximum: tuple[_Limit, ...]
    field: str = ''
    joints: tuple[str, ...] = ()
    quantity: Literal['position', 'velocity', 'effort'] = 'position'
    position_minimum: tuple[_Limit, ...] = ()
    position_maximum: tuple[_Limit, ...] = ()
    max_velocity: tuple[Positive, ...] = ()
    max_acceleration: tuple[Positive, ...] = ()
    max_jerk: tuple[Positive, ...] = ()
    max_lead: Positive | tuple[Positive, ...] = 0.3
    horizon: Annotated[int, Field(ge=1, le=1000)] = 1
    max_effort: NotNegative = 0.0
    hold: Literal['zero', 'last'] = 'zero'
    frame_id: str = ''
    measured_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        size = field_size(self.type, self.field, self.joints, len(self.minimum))
        if len(self.minimum) != size or len(self.maximum) != size:
            raise ValueError(
                f'minimum has {len(self.minimum)} and maximum {len(self.maximum)} values: '
                f'{self.type} {self.field or list(self.joints)} needs {size} of each')
        for low, high in zip(self.minimum, self.maximum, strict=True):
            if not low < high:
                raise ValueError(f'minimum {low} is not below maximum {high}')
            if self.hold == 'zero' and not low <= 0.0 <= high:
                raise ValueError(f'hold is zero, which is not within {low}..{high}')
        if self.hold == 'zero' and self.commands_positions:
            raise ValueError('hold is zero, which would move the joints to position 0: '
                             'positions are held by last')
        _check_motion_limits(self)

    @property
    def commands_positions(self) -> bool:
        """Whether the values are positions of joints."""
        return bool(self.joints) and self.quantity == 'position'

    @property
    def leads(self) -> tuple[float, ...]:
        """``max_lead`` of each joint."""
        lead = self.max_lead
        return lead if isinstance(lead, tuple) else (lead,) * self.length

    @property
    def length(self) -> int:
        """Number of values."""
        return len(self.minimum)


def _check_motion_limits(action: Action) -> None:
    """Check the limits of motion of an action.

    Raises:
        ValueError: A limit doesn't apply to such an action, or has the wrong number of values.
    """
    needed = _QUANTITIES.get(action.type, action.quantity)
    if action.quantity != needed:
        raise ValueError(f'{action.type} commands the {needed} of joints, not the '
                         f'{action.quantity}')
    if action.type == 'control_msgs/action/GripperCommand' and action.length != 1:
        raise ValueError(f'{action.type} commands one joint, {list(action.joints)} are named')
    if action.horizon > 1 and not (
            action.commands_positions and action.type == 'trajectory_msgs/msg/JointTrajectory'):
        raise ValueError('horizon is for joint positions in a JointTrajectory')
    _check_position_limits(action)
    for name in ('max_velocity', 'max_acceleration', 'max_jerk'):
        count = len(getattr(action, name))
        if count not in (0, 1, action.length):
            raise ValueError(f'{name} has {count} values: 1 is needed, or {action.length}')
    if len(action.leads) != action.length:
        raise ValueError(f'max_lead has {len(action.leads)} values: one number is needed, or '
                         f'{action.length} in a list')
    if action.max_velocity and not action.commands_positions:
        raise ValueError('max_velocity is for joint positions; minimum and maximum limit others')
    if action.joints and action.quantity == 'effort' and (
            action.max_acceleration or action.max_jerk):
        raise ValueError('max_acceleration and max_jerk do not apply to efforts')
    if action.max_jerk and not action.max_acceleration and not action.commands_positions:
        raise ValueError('max_jerk needs max_acceleration')


def _check_position_limits(action: Action) -> None:
    low, high = action.position_minimum, action.position_maximum
    if not low and not high:
        return
    if not action.joints or action.quantity != 'velocity':
        raise ValueError('position_minimum and position_maximum are for joint velocities')
    if len(low) != action.length or len(high) != action.length:
        raise ValueError(f'position_minimum has {len(low)} and position_maximum {len(high)} '
                         f'values: {list(action.joints)} need {action.length} of each')
    for least, most in zip(low, high, strict=True):
        if not least < most:
            raise ValueError(f'position_minimum {least} is not below position_maximum {most}')
