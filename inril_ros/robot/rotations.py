# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rotations and poses, by SciPy. Quaternions are x y z w here and everywhere in this package.

A pose is (7,): position x y z [m], then the quaternion; it maps coordinates in its own frame to
those of its parent frame.
"""

import math

import numpy as np
from scipy.spatial.transform import Rotation

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


def canonical(quaternion: np.ndarray) -> np.ndarray:
    """Return the one of the two quaternions of a rotation (4,) that has w >= 0."""
    return -quaternion if quaternion[3] < 0.0 else quaternion


def compose(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the pose (7,) of a frame whose pose in the frame of ``first`` is ``second``."""
    rotation = _rotation(first[3:])
    return _pose(first[:3] + rotation.apply(second[:3]), rotation * _rotation(second[3:]))


def inverse_pose(pose: np.ndarray) -> np.ndarray:
    """Return the pose (7,) of the parent frame in the pose's own frame."""
    rotation = _rotation(pose[3:]).inv()
    return _pose(-rotation.apply(pose[:3]), rotation)


def relative_pose(pose: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Return a pose (7,) in a frame, both given in one common frame; w >= 0."""
    return compose(inverse_pose(frame), pose)


def between(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Return the pose (7,) or quaternion (4,) at a share 0..1 of the way between two of them.

    Rotations take the shorter way at a constant angular velocity (slerp).
    """
    start, end = _rotation(first[-4:]), _rotation(second[-4:])
    rotation = (start * (start.inv() * end) ** share).as_quat()
    return np.concatenate([first[:-4] + share * (second[:-4] - first[:-4]), rotation])


def _rotation(quaternion: np.ndarray) -> Rotation:
    return Rotation.from_quat(unit(quaternion))


def _pose(position: np.ndarray, rotation: Rotation) -> np.ndarray:
    return np.concatenate([position, canonical(rotation.as_quat())])
