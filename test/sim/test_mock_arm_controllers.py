# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The mock arm's controllers refuse, interpolate, hold and abort like those of ros2_control."""

import math
import re

from hypothesis import given
from hypothesis import strategies as st
from mock_lab import array, point, trajectory
import numpy as np
import pytest

from inril_ros.sim.mock_arm.controllers import ForwardController, TrajectoryController

JOINTS = ('a', 'b')
START = np.array([0.1, -0.2])
FAR = np.zeros(2)


def controller(**settings):
    return TrajectoryController(JOINTS, START, **settings)


def message(*points, stamp=0.0, joints=JOINTS):
    return trajectory(*points, stamp=stamp, joints=joints)


def samples(made, times):
    return np.array([made.sample(time, FAR)[0] for time in times])


def test_without_a_command_the_arm_holds_its_start():
    assert (controller().sample(5.0, FAR)[0] == START).all()
    assert (ForwardController(JOINTS, START).sample(5.0, FAR)[0] == START).all()


def test_positions_alone_are_joined_by_straight_lines_and_the_last_is_held():
    made = controller()
    assert not made.accept(message(point(1.0, [1.1, 0.8]), point(2.0, [1.1, -0.2])), 10.0)
    assert np.allclose(samples(made, [10.0, 10.5, 11.0, 11.5, 12.0, 99.0]), [
        [0.1, -0.2], [0.6, 0.3], [1.1, 0.8], [1.1, 0.3], [1.1, -0.2], [1.1, -0.2]])
    assert (made.sample(99.0, FAR)[1] == 0.0).all()


def test_joints_in_another_order_are_matched_by_name():
    made = controller()
    assert not made.accept(message(point(1.0, [0.8, 1.1]), joints=('b', 'a')), 0.0)
    assert np.allclose(made.sample(1.0, FAR)[0], [1.1, 0.8])


@pytest.mark.parametrize('ends', [
    dict(velocities=[0.0, 0.0]), dict(velocities=[0.0, 0.0], accelerations=[0.0, 0.0])])
def test_velocities_and_accelerations_are_met(ends):
    made = controller()
    middle = dict(velocities=[0.5, -0.3], **(
        {'accelerations': [0.4, 0.2]} if 'accelerations' in ends else {}))
    assert not made.accept(message(
        point(1.0, [0.6, 0.0], **middle), point(2.0, [1.0, 0.5], **ends)), 0.0)
    step = 1e-4
    times = np.arange(1.0, 2.0, step)
    positions = samples(made, times)
    velocities = np.gradient(positions, step, axis=0)
    assert np.allclose(positions[0], [0.6, 0.0], atol=1e-6)
    assert np.allclose(velocities[1], [0.5, -0.3], atol=2e-3)
    assert np.allclose(velocities[-2], 0.0, atol=2e-3)
    sampled = np.array([made.sample(time, FAR)[1] for time in times])
    assert np.allclose(sampled[1:-1], velocities[1:-1], atol=1e-3)
    if 'accelerations' in ends:
        change = np.gradient(velocities, step, axis=0)
        assert np.allclose(change[3], [0.4, 0.2], atol=0.05)
        assert np.allclose(change[-4], 0.0, atol=0.05)


@given(st.lists(st.tuples(st.floats(0.001, 0.05), st.floats(-3, 3), st.floats(-3, 3)),
                min_size=1, max_size=20))
def test_a_stream_of_points_never_jumps(stream):
    """Each command is one step ahead, as sent by the actuation node."""
    made, now, last = controller(), 0.0, START
    for gap, *goal in stream:
        assert not made.accept(message(point(0.02, goal)), now)
        assert np.allclose(made.sample(now, FAR)[0], last)
        now += gap
        last, speed = made.sample(now, FAR)
        assert (np.abs(speed) <= 6.5 / 0.02).all()


def test_a_command_with_a_stamp_in_the_future_waits_for_its_points():
    made = controller()
    assert not made.accept(message(point(1.0, [1.1, 0.8]), stamp=6.0), 5.0)
    assert np.allclose(made.sample(6.0, FAR)[0], 0.5 * (START + [1.1, 0.8]))


def test_times_are_counted_from_the_origin_of_the_stamps_clock():
    made = controller()
    assert not made.accept(message(point(1.0, [1.1, 0.8]), stamp=106.0), 6.0, origin=100 * 10 ** 9)
    assert np.allclose(made.sample(7.0, FAR)[0], [1.1, 0.8])


def test_a_late_command_begins_with_the_point_that_is_due():
    made = controller()
    points = [point(0.02 * (index + 1), [0.1 * index, 0.0]) for index in range(5)]
    assert not made.accept(message(*points, stamp=1.0), 1.05)
    assert np.allclose(made.sample(1.06, FAR)[0], [0.2, 0.0], atol=0.01)


@pytest.mark.parametrize(('wrong', 'why'), [
    (message(point(0.02, [0.5, 0.5]), stamp=1.0), 'ended 8.980 s ago'),
    (message(), 'no points'),
    (message(point(0.1, [0.5, 0.5]), joints=('a', 'c')), r"\['a', 'b'\] are needed"),
    (message(point(0.1, [0.5]), joints=('a',)), r"\['a', 'b'\] are needed"),
    (message(point(0.1, [0.5])), '1 values, 2 are needed'),
    (message(point(0.1, [])), 'has no positions'),
    (message(point(0.1, [0.5, math.nan])), 'not finite'),
    (message(point(0.1, [0.5, 1e300])), 'or huge'),
    (message(point(0.1, [0.5, 0.5]), point(0.1, [0.6, 0.6])), 'not after the one before'),
    (message(point(0.1, [0.5, 0.5], [0.1, 0.0])), 'velocities of the last point'),
    (message(point(0.1, [0.5, 0.5], [0.1])), 'velocities of point 0'),
])
def test_a_bad_trajectory_is_refused_and_the_previous_one_continues(wrong, why):
    made = controller()
    assert not made.accept(message(point(1.0, [1.1, 0.8])), 9.5)
    refusal = made.accept(wrong, 10.0)
    assert refusal
    assert re.search(why, refusal)
    assert np.allclose(made.sample(10.5, FAR)[0], [1.1, 0.8])


def test_a_joint_that_does_not_follow_aborts_and_is_held_where_it_is():
    made = controller(tolerance=0.3)
    assert not made.accept(message(point(1.0, [1.1, 0.8])), 0.0)
    stuck = START + 0.01
    assert not made.aborted
    for now in np.arange(0.0, 1.0, 0.01):
        reference, _ = made.sample(now, stuck)
    assert 'too far' in made.aborted
    assert (reference == stuck).all()
    assert not made.accept(message(point(1.0, [0.2, -0.1])), 1.0)
    assert not made.aborted


def test_silence_after_the_end_is_tolerated_or_aborted_as_configured():
    patient, strict = controller(), controller(timeout=0.5)
    for made in (patient, strict):
        assert not made.accept(message(point(1.0, [1.1, 0.8])), 0.0)
        made.sample(1.4, FAR)
        assert not made.aborted
    assert (patient.sample(60.0, FAR)[0] == [1.1, 0.8]).all()
    assert (strict.sample(1.6, FAR)[0] == FAR).all()
    assert strict.aborted == 'no new command'


def test_a_forward_controller_forwards_values_and_holds_for_ever():
    made = ForwardController(JOINTS, START)
    assert not made.accept(array([0.7, 0.8]), 0.0)
    for now in (0.0, 3600.0):
        position, velocity = made.sample(now, FAR)
        assert (position == [0.7, 0.8]).all() and (velocity == 0.0).all()


@pytest.mark.parametrize(('wrong', 'why'), [
    ([0.5], '1 values, 2 are needed'), ([0.5, math.inf], 'not finite'), ([], '0 values')])
def test_a_forward_controller_refuses_invalid_poses(wrong, why):
    made = ForwardController(JOINTS, START)
    assert why in made.accept(array(wrong), 0.0)
    assert (made.sample(0.0, FAR)[0] == START).all()
