# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Device messages become a person's requests: bounded, finite, and none when released."""

import math

from hypothesis import example, given
from hypothesis import strategies as st
from joint_arm import CONTRACT, contract
import numpy as np
import pytest

from inril_ros.robot.motion.limits import limits_of
from inril_ros.robot.teleop.mapping import (
    dead_banded,
    DeviceCommand,
    JointJogger,
    joystick_command,
    leader_command,
    spacemouse_command,
    with_switches,
)
from inril_ros.robot.teleop.settings import (
    Axis,
    Joystick,
    Leader,
    LeaderGripper,
    LeaderJoint,
    SpaceMouse,
    Switches,
)

ACTION = CONTRACT.actions['arm']
LIMITS = limits_of(ACTION)
JOINTS = ACTION.joints
JOGGED = contract(teleoperation__joint_action='arm')
anything = st.floats(allow_nan=True, allow_infinity=True)
band = st.floats(0.0, 0.95)


@given(anything, band)
def test_a_deflection_stays_within_one_and_is_none_within_the_dead_band(value, width):
    out = dead_banded(value, width)
    assert -1.0 <= out <= 1.0
    if not math.isfinite(value) or abs(value) <= width:
        assert out == 0.0
    elif out:
        assert math.copysign(1.0, out) == math.copysign(1.0, value)


@given(st.floats(-2.0, 2.0), st.floats(-2.0, 2.0), band)
def test_the_response_is_monotonic_and_continuous_at_the_dead_band(first, second, width):
    low, high = sorted((first, second))
    assert dead_banded(low, width) <= dead_banded(high, width)
    assert abs(dead_banded(width + 1e-9, width)) < 1e-6
    assert dead_banded(1.0, width) == 1.0


@given(st.lists(anything, max_size=8), st.lists(st.integers(0, 1), max_size=12))
def test_any_joystick_input_is_bounded_and_needs_its_switch(axes, buttons):
    settings = Joystick(axes={'x': Axis(1, 0.1), 'yaw': Axis(6, -0.5), JOINTS[0]: Axis(0, 0.3)},
                        switches=Switches(deadman_button=4, gripper_axis=2,
                                          buttons={'success': 7}))
    command = joystick_command(settings, JOINTS, axes, buttons)
    assert np.isfinite(command.twist).all() and abs(command.twist[0]) <= 0.1
    assert abs(command.twist[5]) <= 0.5 and not command.twist[1:5].any()
    assert command.joint_velocity.shape == (len(JOINTS),)
    assert abs(command.joint_velocity[0]) <= 0.3 and not command.joint_velocity[1:].any()
    assert command.held == (len(buttons) > 4 and bool(buttons[4]))
    assert ('success' in command.pressed) == (len(buttons) > 7 and bool(buttons[7]))
    assert command.gripper is None or -1.0 <= command.gripper <= 1.0


@pytest.mark.parametrize(('axes', 'x'), [
    ([0.0, 1.0], 0.1), ([0.0, -1.0], -0.1), ([0.0, 0.1], 0.0), ([0.0, 0.55], 0.05),
    ([0.0, 3.0], 0.1), ([0.0, math.nan], 0.0), ([], 0.0)])
def test_a_joystick_axis_is_mapped(axes, x):
    settings = Joystick(axes={'x': Axis(1, 0.1)}, dead_band=0.1)
    command = joystick_command(settings, (), axes, [0] * 5)
    assert command.twist[0] == pytest.approx(x)
    assert command.joint_velocity is None


@pytest.mark.parametrize(('buttons', 'gripper'), [
    ([0, 0, 0], 0.25), ([0, 1, 0], -1.0), ([0, 0, 1], 1.0), ([0, 1, 1], 0.25), ([], 0.25)])
def test_gripper_buttons_override_the_axis_and_both_cancel_out(buttons, gripper):
    switches = Switches(gripper_axis=0, gripper_minimum_button=1, gripper_maximum_button=2)
    assert with_switches(DeviceCommand(), switches, [0.25], buttons).gripper == gripper


@given(st.lists(anything, min_size=6, max_size=6))
def test_a_spacemouse_never_exceeds_its_speeds(values):
    settings = SpaceMouse(linear_speed=(0.1, -0.2, 0.3), angular_speed=(0.4, 0.5, -0.6))
    twist = spacemouse_command(settings, values[:3], values[3:]).twist
    assert np.all(np.abs(twist) <= [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    full = spacemouse_command(settings, [0.68] * 3, [0.68] * 3).twist
    assert full == pytest.approx([0.1, -0.2, 0.3, 0.4, 0.5, -0.6])


def test_a_leaders_joints_are_mapped_by_name_direction_and_zero():
    settings = Leader(joints={'a': LeaderJoint('l1', scale=-1.0, offset=0.5)},
                      gripper=LeaderGripper('trigger', minimum=1.0, maximum=-1.0))
    command = leader_command(settings, ('a', 'b'), {'b': 2.0, 'l1': 0.25, 'trigger': 0.5})
    assert command.joint_position == pytest.approx([0.25, 2.0])
    assert command.gripper == pytest.approx(-0.5)


@pytest.mark.parametrize('positions', [{'b': 1.0}, {'a': math.nan, 'b': 1.0}, {'a': math.inf}])
def test_a_leader_without_a_joint_is_not_followed(positions):
    with pytest.raises(ValueError, match="no position of joint 'a'"):
        leader_command(Leader(), ('a', 'b'), positions)


steps = st.lists(st.tuples(
    st.floats(0.0, 0.5), st.one_of(st.none(), st.lists(anything, min_size=len(JOINTS),
                                                       max_size=len(JOINTS))),
    st.booleans(), st.booleans()), max_size=40)


@given(steps)
@example([(0.0, None, False, True), *[(0.5, [1.0, 0.0], False, False)] * 5])
@example([(0.0, None, False, True), *[(0.5, [1.0, 0.0], False, False)] * 4,
          (0.0, [0.0, 1.0], False, True)])
def test_jogged_joints_keep_speed_limits_and_stay_near_the_arm(given_steps):
    """The arm here never moves: no request may be ahead of it by more than the lead."""
    jogger, now, measured = JointJogger(JOGGED), 100.0, LIMITS.minimum + 0.4 * (
        LIMITS.maximum - LIMITS.minimum)
    last = None
    for pause, velocity, held, known in given_steps:
        now += pause
        velocity = None if velocity is None else np.array(velocity)
        out = jogger.step(now, velocity, held, measured if known else None)
        if out is None:
            last = None
            continue
        assert np.isfinite(out).all()
        assert np.all(out >= LIMITS.minimum) and np.all(out <= LIMITS.maximum)
        assert np.all(np.abs(out - measured) <= 0.4 * LIMITS.velocity)
        if last is not None and not np.array_equal(out, measured):
            assert np.all(np.abs(out - last) <= LIMITS.velocity * min(pause, 0.1) + 1e-9)
        last = out


def test_jogging_begins_at_the_arm_s_pose_and_ends_with_the_velocity():
    jogger, measured = JointJogger(JOGGED), np.zeros(len(JOINTS))
    speed = np.zeros(len(JOINTS))
    speed[0] = 0.2
    assert not jogger.step(0.0, None, False, measured).any()
    asked = [jogger.step(0.02 * k, speed, True, measured)[0] for k in range(1, 6)]
    assert asked == pytest.approx([0.004 * k for k in range(1, 6)])
    still = [jogger.step(0.1 + 0.02 * k, None, True, measured)[0] for k in range(1, 100)]
    assert set(still) == {asked[-1]}
    elsewhere = np.full(len(JOINTS), 0.3)
    assert np.array_equal(jogger.step(9.0, None, False, elsewhere), elsewhere)


def test_nothing_is_requested_while_the_arm_s_pose_is_unknown():
    jogger = JointJogger(JOGGED)
    assert jogger.step(0.0, np.ones(len(JOINTS)), True, None) is None
