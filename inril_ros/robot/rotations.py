# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rotations and poses, by SciPy. Quaternions are x y z w here and everywhere in this package.

A pose is (7,): position x y z [m], then the quaternion; it maps coordinates in its own frame to
those of its parent frame.

SciPy is imported when it is first needed: it takes longer than all else that most nodes import.
Whoever needs it in a control loop calls ``load`` before.
"""
from __future__ import annotations

from functools import cache
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.spatial.transform import Rotation

#: Of the two quaternions of a rotation, the one on this side begins an episode. The rotations near
#: the border, half a turn from this one, are those in which no tool or part is usually found: they
#: are at least 5 degrees from all that are made of turns by 90 degrees, and by 45 about the
#: vertical and the tool's axis. The border of w >= 0 is where a tool points down.
HEMISPHERE = np.array([0.366, 0.243, -0.174, 0.881])
_SMALL = 1e-12
# Of the squared length; tf2 takes the same. A quaternion that was rounded to float32 is off by
# 1e-7, one that was typed with two digits by up to 0.01, one that was not set by 1.
_TOLERANCE = 0.01


def unit(quaternion: np.ndarray) -> np.ndarray:
    """Return a quaternion (4,) scaled to length 1.

    Raises:
        ValueError: Its length is 0 or not finite: it is no rotation.
    """
    length = float(np.linalg.norm(quaternion))
    if not _SMALL < length < np.inf:
        raise ValueError(f'{np.asarray(quaternion).tolist()} is no rotation: its length is '
                         f'{length}')
    return np.asarray(quaternion, np.float64) / length


def check_unit(quaternion: np.ndarray) -> None:
    """Check that a quaternion (4,) has the length 1.

    Raises:
        ValueError: Its squared length differs from 1 by more than 0.01.
    """
    length = math.hypot(*quaternion)
    if not abs(length * length - 1.0) <= _TOLERANCE:
        raise ValueError(f'the quaternion x y z w {np.round(quaternion, 6).tolist()} is no '
                         f'rotation: its length is {length:.4g}, not 1'
                         + (', as of a pose that was not set' if length < _SMALL else ''))


def nearest(quaternion: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the one of the two quaternions (4,) of a rotation that is nearer to a reference."""
    side = quaternion @ reference
    if side == 0.0:  # as near: a rule that is the same for both
        side = quaternion[np.flatnonzero(quaternion)[0]]
    return -quaternion if side < 0.0 else quaternion


def two_axes(pose: np.ndarray) -> np.ndarray:
    """Return a pose (9,) or rotation (6,) with two columns of its matrix for its quaternion.

    Both have one value for one rotation and change without jumps (Zhou et al., On the Continuity
    of Rotation Representations in Neural Networks, CVPR 2019).
    """
    return np.concatenate([pose[:-4], _rotation(pose[-4:]).as_matrix()[:, :2].T.ravel()])


def compose(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the pose (7,) of a frame whose pose in the frame of ``first`` is ``second``."""
    rotation = _rotation(first[3:])
    return _pose(first[:3] + rotation.apply(second[:3]), rotation * _rotation(second[3:]))


def inverse_pose(pose: np.ndarray) -> np.ndarray:
    """Return the pose (7,) of the parent frame in the pose's own frame."""
    rotation = _rotation(pose[3:]).inv()
    return _pose(-rotation.apply(pose[:3]), rotation)


def relative_pose(pose: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Return a pose (7,) in a frame, both given in one common frame."""
    return compose(inverse_pose(frame), pose)


def between(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Return the pose (7,) or quaternion (4,) at a share 0..1 of the way between two of them.

    Rotations take the shorter way at a constant angular velocity (slerp).
    """
    start, end = _rotation(first[-4:]), _rotation(second[-4:])
    rotation = (start * (start.inv() * end) ** share).as_quat()
    return np.concatenate([first[:-4] + share * (second[:-4] - first[:-4]), rotation])


@cache
def load() -> type[Rotation]:
    """Import SciPy's rotations, which takes 0.3 s, and return their class."""
    from scipy.spatial.transform import Rotation

    return Rotation


def _rotation(quaternion: np.ndarray) -> Rotation:
    return load().from_quat(unit(quaternion))


def _pose(position: np.ndarray, rotation: Rotation) -> np.ndarray:
    return np.concatenate([position, rotation.as_quat()])
