# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a robot gives, as a contract says it: observations, what is derived from them, cameras."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from inril_ros.robot.contract.fields import (
    check_alignment,
    field_size,
    has_no_header,
    holds_rotation,
    MessageType,
    TRANSFORMS,
)
from inril_ros.robot.contract.rules import NotNegative, Positive, STRICT, Topic

_Ticks = Annotated[int, Field(ge=1, le=1000)]


@dataclass(frozen=True, config=STRICT)
class Observation:
    """One quantity read from one topic.

    Attributes:
        topic: Topic it is read from, relative to the robot's namespace.
        type: ROS message type, for example ``geometry_msgs/msg/PoseStamped``. A type that isn't
            listed here is read by ``field`` and ``size``.
        field: Where in the message, for example ``pose.position``. Not for types read by joint.
        joints: Joint names, for JointState and JointTrajectory: values are looked up by name,
            never by order.
        quantity: ``position``, ``velocity`` or ``effort``, where there are joints.
        align: How a value is found at the instant of a frame. ``hold``: the newest one at or
            before it. ``interpolate``: between the two around it. ``slerp``: likewise, for
            orientations and poses.
        max_age: [s] An older value makes the frame invalid.
        size: Number of values; only for arrays whose length the type doesn't tell.
        frozen_after: [s] In real time, values that are the same to the bit for longer are a fault.
            0: never, since an arm without noise at rest is one of those.
        clock: When a value is from: ``header``, the sender's stamp, or ``receive``, when it came.
        latency: [s] How much older a value is than its time says, for example a camera's
            exposure and transfer. It is subtracted.
        latched: The topic is sent once and kept for those who join later (transient local).
        parent: For TF: frame in which
        child: this frame is given.
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

    def __post_init__(self) -> None:
        check_alignment(self.type, self.field, self.align, self.length)
        if self.clock == 'header' and has_no_header(self.type):
            raise ValueError(f'{self.type} has no header, so no time of its own: '
                             'write clock: receive')
        if (self.type == TRANSFORMS) != bool(self.parent and self.child):
            raise ValueError(f'parent and child are two frames, for {TRANSFORMS} and only for it')
        if self.type == TRANSFORMS and self.parent == self.child:
            raise ValueError(f'parent and child are the same frame, {self.child!r}')
        if self.type == TRANSFORMS and self.clock == 'receive':
            raise ValueError(f'{TRANSFORMS} has a time for each transform: clock must be header')

    @cached_property
    def length(self) -> int:
        """Number of values."""
        return field_size(self.type, self.field, self.joints, self.size)

    @cached_property
    def is_pose(self) -> bool:
        """Whether the values are a position and a quaternion (x y z, x y z w)."""
        return self.length == 7 and holds_rotation(self.type, self.field)


@dataclass(frozen=True, config=STRICT)
class Derived:
    """A quantity computed from observations; exactly one of the five forms is given.

    The names may be those of observations or of other derived quantities.

    Attributes:
        difference: ``[a, b]`` gives a - b, both of equal length.
        relative: ``[a, b]`` gives the pose a in the frame of the pose b (x y z, x y z w with
            w >= 0), both poses in the same frame.
        change: ``a`` gives its change since the tick ``ticks`` before.
        previous: ``a`` gives its value at the tick ``ticks`` before.
        history: ``a`` gives its values at the last ``ticks`` ticks, the present one last.
        ticks: See above. Before the first tick of an episode everything was as it is there.
        scale: Factor. A normaliser has a floor under its deviations: what is small by nature,
            such as a change within one tick, would vanish below it.
    """

    difference: tuple[str, str] | None = None
    relative: tuple[str, str] | None = None
    change: str | None = None
    previous: str | None = None
    history: str | None = None
    ticks: _Ticks = 1
    scale: Positive = 1.0

    def __post_init__(self) -> None:
        forms = ('difference', 'relative', 'change', 'previous', 'history')
        given = [name for name in forms if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f'has {given or "nothing"}: give exactly one of {", ".join(forms)}')
        if self.history and self.ticks < 2:
            raise ValueError('history needs ticks: how many values, at least 2')
        if self.ticks != 1 and not (self.change or self.previous or self.history):
            raise ValueError(f'{given[0]} has no use for ticks')
        if self.relative and self.scale != 1.0:
            raise ValueError('relative is a pose, whose quaternion has no scale')

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the quantities it is computed from."""
        return self.difference or self.relative or (
            self.change or self.previous or self.history,)

    @property
    def memory(self) -> int:
        """How many earlier ticks of its input it needs."""
        if self.history:
            return self.ticks - 1
        return self.ticks if self.change or self.previous else 0


@dataclass(frozen=True, config=STRICT)
class Camera:
    """A camera that is recorded.

    Attributes:
        topic: Topic of the images.
        width: [pixel]
        height: [pixel]
        rate: [Hz] Nominal rate.
        type: ``sensor_msgs/msg/CompressedImage`` or ``sensor_msgs/msg/Image``.
        depth_range: [m] Nearest and farthest depth that is seen, for a depth camera.
        latency: [s] How much older an image is than its stamp says. It is subtracted.
    """

    topic: Topic
    width: Annotated[int, Field(gt=0, le=4096)]
    height: Annotated[int, Field(gt=0, le=4096)]
    rate: Positive = 30.0
    type: Literal['sensor_msgs/msg/CompressedImage', 'sensor_msgs/msg/Image'] = (
        'sensor_msgs/msg/CompressedImage')
    depth_range: tuple[NotNegative, Positive] | None = None
    latency: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0

    def __post_init__(self) -> None:
        if self.depth_range is not None and not self.depth_range[0] < self.depth_range[1]:
            raise ValueError(f'depth_range {list(self.depth_range)}: the first is not below '
                             'the second')
