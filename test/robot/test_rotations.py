# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Poses are products of matrices, and the order of quaternions is x y z w everywhere."""

import math

from hypothesis import assume, given
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from inril_ros.robot import rotations

numbers = st.floats(-1.0, 1.0, allow_subnormal=False)
vectors = st.tuples(numbers, numbers, numbers).map(lambda v: 10.0 * np.array(v))


@st.composite
def quaternions(draw):
    four = np.array([draw(numbers) for _ in range(4)])
    assume(np.linalg.norm(four) > 1e-3)
    return four / np.linalg.norm(four)


@st.composite
def poses(draw):
    return np.concatenate([draw(vectors), draw(quaternions())])


def same_rotation(ours, theirs, tolerance=1e-9):
    assert abs(abs(float(np.dot(ours, theirs))) - 1.0) < tolerance


@given(quaternions(), quaternions(), st.floats(0.0, 1.0))
def test_slerp_is_that_of_scipy(first, second, share):
    assume(abs(first @ second) > 1e-3)  # half a turn apart there are two shortest ways
    expected = Slerp([0, 1], Rotation.from_quat([first, second]))(share).as_quat()
    result = rotations.between(first, second, share)
    assert math.isclose(np.linalg.norm(result), 1.0, abs_tol=1e-9)
    same_rotation(result, expected, 1e-7)


def test_the_order_is_scalar_last():
    """A quarter turn about z takes x to y; with the scalar first it would be half a turn."""
    quarter = np.array([0.0, 0.0, 0.0, 0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)])
    x_axis = np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    np.testing.assert_allclose(rotations.compose(quarter, x_axis)[:3], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(rotations.compose(quarter, quarter)[3:], [0, 0, 1, 0], atol=1e-12)


def as_matrix(pose):
    whole = np.eye(4)
    whole[:3, :3], whole[:3, 3] = Rotation.from_quat(pose[3:]).as_matrix(), pose[:3]
    return whole


@given(poses(), poses())
def test_poses_are_products_of_matrices(first, second):
    np.testing.assert_allclose(as_matrix(rotations.compose(first, second)),
                               as_matrix(first) @ as_matrix(second), atol=1e-8)
    np.testing.assert_allclose(as_matrix(rotations.inverse_pose(first)),
                               np.linalg.inv(as_matrix(first)), atol=1e-8)
    relative = rotations.relative_pose(second, first)
    np.testing.assert_allclose(as_matrix(rotations.compose(first, relative)), as_matrix(second),
                               atol=1e-8)


@given(poses(), poses(), st.floats(0.0, 1.0))
def test_positions_are_interpolated_on_the_line(first, second, share):
    pose = rotations.between(first, second, share)
    np.testing.assert_allclose(pose[:3], (1 - share) * first[:3] + share * second[:3], atol=1e-9)
    assert math.isclose(np.linalg.norm(pose[3:]), 1.0, abs_tol=1e-9)
    same_rotation(rotations.between(first[3:], second[3:], share), pose[3:])


@pytest.mark.parametrize('wrong', [[0, 0, 0, 0], [0, 0, 0, math.nan], [math.inf, 0, 0, 1]])
def test_values_that_are_no_rotation_are_refused(wrong):
    with pytest.raises(ValueError, match='is no rotation'):
        rotations.unit(np.array(wrong, float))
