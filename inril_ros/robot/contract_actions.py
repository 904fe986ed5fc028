# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a robot takes, as a contract says it: the parts of its command and their limits."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from inril_ros.robot.contract_checks import check_motion_limits
from inril_ros.robot.contract_rules import NotNegative, Positive, STRICT, Topic
from inril_ros.robot.fields import ACTION_TYPES, field_size

# Commands are float32 on their way; far beyond any SI value the conversion would overflow.
_Limit = Annotated[float, Field(ge=-1e9, le=1e9)]


@dataclass(frozen=True, config=STRICT)
class Action:
    """One part of the command, sent on one topic.

    Attributes:
        topic: Topic the command is sent on.
        type: ROS message type.
        field: Where the values go, for example ``twist.linear``. Not for types read by joint.
        joints: Joint names, for JointTrajectory, JointJog and GripperCommand; for a
            Float64MultiArray, the joints in the controller's order.
        quantity: What the values are, where there are joints.
        minimum: Lowest value the robot may be sent, in the unit of the message.
        maximum: Highest value, likewise. The policy's -1..1 is mapped to minimum..maximum.
        position_minimum: [rad or m] For joint velocities: where they must end; with the URDF's
            limits the tighter one counts.
        position_maximum: [rad or m] Likewise.
        max_velocity: [rad/s or m/s] For joint positions: one value, or one per joint.
        max_acceleration: [/s] Highest change of a velocity command, or of joint velocities; none
            given: a velocity command may change at once.
        max_jerk: [/s^2] Likewise of the acceleration; none given: unlimited for a velocity.
        max_lead: [rad or m] How far a joint position command may be ahead of the measured one.
        horizon: Points per JointTrajectory: the step that is due and those that follow it.
        max_effort: [N or N m] For GripperCommand.
        hold: What holds the arm: ``zero`` (velocities, efforts) or ``last`` (the last command).
        frame_id: Frame of the command, where the message has a header.
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
    max_lead: Positive = 0.3
    horizon: Annotated[int, Field(ge=1, le=1000)] = 1
    max_effort: NotNegative = 0.0
    hold: Literal['zero', 'last'] = 'zero'
    frame_id: str = ''

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
        check_motion_limits(self)

    @property
    def commands_positions(self) -> bool:
        """Whether the values are positions of joints."""
        return bool(self.joints) and self.quantity == 'position'

    @property
    def length(self) -> int:
        """Number of values."""
        return len(self.minimum)
