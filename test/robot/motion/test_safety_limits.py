# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The safety gate with joint limits, boxes and a limited acceleration of the hand."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from joint_arm import (
    action,
    ARM,
    BOX,
    CONTRACT,
    contract,
    differences,
    HAND,
    HAND_ACCELERATION,
    HIGH,
    LOW,
    observed,
    PERIOD,
    tool,
    URDF,
    VELOCITY,
)
import numpy as np
import pytest

from inril_ros.robot.contract.contract import ContractError
from inril_ros.robot.motion.kinematics import KinematicsError, read_urdf
from inril_ros.robot.motion.safety import SafetyGate
from inril_ros.robot.motion.tick import Conditions, UnknownPose


def gate_at(joints=(0.5, 0.5), of=CONTRACT):
    gate = SafetyGate(of, URDF)
    gate.reset(observed(joints))
    return gate


def drive(gate, request, count, hand=(0.2, 0.0, 0.0)):
    """Return commands and reasons for an arm that follows at once."""
    commands, reasons, hand = [], set(), np.array(hand, np.float64)
    joints = gate.resting[ARM]
    for _ in range(count):
        verdict = gate.check(request, observed(joints, hand))
        joints = verdict.action[ARM]
        hand += verdict.action[HAND] * PERIOD
        commands.append(verdict.action)
        reasons.update(verdict.reasons)
    return np.array(commands), reasons


def test_a_far_request_is_approached_within_the_limits_with_a_reason():
    commands, reasons = drive(gate_at(), action((0.2, 1.0)), 200)
    assert 'arm smoothed' in reasons
    np.testing.assert_array_equal(commands[-1], action((0.2, 1.0)))
    path = np.vstack([[[0.5, 0.5]] * 2, commands[:, ARM]])
    assert (differences(path, 1) <= VELOCITY * (1 + 1e-4)).all()


def test_the_command_starts_from_the_measured_pose_and_never_without_one():
    gate = SafetyGate(CONTRACT, URDF)
    with pytest.raises(UnknownPose, match='arm'):
        gate.check(action(), None)
    first = gate.check(action((1.0, 1.0)), observed((0.3, -0.2))).action
    np.testing.assert_allclose(first[ARM], [0.3, -0.2], atol=0.001)


def test_a_pose_that_is_not_finite_counts_as_missing():
    gate = SafetyGate(CONTRACT, URDF)
    gate.reset(observed((np.nan, 0.0)))
    assert not gate.known
    with pytest.raises(UnknownPose):
        gate.hold()
    gate.reset(observed())
    verdict = gate.check(action(), observed((np.nan, 0.0)))
    assert (verdict.held, verdict.reasons) == (True, ('arm does not follow its commands',))


@pytest.mark.parametrize(('conditions', 'words'), [
    (Conditions(forbidden='e-stop: button'), 'e-stop: button'),
    (Conditions(faults=('front is silent',)), 'front is silent'),
    (Conditions(observation_age=0.11), 'observation is 0.110 s old'),
    (Conditions(observation_age=float('nan')), 'observation is nan s old'),
    (Conditions(policy_age=2.1), 'policy step is 2.100 s old'),
    (Conditions(teleop_age=0.2), 'teleop command is 0.200 s old'),
    (Conditions(tick_gap=0.2), 'tick overrun: 0.200 s since the last')])
def test_each_condition_holds_the_arm_and_is_named(conditions, words):
    gate = gate_at()
    verdict = gate.check(action((1.0, 1.0)), observed(), conditions)
    assert (verdict.held, verdict.reasons) == (True, (words,))
    np.testing.assert_array_equal(verdict.action, action())


def test_conditions_exactly_at_the_limit_are_allowed():
    allowed = Conditions(observation_age=0.1, policy_age=2.0, teleop_age=0.1, tick_gap=0.1)
    assert gate_at().check(action(), observed(), allowed).reasons == ()


def test_all_reasons_are_given_at_once():
    verdict = gate_at().check(np.full(6, np.nan), None, Conditions(forbidden='not enabled'))
    assert verdict.reasons == (
        'not enabled', 'no valid observation', 'a requested value is not finite')


def test_a_hold_in_motion_brakes_and_then_stays_bit_for_bit():
    gate = gate_at()
    moving, _ = drive(gate, action((0.0, 1.2), hand=(0.2, 0, 0)), 15)
    held = np.array([gate.hold('why').action for _ in range(60)])
    path = np.vstack([moving[:, ARM], held[:, ARM]])
    assert (differences(path, 1) <= VELOCITY * (1 + 1e-4)).all()
    assert np.abs(np.diff(path, axis=0))[14].max() > 0  # it does not stop abruptly
    assert (held[40:] == held[-1]).all()
    assert not gate.moving
    change = np.abs(np.diff(np.vstack([moving, held])[:, HAND], axis=0))
    assert change.max() <= HAND_ACCELERATION * PERIOD + 1e-6


@given(npst.arrays(np.float64, 2, elements=st.floats(0, 1)), st.lists(
    npst.arrays(np.float64, 2, elements=st.floats(-3, 3)), min_size=1, max_size=12))
def test_the_tool_stays_in_the_box_for_any_target(place, targets):
    start = LOW + place * (HIGH - LOW)
    outside = np.maximum(np.maximum(BOX[0] - tool(start), tool(start) - BOX[1]), 0.0)
    gate = gate_at(start)
    for target in targets:
        commands, _ = drive(gate, action(target), 25)
        for command in commands[:, ARM].astype(np.float64):
            beyond = np.maximum(BOX[0] - tool(command), tool(command) - BOX[1])
            assert (beyond <= outside + 1e-5).all()


def test_the_wall_is_named_and_the_arm_can_leave_it():
    gate = gate_at((0.5, 0.9))
    commands, reasons = drive(gate, action((1.3, 0.3)), 150)
    assert 'workspace tool y' in reasons
    assert tool(commands[-1][ARM])[1] == pytest.approx(BOX[1][1], abs=0.02)
    commands, reasons = drive(gate, action((0.2, 0.4)), 150)
    np.testing.assert_allclose(commands[-1][ARM], [0.2, 0.4], atol=1e-6)


@pytest.mark.parametrize('axis', [0, 1, 2])
@pytest.mark.parametrize('sign', [-1, 1])
def test_a_hand_with_limited_acceleration_brakes_before_the_wall(axis, sign):
    hand = np.zeros(3)
    hand[axis] = 0.3 * sign
    gate, place = gate_at(), np.array([0.2, 0.0, 0.0])
    for _ in range(400):
        verdict = gate.check(action(hand=hand), observed(hand=place))
        place += verdict.action[HAND] * PERIOD
        assert (place >= BOX[0] - 1e-6).all() and (place <= BOX[1] + 1e-6).all()
    assert any(f'workspace {"xyz"[axis]}' in reason for reason in verdict.reasons)
    assert abs(verdict.action[HAND][axis]) < 1e-3


def test_the_command_waits_for_a_blocked_arm_and_gives_up_on_a_lost_one():
    gate = gate_at()
    reasons, commands = set(), []
    for _ in range(300):  # the arm stays where it is
        verdict = gate.check(action((0.0, 2.0)), observed())
        reasons.update(verdict.reasons)
        commands.append(verdict.action[ARM])
    assert 'arm waits for the robot' in reasons
    np.testing.assert_allclose(commands[-1], [0.1, 0.9], atol=1e-3)
    verdict = gate.check(action((0.0, 2.0)), observed((-1.5, -1.5)))
    assert (verdict.held, verdict.reasons) == (True, ('arm does not follow its commands',))


def test_a_controller_without_further_commands_can_stop_with_the_last_one():
    gate = gate_at()
    drive(gate, action((0.0, 1.2)), 12)
    command = gate.resting[ARM].astype(np.float64)
    points = gate.look_ahead('arm', np.tile([0.0, 1.2], (3, 1)))
    path = np.vstack([command, points, points[-1]])
    assert (differences(path, 1) <= VELOCITY * (1 + 1e-3)).all()
    assert np.abs(points[-1] - points[-2]).max() < 0.002
    assert gate.resting[ARM].astype(np.float64).tolist() == command.tolist()


def test_limits_of_the_urdf_apply_where_they_are_tighter():
    slow = read_urdf(URDF.to_xml_string().replace('velocity="9"', 'velocity="0.2"')
                     .replace('velocity="9.0"', 'velocity="0.2"'))
    gate = SafetyGate(CONTRACT, slow)
    gate.reset(observed())
    commands, _ = drive(gate, action((0.0, 1.0)), 60)
    assert differences(commands[:, ARM], 1).max() <= 0.2 * (1 + 1e-4)


def test_a_box_around_links_without_a_urdf_is_refused():
    with pytest.raises(ValueError, match='needs a URDF'):
        SafetyGate(CONTRACT)
    with pytest.raises(KinematicsError, match="no link 'hand'"):
        SafetyGate(contract(workspace__links=['hand']), URDF)
    with pytest.raises(ContractError, match='needs kinematics'):
        contract(kinematics=None)
    with pytest.raises(ContractError, match='guards nothing'):
        contract(workspace__links=[], workspace__observation='', workspace__action='')
    with pytest.raises(ContractError, match='belong together'):
        contract(workspace__action='')
