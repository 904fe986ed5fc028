# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rotations and poses. Quaternions are x y z w here and everywhere in this package.

ROS distributions bring ``tf_transformations`` (x y z w), a thin layer over ``transforms3d``
(w x y z); where it is missing, the same is done here with ``transforms3d``. The order changes in
``_wxyz`` and ``_xyzw`` and in no other place. Tests hold both ways against SciPy.

A pose is (7,): position x y z [m], then the quaternion; it takes coordinates in its own frame to
those of its parent's.
"""

import math

import numpy as np
from transforms3d import quaternions as _wxyz_library

try:
    import tf_transformations as _ros_library
except ImportError:  # no ROS distribution, or one without it
    _ros_library = None

_SMALL = 1e-12


def unit(quaternion: np.ndarray) -> np.ndarray:
    """Return a quaternion (4,) with length 1.

    Raises:
        ValueError: Its length is 0 or not finite: it is no rotation.
    """
    length = float(np.linalg.norm(quaternion))
    if not _SMALL < length < math.inf:
        raise ValueError(f'{np.asarray(quaternion).tolist()} is no rotation: its length is '
                         f'{length}')
    return np.asarray(quaternion, np.float64) / length


def multiply(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the rotation that does the second one, then the first: their product (4,)."""
    if _ros_library is not None:
        return np.asarray(_ros_library.quaternion_multiply(first, second))
    return _xyzw(_wxyz_library.qmult(_wxyz(first), _wxyz(second)))


def inverse(quaternion: np.ndarray) -> np.ndarray:
    """Return the rotation (4,) that undoes a unit quaternion."""
    if _ros_library is not None:
        return np.asarray(_ros_library.quaternion_inverse(quaternion))
    return _xyzw(_wxyz_library.qinverse(_wxyz(quaternion)))


def rotate(quaternion: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return a vector (3,) rotated by a unit quaternion."""
    return _wxyz_library.rotate_vector(vector, _wxyz(quaternion))


def matrix(quaternion: np.ndarray) -> np.ndarray:
    """Return the rotation matrix (3, 3) of a unit quaternion."""
    if _ros_library is not None:
        return np.asarray(_ros_library.quaternion_matrix(quaternion))[:3, :3]
    return _wxyz_library.quat2mat(_wxyz(quaternion))


def from_matrix(rotation: np.ndarray) -> np.ndarray:
    """Return the quaternion (4,) with w >= 0 of a rotation matrix (3, 3)."""
    return canonical(_xyzw(_wxyz_library.mat2quat(rotation)))


def slerp(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Return the unit quaternion (4,) at a share 0..1 of the shorter way from one to the other."""
    if _ros_library is not None:
        return np.asarray(_ros_library.quaternion_slerp(first, second, share))
    first, second = unit(first), unit(second)
    if first @ second < 0.0:
        second = -second
    # By both chords, since the arc cosine is blind to small angles.
    angle = 2.0 * math.atan2(np.linalg.norm(second - first), np.linalg.norm(second + first))
    if math.sin(angle) < _SMALL:
        return first
    between = (math.sin((1.0 - share) * angle) * first + math.sin(share * angle) * second)
    return unit(between)


def canonical(quaternion: np.ndarray) -> np.ndarray:
    """Return the one of the two quaternions of a rotation (4,) that has w >= 0."""
    return -quaternion if quaternion[3] < 0.0 else quaternion


def compose(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the pose (7,) of a frame whose pose in the frame of ``first`` is ``second``."""
    turn = unit(first[3:])
    return np.concatenate([
        first[:3] + rotate(turn, second[:3]), canonical(multiply(turn, unit(second[3:])))])


def inverse_pose(pose: np.ndarray) -> np.ndarray:
    """Return the pose (7,) of the parent frame in the pose's own frame."""
    turn = inverse(unit(pose[3:]))
    return np.concatenate([-rotate(turn, pose[:3]), canonical(turn)])


def relative_pose(pose: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Return a pose (7,) as seen from a frame, both given in one common frame; w >= 0."""
    return compose(inverse_pose(frame), pose)


def between(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    """Return what lies at a share 0..1 of the way between two poses (7,) or quaternions (4,)."""
    if first.size == 4:
        return slerp(first, second, share)
    position = first[:3] + share * (second[:3] - first[:3])
    return np.concatenate([position, slerp(first[3:], second[3:], share)])


def _wxyz(quaternion: np.ndarray) -> np.ndarray:
    return np.asarray(quaternion)[[3, 0, 1, 2]]


def _xyzw(quaternion: np.ndarray) -> np.ndarray:
    return np.asarray(quaternion)[[1, 2, 3, 0]]
