# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rotations agree with SciPy's, by either library, and the order is x y z w everywhere."""

import math

from hypothesis import assume, given, HealthCheck, settings
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


class RosLibrary:
    """What tf_transformations offers, x y z w in and out, by SciPy."""

    @staticmethod
    def quaternion_multiply(first, second):
        return (Rotation.from_quat(first) * Rotation.from_quat(second)).as_quat()

    @staticmethod
    def quaternion_inverse(quaternion):
        return Rotation.from_quat(quaternion).inv().as_quat()

    @staticmethod
    def quaternion_matrix(quaternion):
        whole = np.eye(4)
        whole[:3, :3] = Rotation.from_quat(quaternion).as_matrix()
        return whole

    @staticmethod
    def quaternion_slerp(first, second, share):
        return Slerp([0, 1], Rotation.from_quat([first, second]))(share).as_quat()


@pytest.fixture(params=['own', 'ros'])
def library(request, monkeypatch):
    """Both ways; the distribution's library is the installed one, or one that does the same."""
    if request.param == 'own':
        monkeypatch.setattr(rotations, '_ros_library', None)
    elif rotations._ros_library is None:
        monkeypatch.setattr(rotations, '_ros_library', RosLibrary)
    return request.param


def same_rotation(ours, theirs, tolerance=1e-9):
    assert abs(abs(float(np.dot(ours, theirs))) - 1.0) < tolerance


def property_test(*strategies):
    """A property that holds with each library; the fixture is set once for all examples."""
    def wrap(function):
        return settings(suppress_health_check=[HealthCheck.function_scoped_fixture],
                        max_examples=100)(given(*strategies)(function))
    return wrap


@property_test(quaternions(), quaternions())
def test_products_are_those_of_scipy(library, second, first):
    same_rotation(rotations.multiply(first, second),
                  (Rotation.from_quat(first) * Rotation.from_quat(second)).as_quat())


@property_test(quaternions())
def test_inverses_and_matrices_are_those_of_scipy(library, quaternion):
    expected = Rotation.from_quat(quaternion)
    same_rotation(rotations.inverse(quaternion), expected.inv().as_quat())
    np.testing.assert_allclose(rotations.matrix(quaternion), expected.as_matrix(), atol=1e-12)
    same_rotation(rotations.from_matrix(expected.as_matrix()), quaternion, 1e-7)
    assert rotations.from_matrix(expected.as_matrix())[3] >= 0.0


@property_test(quaternions(), vectors)
def test_vectors_are_turned_as_by_scipy(library, quaternion, vector):
    np.testing.assert_allclose(rotations.rotate(quaternion, vector),
                               Rotation.from_quat(quaternion).apply(vector), atol=1e-10)


@property_test(quaternions(), quaternions(), st.floats(0.0, 1.0))
def test_slerp_is_that_of_scipy(library, first, second, share):
    assume(abs(first @ second) > 1e-3)  # half a turn apart there are two shortest ways
    expected = Slerp([0, 1], Rotation.from_quat([first, second]))(share).as_quat()
    result = rotations.slerp(first, second, share)
    assert math.isclose(np.linalg.norm(result), 1.0, abs_tol=1e-9)
    same_rotation(result, expected, 1e-7)


def test_the_order_is_scalar_last(library):
    """A quarter turn about z takes x to y; with the scalar first it would be half a turn."""
    quarter = np.array([0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5)])
    np.testing.assert_allclose(rotations.rotate(quarter, np.array([1.0, 0, 0])), [0, 1, 0],
                               atol=1e-12)
    np.testing.assert_allclose(rotations.multiply(quarter, quarter), [0, 0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(rotations.matrix(quarter)[:, 0], [0, 1, 0], atol=1e-12)


def as_matrix(pose):
    whole = np.eye(4)
    whole[:3, :3], whole[:3, 3] = Rotation.from_quat(pose[3:]).as_matrix(), pose[:3]
    return whole


@property_test(poses(), poses())
def test_poses_are_products_of_matrices(library, first, second):
    np.testing.assert_allclose(as_matrix(rotations.compose(first, second)),
                               as_matrix(first) @ as_matrix(second), atol=1e-8)
    np.testing.assert_allclose(as_matrix(rotations.inverse_pose(first)),
                               np.linalg.inv(as_matrix(first)), atol=1e-8)
    relative = rotations.relative_pose(second, first)
    np.testing.assert_allclose(as_matrix(rotations.compose(first, relative)), as_matrix(second),
                               atol=1e-8)
    assert relative[6] >= 0.0


@property_test(poses(), poses(), st.floats(0.0, 1.0))
def test_between_two_poses_the_position_is_on_the_line(library, first, second, share):
    pose = rotations.between(first, second, share)
    np.testing.assert_allclose(pose[:3], (1 - share) * first[:3] + share * second[:3], atol=1e-9)
    assert math.isclose(np.linalg.norm(pose[3:]), 1.0, abs_tol=1e-9)
    same_rotation(rotations.between(first[3:], second[3:], share), pose[3:])


@pytest.mark.parametrize('wrong', [[0, 0, 0, 0], [0, 0, 0, math.nan], [math.inf, 0, 0, 1]])
def test_what_is_no_rotation_is_refused(wrong):
    with pytest.raises(ValueError, match='is no rotation'):
        rotations.unit(np.array(wrong, float))
