# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with an arm's state on its way, on request: for tests and for trying out.

A fault changes what is told of the arm, not the arm: nothing breaks, and whoever listens has to
notice. Pure: one sample goes in per publication, those that are published come out.
"""

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum
import math

import numpy as np


@dataclass(frozen=True, eq=False)
class JointSample:
    """The measured state of joints at a time.

    Attributes:
        stamp: [ns]
        names: Of the joints, n.
        position: (n,) rad or m.
        velocity: (n,) per s.
    """

    stamp: int
    names: tuple[str, ...]
    position: np.ndarray
    velocity: np.ndarray


class Fault(Enum):
    """What is wrong; the values are those of the node's parameter."""

    NONE = ''
    SILENT = 'silent'  # nothing comes
    FROZEN = 'frozen'  # the values stand still, their stamps go on
    STUCK = 'stuck'  # the same message again and again
    SLOW = 'slow'  # one message in SLOW_SHARE
    LATE = 'late'  # each message LATENESS after its time
    OUT_OF_ORDER = 'out_of_order'  # each second message comes before the one before it
    NAN = 'nan'  # the first joint's position is not a number
    DROPPED_JOINT = 'dropped_joint'  # the first joint is missing
    JUMP = 'jump'  # the first joint's position is off by JUMP_SIZE
    DEAF = 'deaf'  # the arm ignores commands
    CAMERA_SILENT = 'camera_silent'
    CAMERA_FROZEN = 'camera_frozen'  # the same picture with new stamps


SLOW_SHARE = 20
LATENESS = 0.3  # [s]
JUMP_SIZE = 0.5  # [rad]


class FaultyStream:
    """Joint samples on their way to the topic.

    Attributes:
        fault: What is wrong with them now; those of the arm and of the camera change nothing here.
    """

    def __init__(self) -> None:
        self.fault = Fault.NONE
        self._last: JointSample | None = None  # the last one before a fault that repeats it
        self._kept: deque[JointSample] = deque()
        self._count = 0

    def change(self, fault: Fault) -> None:
        """Begin or end a fault; what was kept back is lost."""
        self.fault = fault
        self._kept.clear()
        self._count = 0

    def passing(self, sample: JointSample) -> list[JointSample]:
        """Return what is published in place of a sample, in this order."""
        if self.fault is Fault.SILENT:
            return []
        if self.fault in (Fault.FROZEN, Fault.STUCK):
            last = self._last = self._last or sample
            return [last if self.fault is Fault.STUCK else replace(last, stamp=sample.stamp)]
        self._last = sample
        self._count += 1
        if self.fault is Fault.SLOW:
            return [sample] if self._count % SLOW_SHARE == 0 else []
        if self.fault is Fault.LATE:
            return self._later(sample)
        if self.fault is Fault.OUT_OF_ORDER:
            self._kept.append(sample)
            return [self._kept.pop(), self._kept.pop()] if len(self._kept) == 2 else []
        if self.fault is Fault.DROPPED_JOINT:
            return [JointSample(sample.stamp, sample.names[1:], sample.position[1:],
                                sample.velocity[1:])]
        if self.fault in (Fault.NAN, Fault.JUMP):
            position = sample.position.copy()
            position[0] += math.nan if self.fault is Fault.NAN else JUMP_SIZE
            return [replace(sample, position=position)]
        return [sample]

    def _later(self, sample: JointSample) -> list[JointSample]:
        self._kept.append(sample)
        due = []
        while sample.stamp - self._kept[0].stamp >= LATENESS * 1e9:
            due.append(self._kept.popleft())
        return due
