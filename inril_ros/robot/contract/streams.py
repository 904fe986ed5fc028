# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a robot gives: observations, what is computed from them, and camera images."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from inril_ros.robot.contract.fields import (
    check_alignment,
    field_size,
    has_no_header,
    holds_rotation,
    is_known,
    JOINT_STATE,
    MessageType,
    TRAJECTORY,
    TRANSFORMS,
)
from inril_ros.robot.contract.rules import NotNegative, Positive, STRICT, Topic

_Ticks = Annotated[int, Field(ge=1, le=1000)]
_Pixels = Annotated[int, Field(ge=8, le=512)]


@dataclass(frozen=True, config=STRICT)
class Observation:
    """One quantity read from one topic.

    Attributes:
        topic: Topic it is read from, relative to the robot's namespace.
        type: ROS message type, for example ``geometry_msgs/msg/PoseStamped``. A type that this
            package doesn't know needs ``field`` and ``size``.
        field: Path in the message, for example ``pose.position``. Not for types with joint names.
        joints: Joint names, for JointState and JointTrajectory. Values are found by name, never
            by order.
        quantity: Quantity of the joints: ``position``, ``velocity`` or ``effort``.
        align: How the value at the time of a frame is found. ``hold``: the newest value at or
            before that time. ``interpolate``: between the two values around it. ``slerp``: the
            same for orientations and poses.
        max_age: [s] An older value makes the frame invalid.
        size: Number of values, for arrays whose length the type doesn't fix.
        frozen_after: [s] In real time, values that are exactly the same for longer are a fault.
            0: never, because an arm at rest without noise sends such values.
        clock: Time of a value: ``header`` for the sender's stamp, ``receive`` for its arrival.
        latency: [s] How much older a value is than its time says, for example because of a
            camera's exposure and transfer. It is subtracted.
        latched: Whether the topic is sent once and kept for later subscribers (transient local).
        parent: Parent frame, for TF.
        child: Child frame, for TF; its pose in the parent frame is observed.
        quaternion: Whether the values, 4 or 7, end with a quaternion x y z w. By default that is
            so where the field's name ends in pose, transform, orientation, rotation or
            quaternion, and for slerp. A message whose quaternion has another length than 1 is
            refused.
        continuous: Joints that turn without end, whose positions [rad] are known up to whole
            turns. By default every joint may jump by a turn from one sample to the next, unless
            it is commanded beyond two turns: a step of more than half a turn is taken the short
            way. [] for joints that never jump, such as those in another unit.
    """

    topic: Topic
    type: MessageType
    field: str = ''
    joints: tuple[str, ...] = ()
    quantity: Literal['position', 'velocity', 'effort'] = 'position'
    align: Literal['hold', 'interpolate', 'slerp'] = 'hold'
    max_age: Positive = 0.1
    size: Annotated[int, Field(ge=0, le=1024)] = 0
    frozen_after: NotNegative = 0.0
    clock: Literal['header', 'receive'] = 'header'
    latency: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0
    latched: bool = False
    parent: str = ''
    child: str = ''
    quaternion: bool | None = None
    continuous: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        check_alignment(self.type, self.field, self.align, self.has_quaternion)
        by_name = holds_rotation(self.type, self.field, self.length)
        if self.quaternion and (self.joints or self.length not in (4, 7)):
            raise ValueError('quaternion: true is for 4 values, or 7 of a pose; here are '
                             f'{self.length}{" of joints" if self.joints else ""}')
        if self.quaternion is False and by_name and is_known(self.type):
            raise ValueError(f'quaternion: false, but {self.type} {self.field} has a quaternion')
        unknown = [joint for joint in self.continuous or () if joint not in self.joints]
        if unknown:
            raise ValueError(f'continuous names {unknown}, which are none of the joints '
                             f'{list(self.joints)}')
        if self.continuous is not None and self.quantity != 'position':
            raise ValueError(f'continuous is for positions, not for {self.quantity}')
        if self.clock == 'header' and has_no_header(self.type):
            raise ValueError(f'{self.type} has no header, so no time of its own: '
                             'write clock: receive')
        if (self.type == TRANSFORMS) != bool(self.parent and self.child):
            raise ValueError(f'parent and child are needed for {TRANSFORMS}, and only for it')
        if self.type == TRANSFORMS and self.parent == self.child:
            raise ValueError(f'parent and child are the same frame, {self.child!r}')
        if self.type == TRANSFORMS and self.clock == 'receive':
            raise ValueError(f'{TRANSFORMS} has a time for each transform: clock must be header')

    @cached_property
    def length(self) -> int:
        """Number of values."""
        return field_size(self.type, self.field, self.joints, self.size)

    @property
    def comes_by_joint(self) -> bool:
        """Whether messages name their joints, so that each may have only some of them."""
        return self.type in (JOINT_STATE, TRAJECTORY)

    @cached_property
    def has_quaternion(self) -> bool:
        """Whether the last four values are a quaternion x y z w."""
        if self.quaternion is not None:
            return self.quaternion
        turned = self.align == 'slerp' and not is_known(self.type) and self.length in (4, 7)
        return turned or holds_rotation(self.type, self.field, self.length)

    @property
    def is_pose(self) -> bool:
        """Whether the values are a position and a quaternion (x y z, x y z w)."""
        return self.length == 7 and self.has_quaternion


@dataclass(frozen=True, config=STRICT)
class Derived:
    """A quantity computed from observations, in exactly one of eight ways.

    The names are those of observations or of other derived quantities.

    Attributes:
        difference: ``[a, b]`` gives a - b; both have the same length.
        relative: ``[a, b]`` gives the pose a in the frame of the pose b (x y z, x y z w); both
            poses are in the same frame.
        part: ``a`` gives the values of a at ``indices``, such as the height of a position.
        rotation_6d: ``a`` gives the orientation or pose a with the first two columns of its
            rotation matrix, six numbers, in place of the quaternion: one rotation, one value.
        cos_sin: ``a`` gives cosine and sine of each angle [rad] in a, which jump nowhere.
        change: ``a`` gives the change of a during the last ``ticks`` ticks.
        previous: ``a`` gives the value of a ``ticks`` ticks ago.
        history: ``a`` gives the values of a at the last ``ticks`` ticks, the present one last.
        indices: Indices of the values of a, from 0, for part.
        ticks: Number of ticks, for change, previous and history. Before an episode's first tick
            every value counts as the same as at that tick.
        scale: Factor. A normaliser has a lower bound for its deviations; a quantity that is small
            by nature, such as a change within one tick, would vanish below it.
    """

    difference: tuple[str, str] | None = None
    relative: tuple[str, str] | None = None
    part: str | None = None
    rotation_6d: str | None = None
    cos_sin: str | None = None
    change: str | None = None
    previous: str | None = None
    history: str | None = None
    indices: tuple[Annotated[int, Field(ge=0)], ...] = ()
    ticks: _Ticks = 1
    scale: Positive = 1.0

    def __post_init__(self) -> None:
        forms = ('difference', 'relative', 'part', 'rotation_6d', 'cos_sin', 'change',
                 'previous', 'history')
        given = [name for name in forms if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f'has {given or "nothing"}: give exactly one of {", ".join(forms)}')
        if bool(self.part) != bool(self.indices):
            raise ValueError('part and indices belong together: which values of which quantity')
        if len(set(self.indices)) < len(self.indices):
            raise ValueError(f'indices has a value twice: {list(self.indices)}')
        if self.history and self.ticks < 2:
            raise ValueError('history needs ticks: the number of values, at least 2')
        if self.ticks != 1 and not (self.change or self.previous or self.history):
            raise ValueError(f'{given[0]} has no use for ticks')
        if self.relative and self.scale != 1.0:
            raise ValueError('relative is a pose, whose quaternion has no scale')

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the quantities it is computed from."""
        return self.difference or self.relative or (
            self.part or self.rotation_6d or self.cos_sin or self.change or self.previous
            or self.history,)

    @property
    def memory(self) -> int:
        """Number of earlier ticks of its input that it needs."""
        if self.history:
            return self.ticks - 1
        return self.ticks if self.change or self.previous else 0


def _image_type(kind: object) -> object:
    """Refuse types that only an import reads, with what to write instead."""
    if str(kind).startswith(('foxglove_msgs/', 'ffmpeg_image_transport_msgs/')):
        raise ValueError('is read by an import only, which turns it into images: write '
                         'sensor_msgs/msg/CompressedImage, and name the topic of the bag in a '
                         'mapping; live, let image_transport republish it as compressed')
    return kind


@dataclass(frozen=True, config=STRICT)
class Camera:
    """A camera that is recorded.

    Attributes:
        topic: Topic of the images.
        width: [pixel] Image width.
        height: [pixel] Image height.
        rate: [Hz] Nominal rate.
        type: ``sensor_msgs/msg/CompressedImage`` or ``sensor_msgs/msg/Image``. An import turns
            video and the images of foxglove_msgs in a bag into these.
        depth_range: [m] Nearest and farthest visible depth, for a depth camera.
        latency: [s] How much older an image is than its stamp says. It is subtracted.
    """

    topic: Topic
    width: Annotated[int, Field(gt=0, le=4096)]
    height: Annotated[int, Field(gt=0, le=4096)]
    rate: Positive = 30.0
    type: Annotated[Literal['sensor_msgs/msg/CompressedImage', 'sensor_msgs/msg/Image'],
                    BeforeValidator(_image_type)] = 'sensor_msgs/msg/CompressedImage'
    depth_range: tuple[NotNegative, Positive] | None = None
    latency: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0

    def __post_init__(self) -> None:
        if self.depth_range is not None and not self.depth_range[0] < self.depth_range[1]:
            raise ValueError(f'depth_range {list(self.depth_range)}: the first is not below '
                             'the second')


@dataclass(frozen=True, config=STRICT)
class PolicyImages:
    """The images of a policy observation.

    Cameras differ in size and rate, and networks need one size.

    Attributes:
        cameras: Names of cameras, in the order in which the policy gets their images.
        width: [pixel] Width to which all images are scaled.
        height: [pixel] Height to which all images are scaled.
        max_age: [s] An older image makes the frame invalid. At least the camera's period.
    """

    cameras: Annotated[tuple[str, ...], Field(min_length=1, max_length=8)]
    width: _Pixels = 128
    height: _Pixels = 128
    max_age: Positive = 0.2

    def __post_init__(self) -> None:
        if len(set(self.cameras)) != len(self.cameras):
            raise ValueError(f'cameras: {list(self.cameras)} names one twice')
