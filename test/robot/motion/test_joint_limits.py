# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""No sequence of requests exceeds the limits of position, velocity, acceleration and jerk."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
import numpy as np
import pytest

from inril_ros.robot.contract.contract import Action
from inril_ros.robot.motion.limiter import PositionLimiter, VelocityLimiter
from inril_ros.robot.motion.limits import JointLimits, limits_of

PERIOD = 0.02


@st.composite
def joint_limits(draw, size=2):
    def some(low, high):
        return np.array([draw(st.floats(low, high)) for _ in range(size)])
    jerk = some(5.0, 3000.0) if draw(st.booleans()) else np.full(size, np.inf)
    return JointLimits(-some(0.05, 2.0), some(0.05, 2.0), some(0.2, 3.0), some(0.5, 20.0), jerk)


anything = npst.arrays(np.float64, 2, elements=st.floats(-5.0, 5.0))
# Some requests are far away, some are a bit further on, some are just beyond a limit.
events = st.lists(st.tuples(
    st.sampled_from(['far', 'near', 'on', 'limit', 'brake', 'wild drift']), anything),
    min_size=1, max_size=60)


def play(limiter, requests):
    """Return positions (K, n) for (kind, numbers); the first three are at rest."""
    positions = [limiter.position.copy()] * 3
    request = limiter.position.copy()
    for kind, numbers in requests:
        before = request
        request = {
            'far': numbers, 'near': request + 0.01 * numbers,
            'on': request + 0.2 * numbers * limiter.limits.velocity * PERIOD,
            'limit': np.where(numbers > 0, limiter.limits.maximum, limiter.limits.minimum),
            'brake': request, 'wild drift': numbers}[kind]
        if kind == 'brake':
            limiter.braking()
        elif kind == 'wild drift':
            limiter.toward(request, 3.0 * numbers[::-1])
        else:
            limiter.toward(request, (request - before) / PERIOD)
        limiter.accept()
        positions.append(limiter.position.copy())
    return np.array(positions)


def assert_within(limits, positions, period=PERIOD):
    assert (positions >= limits.minimum - 2e-6).all()
    assert (positions <= limits.maximum + 2e-6).all()
    for order, limit in ((1, limits.velocity), (2, limits.acceleration), (3, limits.jerk)):
        if len(positions) > order:
            highest = np.abs(np.diff(positions, n=order, axis=0)).max(axis=0) / period ** order
            assert (highest <= limit * (1 + 1e-9) + 1e-9).all(), (order, highest, limit)


@given(joint_limits(), npst.arrays(np.float64, 2, elements=st.floats(0.0, 1.0)), events)
def test_no_sequence_of_requests_leaves_the_limits(limits, place, requests):
    limiter = PositionLimiter(limits, PERIOD)
    limiter.anchor(limits.minimum + place * (limits.maximum - limits.minimum))
    assert_within(limits, play(limiter, requests))


@given(joint_limits(), npst.arrays(np.float64, 2, elements=st.floats(0.0, 1.0)), events)
def test_braking_always_ends_at_rest_within_the_stopping_distance(limits, place, requests):
    limiter = PositionLimiter(limits, PERIOD)
    limiter.anchor(limits.minimum + place * (limits.maximum - limits.minimum))
    play(limiter, requests)
    start = limiter.position.copy()
    bound = limits.stopping_distance(limits.velocity) \
        + limits.velocity * limits.acceleration / limits.jerk
    for _ in range(int(np.ceil(limits.longest_stop / PERIOD)) + 2):
        limiter.braking()
        limiter.accept()
    assert limiter.at_rest
    rest = limiter.position.copy()
    assert (np.abs(rest - start) <= bound + 1e-9).all()
    limiter.braking()
    limiter.accept()
    assert limiter.position.tolist() == rest.tolist()


@given(joint_limits(), st.integers(0, 40), anything)
def test_the_predicted_stop_keeps_the_limits_and_ends_at_rest(limits, count, numbers):
    limiter = PositionLimiter(limits, PERIOD)
    limiter.anchor((limits.minimum + limits.maximum) / 2)
    limiter.toward(numbers, np.zeros(2))
    limiter.accept()
    command = limiter.position.copy()
    ahead = limiter.look_ahead(np.tile(numbers, (count, 1)), numbers)
    assert limiter.position.tolist() == command.tolist()
    path = np.vstack([[(limits.minimum + limits.maximum) / 2] * 3, [command], ahead])
    path = np.vstack([path, [path[-1]] * 3])
    assert_within(limits, path)


def limits_for(velocity=1.0, acceleration=5.0, jerk=200.0, size=1):
    return JointLimits(*(np.full(size, value) for value in (
        -2.0, 2.0, velocity, acceleration, jerk)))


def test_a_far_request_is_reached_without_overshoot_and_exactly():
    limiter = PositionLimiter(limits_for(), PERIOD)
    limiter.anchor(np.zeros(1))
    path = []
    for _ in range(150):
        limiter.toward(np.array([1.0]), np.zeros(1))
        limiter.accept()
        path.append(limiter.position[0])
    assert max(path) <= 1.0 + 1e-12
    assert path[-1] == pytest.approx(1.0, abs=1e-12)
    assert np.abs(limiter._state[1]).max() < 1e-12


def test_a_moving_request_is_followed_without_stopping():
    """The lag is less than a tick of a steady motion; without drift, the stopping distance."""
    lags = {}
    for drift in (0.8, 0.0):
        limiter = PositionLimiter(limits_for(), PERIOD)
        limiter.anchor(np.array([-1.9]))
        for tick in range(1, 150):
            request = np.array([-1.9 + 0.8 * PERIOD * tick])
            limiter.toward(request, np.array([drift]))
            limiter.accept()
        lags[drift] = abs(request[0] - limiter.position[0]) / (0.8 * PERIOD)
    assert lags[0.8] < 1.0
    assert lags[0.0] > 3.0


@given(joint_limits(), st.floats(-6.0, 6.0), events)
def test_an_offset_of_the_joint_s_range_changes_nothing(limits, offset, requests):
    moved = replace(limits, minimum=limits.minimum + offset, maximum=limits.maximum + offset)
    paths = []
    for each, start in ((limits, 0.0), (moved, offset)):
        limiter = PositionLimiter(each, PERIOD)
        limiter.anchor(np.full(2, start))
        positions = [limiter.position.copy()]
        for _, numbers in requests:
            limiter.toward(start + numbers, np.zeros(2))
            limiter.accept()
            positions.append(limiter.position - start)
        paths.append(np.array(positions[1:]))
    assert np.allclose(*paths, atol=1e-6)


def test_a_joint_that_is_measured_beyond_a_limit_comes_back_and_goes_no_further():
    limiter = PositionLimiter(limits_for(), PERIOD)
    limiter.anchor(np.array([2.3]))
    path = [2.3]
    for request in [3.0] * 10 + [1.0] * 150:
        limiter.toward(np.array([request]), np.zeros(1))
        limiter.accept()
        path.append(limiter.position[0])
    assert max(path) <= 2.3 + 1e-6
    assert path[-1] == pytest.approx(1.0)


@given(joint_limits(), st.floats(0.0, 2.0))
def test_a_velocity_that_can_stop_in_a_distance_does_so(limits, distance):
    velocity = limits.stoppable_velocity(np.full(2, distance))
    assert (limits.stopping_distance(velocity) <= distance * (1 + 1e-9) + 1e-12).all()
    slower = velocity < limits.velocity
    used = limits.stopping_distance(velocity)[slower]
    np.testing.assert_allclose(used, distance, rtol=1e-6, atol=1e-9)


@given(joint_limits(size=1), st.floats(0.05, 1.0))
def test_the_stopping_distance_is_where_the_limiter_stops(limits, share):
    wide = JointLimits(np.full(1, -50.0), np.full(1, 50.0), limits.velocity, limits.acceleration,
                       limits.jerk)
    limiter = PositionLimiter(wide, PERIOD)
    limiter.anchor(np.zeros(1))
    speed = share * limits.velocity
    limiter._state[1] = speed
    limiter.braking()
    limiter.accept()
    while not limiter.at_rest:
        limiter.braking()
        limiter.accept()
    np.testing.assert_allclose(limiter.position, limits.stopping_distance(speed), rtol=1e-4)


@given(joint_limits(), st.lists(anything, min_size=1, max_size=60))
def test_a_velocity_changes_within_acceleration_and_jerk(limits, requests):
    limiter = VelocityLimiter(limits, PERIOD)
    path = [np.zeros(2)] * 2
    for request in requests:
        path.append(limiter.toward(request).copy())
    path = np.array(path)
    assert (np.abs(path) <= limits.velocity).all()
    for order, limit in ((1, limits.acceleration), (2, limits.jerk)):
        highest = np.abs(np.diff(path, n=order, axis=0)).max(axis=0) / PERIOD ** order
        assert (highest <= limit * (1 + 1e-9) + 1e-9).all()


def test_joint_positions_are_limited_even_without_limits_in_the_contract():
    limits = limits_of(Action(
        topic='a', type='trajectory_msgs/msg/JointTrajectory', joints=('x', 'y'), hold='last',
        minimum=(-1.0, -1.0), maximum=(1.0, 2.0), max_acceleration=(3.0,)))
    assert limits.velocity.tolist() == [0.5, 0.5]
    assert limits.acceleration.tolist() == [3.0, 3.0]
    assert limits.jerk.tolist() == [20.0, 20.0]
    assert limits.maximum.tolist() == [1.0, 2.0]


def test_the_tighter_limit_counts_and_a_contradiction_is_reported():
    ours, theirs = limits_for(velocity=1.0), limits_for(velocity=0.2, acceleration=9.0)
    both = ours.tightened(theirs)
    assert (both.velocity[0], both.acceleration[0]) == (0.2, 5.0)
    shifted = JointLimits(np.array([3.0]), np.array([4.0]), *(np.ones(1) for _ in range(3)))
    with pytest.raises(ValueError, match='leave no room'):
        ours.tightened(shifted)
