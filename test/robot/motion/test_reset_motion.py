# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Homing is a straight line within the limits, or is refused."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from joint_arm import (
    ACCELERATION,
    BOX,
    CONTRACT,
    contract,
    HIGH,
    JERK,
    LOW,
    PERIOD,
    tool,
    URDF,
    VELOCITY,
)
import numpy as np
import pytest

from inril_ros.robot.contract.contract import ContractError
from inril_ros.robot.episode import ResetProcedure, ResetStep
from inril_ros.robot.motion.home_path import HomePath, ResetRefused
from inril_ros.robot.motion.limits import limits_of
from inril_ros.robot.motion.safety import SafetyGate

LIMITS = limits_of(CONTRACT.actions['arm'])
shares = npst.arrays(np.float64, 2, elements=st.floats(0.0, 1.0))


def contains(configurations):
    return SafetyGate(CONTRACT, URDF).contains(configurations)


@given(shares, shares, st.floats(0.1, 1.0))
def test_the_path_is_straight_and_within_the_scaled_limits(start, home, speed):
    start, home = LOW + start * (HIGH - LOW), LOW + home * (HIGH - LOW)
    path = HomePath(LIMITS.scaled(speed), start, home, PERIOD)
    times = np.arange(0.0, path.duration + 4 * PERIOD, PERIOD)
    points = np.array([start, start, start, *(path.at(time) for time in times)])
    np.testing.assert_allclose(points[-1], home, atol=1e-9)
    for order, limit in ((1, VELOCITY), (2, ACCELERATION), (3, JERK)):
        highest = np.abs(np.diff(points, n=order, axis=0)).max(axis=0) / PERIOD ** order
        assert (highest <= speed * limit * (1 + 1e-6) + 1e-6).all()
    way = home - start
    if np.abs(way).max() > 1e-3:
        along = (points - start) @ way / (way @ way)
        np.testing.assert_allclose(points, start + along[:, None] * way, atol=1e-6)


def test_a_path_that_leaves_the_box_between_two_good_ends_is_refused():
    # From below to above through the front: the outstretched arm passes x = 0.7 > 0.6.
    narrow = contract(workspace__maximum=[0.6, 0.6, 1.0])
    gate = SafetyGate(narrow, URDF)
    start, home = np.array([-1.0, 0.4]), np.array([1.0, -0.4])
    for end in (start, home):
        assert (tool(end) < narrow.workspace.maximum).all() and (tool(end) > BOX[0]).all()
    with pytest.raises(ResetRefused, match='way home leaves the workspace'):
        HomePath(LIMITS, start, home, PERIOD, gate.contains)
    HomePath(LIMITS, start, np.array([-0.9, 0.5]), PERIOD, gate.contains)


@pytest.mark.parametrize(('start', 'home', 'words'), [
    ([0.5, 0.5], [3.0, 0.0], 'beyond the limits'),
    ([np.nan, 0.5], [0.0, 0.0], 'not finite'),
    ([1.9, 0.0], [0.5, 0.5], 'outside its workspace')])
def test_an_impossible_way_is_refused(start, home, words):
    with pytest.raises(ResetRefused, match=words):
        HomePath(LIMITS, np.array(start), np.array(home), PERIOD, contains)


def test_a_home_that_the_joints_cannot_reach_is_a_mistake_in_the_contract():
    with pytest.raises(ContractError, match="puts 'elbow' at 3.0"):
        contract(episode__home={'elbow': 3.0})
    with pytest.raises(ContractError, match="names 'wrist'"):
        contract(episode__home={'wrist': 0.0})


@pytest.mark.parametrize('home', [True, False])
@pytest.mark.parametrize('person', [True, False])
def test_the_reset_steps_follow_in_order(home, person):
    reset = ResetProcedure(home, person)
    assert reset.begin() is (ResetStep.HOMING if home else ResetStep.SCRIPT)
    if home:
        assert reset.script_answered(True) is ResetStep.HOMING  # too early
        assert reset.arrived() is ResetStep.SCRIPT
    assert reset.ready() is ResetStep.SCRIPT  # too early
    assert reset.script_answered(True) is (ResetStep.PERSON if person else ResetStep.DONE)
    assert reset.ready() is ResetStep.DONE
    assert reset.fail('late') is ResetStep.DONE


def test_a_failed_script_ends_the_reset_with_its_reason():
    reset = ResetProcedure(home=False, person=True)
    assert reset.fail('before it began') is ResetStep.IDLE
    reset.begin()
    assert reset.script_answered(False, 'box is jammed') is ResetStep.FAILED
    assert reset.reason == 'the reset service failed: box is jammed'
    assert reset.ready() is ResetStep.FAILED
    assert reset.begin() is ResetStep.SCRIPT


@pytest.mark.parametrize(('home', 'person', 'steps'), [
    (True, True, [ResetStep.HOMING, ResetStep.PERSON, ResetStep.DONE]),
    (True, False, [ResetStep.HOMING, ResetStep.DONE]),
    (False, True, [ResetStep.PERSON, ResetStep.DONE])])
def test_a_robot_without_a_reset_service(home, person, steps):
    reset = ResetProcedure(home, person, script=False)
    taken = [reset.begin()]
    if home:
        taken.append(reset.arrived())
    if person:
        taken.append(reset.ready())
    assert taken == steps


calls = st.lists(st.sampled_from(['begin', 'arrived', 'yes', 'no', 'ready', 'fail']), max_size=20)


@given(st.booleans(), st.booleans(), calls)
def test_no_order_of_calls_skips_the_person_or_the_service(home, person, sequence):
    reset = ResetProcedure(home, person)
    since = []
    for name in sequence:
        before = reset.step
        {'begin': reset.begin, 'arrived': reset.arrived, 'ready': reset.ready,
         'yes': lambda: reset.script_answered(True), 'no': lambda: reset.script_answered(False),
         'fail': lambda: reset.fail('why')}[name]()
        since = [] if name == 'begin' else [*since, (before, name)]
        if reset.step is ResetStep.DONE:
            assert (ResetStep.SCRIPT, 'yes') in since
            assert not person or (ResetStep.PERSON, 'ready') in since
            assert not home or (ResetStep.HOMING, 'arrived') in since
        if reset.step is ResetStep.FAILED:
            assert reset.reason
