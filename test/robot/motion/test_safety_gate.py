# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Only requests that are finite and within the limits pass the gate."""

from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
import numpy as np
import pytest
import yaml

from inril_ros.robot.contract.contract import ContractError, load_contract, parse_contract
from inril_ros.robot.motion.safety import SafetyGate
from inril_ros.robot.motion.tick import UnknownPose

PATH = Path(__file__).parents[3] / 'config' / 'robots' / 'metaworld_sawyer.yaml'
CONTRACT = load_contract(PATH)
BOX = CONTRACT.workspace
CENTRE = (np.array(BOX.minimum) + BOX.maximum) / 2
LOW = CONTRACT.action_minimum.astype(np.float32)
HIGH = CONTRACT.action_maximum.astype(np.float32)


def as_sent(requested):
    with np.errstate(over='ignore'):
        return requested.astype(np.float32)


def seen(position=CENTRE):
    return {'hand_position': np.asarray(position, np.float64)}


def allowed(action):
    return action.dtype == np.float32 and action.shape == LOW.shape and bool(
        np.isfinite(action).all() and (action >= LOW).all() and (action <= HIGH).all())


any_request = st.one_of(
    npst.arrays(np.float32, 4, elements=st.floats(width=32)),
    npst.arrays(np.float64, 4, elements=st.floats()),
    npst.arrays(np.float64, 4, elements=st.floats(-1.0, 1.0)),
    npst.arrays(np.float32, npst.array_shapes(max_dims=2, min_side=0, max_side=9)))
any_position = st.none() | npst.arrays(np.float64, 3, elements=st.floats(-2.0, 2.0))


@given(st.lists(st.tuples(any_request, any_position), min_size=1, max_size=6))
@example([(np.full(4, np.nan), CENTRE)])
@example([(np.full(4, 1e308), CENTRE)])
@example([(np.full(4, -np.inf), None)])
def test_for_any_request_the_sent_action_is_allowed_and_explained(requests):
    gate = SafetyGate(CONTRACT)
    for requested, position in requests:
        verdict = gate.check(requested, None if position is None else seen(position))
        assert allowed(verdict.action)
        same = np.array_equal(verdict.action, as_sent(requested))
        assert same or verdict.reasons
        assert not verdict.reasons or verdict.held or not same
        assert verdict.reasons if verdict.held else True


@given(npst.arrays(np.float32, 4, elements=st.floats(-0.75, 0.75, width=32)))
def test_a_request_within_all_limits_is_sent_unchanged(requested):
    verdict = SafetyGate(CONTRACT).check(requested, seen())
    assert verdict.action.tolist() == requested.tolist()
    assert (verdict.held, verdict.reasons) == (False, ())


def test_a_request_in_double_precision_is_not_called_limited_for_its_rounding():
    requested = np.array([0.1, 0.2, 0.3, 0.4])
    assert SafetyGate(CONTRACT).check(requested, seen()).reasons == ()


@pytest.mark.parametrize(('requested', 'reasons'), [
    ([2.0, 0, 0, 0], ('hand_velocity limited',)),
    ([0, 0, 0, -1.5], ('gripper_effort limited',)),
    ([0, -0.9, 0, 7], ('hand_velocity limited', 'gripper_effort limited'))])
def test_the_reasons_for_a_limited_action_are_named(requested, reasons):
    requested = np.array(requested, np.float32)
    verdict = SafetyGate(CONTRACT).check(requested, seen())
    assert verdict.action.tolist() == np.clip(requested, LOW, HIGH).tolist()
    assert (verdict.held, verdict.reasons) == (False, reasons)


@pytest.mark.parametrize(('requested', 'values', 'reason'), [
    (np.zeros(4, np.float32), None, 'no valid observation'),
    (np.zeros(3, np.float32), seen(), '3 values requested, 4 needed'),
    (np.zeros((1, 4), np.float32), seen(), '4 values requested, 4 needed'),
    (np.array([0, 0, np.nan, 0], np.float32), seen(), 'a requested value is not finite'),
    (np.array([np.inf, 0, 0, 0], np.float32), seen(), 'a requested value is not finite')])
def test_when_in_doubt_velocities_stop_and_the_gripper_keeps_its_grip(requested, values, reason):
    gate = SafetyGate(CONTRACT)
    gate.check(np.array([0.5, -0.5, 0.25, 0.75], np.float32), seen())
    verdict = gate.check(requested, values)
    assert (verdict.held, verdict.reasons) == (True, (reason,))
    assert verdict.action.tolist() == [0.0, 0.0, 0.0, 0.75]


def test_a_repeated_hold_is_the_same_and_a_reset_ends_it():
    gate = SafetyGate(CONTRACT)
    gate.check(np.array([0, 0, 0, 1], np.float32), seen())
    assert gate.hold('first').action.tolist() == [0, 0, 0, 1]
    assert gate.hold('second').action.tolist() == [0, 0, 0, 1]
    gate.reset(None)
    assert gate.hold('after').action.tolist() == [0, 0, 0, 0]


def test_the_held_action_is_the_sent_one_and_not_the_request():
    gate = SafetyGate(CONTRACT)
    gate.check(np.array([0, 0, 0, 9], np.float32), seen())
    assert gate.hold('lost').action[3] == 1.0


def test_a_verdict_does_not_change_afterwards():
    gate = SafetyGate(CONTRACT)
    first = gate.check(np.array([0.5, 0, 0, 0.5], np.float32), seen())
    copy = first.action.copy()
    gate.hold('lost')
    gate.check(np.zeros(4, np.float32), seen())
    assert first.action.tolist() == copy.tolist()


@pytest.mark.parametrize('axis', [0, 1, 2])
@pytest.mark.parametrize('side', [-1, 1])
def test_only_the_axis_that_leaves_the_box_is_stopped(axis, side):
    position = CENTRE.copy()
    position[axis] = (BOX.minimum, BOX.maximum)[side > 0][axis]
    outwards = np.full(4, 0.5 * side, np.float32)
    verdict = SafetyGate(CONTRACT).check(outwards, seen(position))
    expected = outwards.copy()
    expected[axis] = 0.0
    assert verdict.action.tolist() == expected.tolist()
    assert verdict.reasons == (f'workspace {"xyz"[axis]}',)
    back = SafetyGate(CONTRACT).check(-outwards, seen(position))
    assert (back.action.tolist(), back.reasons) == ((-outwards).tolist(), ())


@given(npst.arrays(np.float64, 3, elements=st.floats(-1.5, 1.5)),
       npst.arrays(np.float32, 4, elements=st.floats(-0.75, 0.75, width=32)))
def test_no_axis_ends_a_tick_further_outside_the_box_than_it_began(position, requested):
    verdict = SafetyGate(CONTRACT).check(requested, seen(position))
    after = position + verdict.action[:3] * CONTRACT.period
    for corner, sign in ((BOX.minimum, -1.0), (BOX.maximum, 1.0)):
        outside = np.maximum(sign * (position - corner), 0.0)
        assert (sign * (after - corner) <= outside + 1e-9).all()


def test_a_robot_without_a_box_is_only_limited():
    data = yaml.safe_load(PATH.read_text())
    del data['workspace']
    requested = np.full(4, 0.5, np.float32)
    verdict = SafetyGate(parse_contract(data)).check(requested, seen([99.0, 99.0, 99.0]))
    assert verdict.action.tolist() == requested.tolist()


def position_arm():
    """Return the contract of an arm with commanded joint positions."""
    data = yaml.safe_load(PATH.read_text())
    del data['workspace'], data['teleoperation']
    data['actions'] = {'joints': {
        'topic': 'command/joints', 'type': 'trajectory_msgs/msg/JointTrajectory',
        'joints': ['right_j1', 'right_j0'], 'quantity': 'position', 'hold': 'last',
        'minimum': [-3.0, -3.0], 'maximum': [3.0, 3.0]}}
    return parse_contract(data)


def test_the_measured_joint_positions_are_held():
    """An arm that holds before its first command must not drive to position 0."""
    gate = SafetyGate(position_arm())
    with pytest.raises(UnknownPose):
        gate.hold()
    gate.reset({'arm_position': np.array([0.4, -0.7, 0, 0, 0, 0, 0])})
    np.testing.assert_allclose(gate.hold().action, [-0.7, 0.4], rtol=1e-6)


def test_positions_that_are_not_measured_are_not_commanded():
    data = yaml.safe_load(PATH.read_text())
    data['actions']['gripper_effort'].update(quantity='position', joints=['thumb'])
    with pytest.raises(ContractError, match='thumb'):
        parse_contract(data)
