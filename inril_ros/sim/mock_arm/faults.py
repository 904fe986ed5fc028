# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Faults of an arm's published state, on request, for tests and first tries.

A fault changes what is published, not the arm; the subscribers have to notice.
"""

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum
import math

import numpy as np


@dataclass(frozen=True, eq=False)
class JointSample:
    """The measured state of n joints.

    Attributes:
        stamp: [ns] Time of the measurement.
        names: Names of the joints.
        position: (n,) Positions [rad or m].
        velocity: (n,) Velocities, per s.
        effort: (n,) Efforts [N m or N] of joints with an inertia of 1 kg m^2 or 1 kg.
        topics: The topic that has each joint; '' for a joint that all topics have.
    """

    stamp: int
    names: tuple[str, ...]
    position: np.ndarray
    velocity: np.ndarray
    effort: np.ndarray
    topics: tuple[str, ...]

    def part(self, places: list[int]) -> 'JointSample':
        """Return the sample of some joints, given by their places."""
        return JointSample(
            self.stamp, tuple(self.names[place] for place in places), self.position[places],
            self.velocity[places], self.effort[places],
            tuple(self.topics[place] for place in places))

    def on(self, topic: str) -> 'JointSample':
        """Return what a topic has of the sample."""
        return self.part([place for place, other in enumerate(self.topics)
                          if other in ('', topic)])


class Fault(Enum):
    """A fault; the values are those of the node's parameter."""

    NONE = ''
    SILENT = 'silent'  # no messages
    FROZEN = 'frozen'  # the values don't change, their stamps do
    STUCK = 'stuck'  # the same message again and again
    SLOW = 'slow'  # one message of SLOW_SHARE
    LATE = 'late'  # each message is published LATENESS after its time
    OUT_OF_ORDER = 'out_of_order'  # every second message is published before its predecessor
    NAN = 'nan'  # the first joint's position is not a number
    DROPPED_JOINT = 'dropped_joint'  # the first joint is missing
    JUMP = 'jump'  # the first joint's position is off by JUMP_SIZE
    DEAF = 'deaf'  # the arm ignores commands
    STALL = 'stall'  # the first joint is blocked, and its servo presses as hard as it can
    NO_EFFORT = 'no_effort'  # efforts are not measured any more
    CAMERA_SILENT = 'camera_silent'
    CAMERA_FROZEN = 'camera_frozen'  # the same image with new stamps


SLOW_SHARE = 20
LATENESS = 0.3  # [s]
JUMP_SIZE = 0.5  # [rad]


class FaultyStream:
    """Applies a fault to joint samples before they are published.

    Attributes:
        fault: Present fault; faults of the arm and of the camera have no effect here.
    """

    def __init__(self) -> None:
        self.fault = Fault.NONE
        self._last: JointSample | None = None  # the sample that a fault repeats
        self._kept: deque[JointSample] = deque()
        self._count = 0

    def change(self, fault: Fault) -> None:
        """Begin or end a fault; samples that it held back are lost."""
        self.fault = fault
        self._kept.clear()
        self._count = 0

    def published(self, sample: JointSample) -> list[JointSample]:
        """Return the samples that are published in place of a sample, in order."""
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
            return [sample.part(list(range(1, len(sample.names))))]
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
