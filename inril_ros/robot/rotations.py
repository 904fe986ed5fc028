# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rotations and poses. Quaternions are x y z w here and everywhere in this package.

The formulas are written out because they run in every tick and for every recorded sample: SciPy's
``Rotation`` takes two to five times as long for a single rotation. Tests compare both.

A pose is (7,): position x y z [m], then the quaternion; it maps coordinates in its own frame to
those of its parent frame.
"""

import math

import numpy as np

_SMALL = 1e-12
_CONJUGATE = np.array([-1.0, -1.0, -1.0, 1.0])


def unit(quaternion: np.ndarray) -> np.ndarray:
    """Return a quaternion (4,) scaled to length 1.

    Raises:
        ValueError: Its length is 0 or not finite: it is no rotation.
    """
    length = float(np.linalg.norm(quaternion))
    if not _SMALL < length < math.inf:
        raise ValueError(f'{np.asarray(quaternion).tolist()} is no rotation: its length is '
                         f'{length}')
    return np.asarray(quaternion, np.float64) / length


def multiply(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the product (4,): the rotation that does the second one, then the first."""
    a, b, c, w = first
    x, y, z, v = second
    return np.array([w * x + a * v + b * z - c * y, w * y - a * z + b * v + c * x,
                     w * z + a * y - b * x + c * v, w * v - a * x - b * y - c * z])


def inverse(quaternion: np.ndarray) -> np.ndarray:
    """Return the rotation (4,) that undoes a unit quaternion."""
    return quaternion * _CONJUGATE


def rotate(quaternion: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return a vector (3,) rotated by a unit quaternion."""
    return multiply(multiply(quaternion, (*vector, 0.0)), inverse(quaternion))[:3]


def slerp(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Return the unit quaternion (4,) at a share 0..1 of the shorter way from one to the other."""
    first, second = unit(first), unit(second)
    if first @ second < 0.0:
        second = -second
    # From both chords, because the arc cosine is inaccurate for small angles.
    angle = 2.0 * math.atan2(np.linalg.norm(second - first), np.linalg.norm(second + first))
    if math.sin(angle) < _SMALL:
        return first
    return unit(math.sin((1.0 - share) * angle) * first + math.sin(share * angle) * second)


def canonical(quaternion: np.ndarray) -> np.ndarray:
    """Return the one of the two quaternions of a rotation (4,) that has w >= 0."""
    return -quaternion if quaternion[3] < 0.0 else quaternion


def compose(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the pose (7,) of a frame whose pose in the frame of ``first`` is ``second``."""
    rotation = unit(first[3:])
    return np.concatenate([first[:3] + rotate(rotation, second[:3]),
                           canonical(multiply(rotation, unit(second[3:])))])


def inverse_pose(pose: np.ndarray) -> np.ndarray:
    """Return the pose (7,) of the parent frame in the pose's own frame."""
    rotation = inverse(unit(pose[3:]))
    return np.concatenate([-rotate(rotation, pose[:3]), canonical(rotation)])


def relative_pose(pose: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Return a pose (7,) in a frame, both given in one common frame; w >= 0."""
    return compose(inverse_pose(frame), pose)


def between(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Return the pose (7,) or quaternion (4,) at a share 0..1 of the way between two of them."""
    if first.size == 4:
        return slerp(first, second, share)
    position = first[:3] + share * (second[:3] - first[:3])
    return np.concatenate([position, slerp(first[3:], second[3:], share)])
