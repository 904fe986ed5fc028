# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Velocity-controlled joints stop at the limits of URDF and contract, and can come back."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st
from joint_arm import URDF
import numpy as np
import pytest

from inril_ros.robot.contract.contract import ContractError, parse_contract
from inril_ros.robot.motion.safety import SafetyGate
from inril_ros.robot.motion.tick import Conditions
from inril_ros.robot.motion.velocity_bounds import SentVelocities

PERIOD, HIGHEST = 0.02, 2.5


def contract(**limits):
    return parse_contract({
        'name': 'jogged', 'control_rate': 1.0 / PERIOD,
        'observations': {'angles': {
            'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
            'joints': ['elbow', 'shoulder'], 'max_age': 0.2}},
        'policy_observations': ['angles'],
        'actions': {'jog': {
            'topic': 'servo', 'type': 'control_msgs/msg/JointJog', 'quantity': 'velocity',
            'joints': ['shoulder', 'elbow'], 'minimum': [-1.5, -1.5], 'maximum': [1.5, 1.5],
            **limits}},
        'kinematics': {'urdf': 'planar.urdf'}, 'episode': {'time_limit': 10.0}})


SOFT = {'max_acceleration': [5.0], 'max_jerk': [100.0]}


def jog(gate, joints, request):
    """Send a request; return the joint positions a period later."""
    verdict = gate.check(np.array(request, np.float32), {'angles': joints[::-1]})
    return joints + verdict.action.astype(np.float64) * PERIOD, verdict


@given(start=st.tuples(*[st.floats(-2.4, 2.4)] * 2), limits=st.sampled_from([{}, SOFT]),
       requests=st.lists(st.tuples(*[st.floats(-3.0, 3.0)] * 2), min_size=1, max_size=8),
       ticks=st.integers(1, 60))
def test_no_sequence_of_velocities_leads_beyond_a_limit(start, limits, requests, ticks):
    gate, joints = SafetyGate(contract(**limits), URDF), np.array(start)
    for request in requests:
        for _ in range(ticks):
            joints, verdict = jog(gate, joints, request)
            assert (np.abs(joints) <= HIGHEST + 1e-6).all()
            assert verdict.reasons or np.allclose(verdict.action, np.float32(request))


@pytest.mark.parametrize('limits', [{}, SOFT])
def test_the_joint_stops_at_the_limit_with_the_reason_and_comes_back(limits):
    gate, joints = SafetyGate(contract(**limits), URDF), np.array([2.0, 0.0])
    for _ in range(200):
        joints, verdict = jog(gate, joints, [1.5, 0.0])
    assert 2.3 < joints[0] <= HIGHEST
    assert 'jog brakes at a joint limit' in verdict.reasons
    for _ in range(100):
        joints, verdict = jog(gate, joints, [-1.0, 0.0])
    assert joints[0] < 1.5 and verdict.reasons == ()


@pytest.mark.parametrize('limits', [{}, SOFT])
def test_beyond_the_limit_only_the_way_back_is_allowed(limits):
    gate = SafetyGate(contract(**limits), URDF)
    beyond = np.array([2.6, 0.0])
    stopped, _ = jog(gate, beyond, [1.0, 0.0])
    assert stopped[0] == 2.6
    for _ in range(30):
        beyond, _ = jog(gate, beyond, [-1.0, 0.0])
    assert beyond[0] < 2.5


def test_without_urdf_and_limits_the_gate_warns_that_nothing_is_bounded():
    gate, joints = SafetyGate(contract()), np.array([2.49, 0.0])
    joints, verdict = jog(gate, joints, [1.5, 0.0])
    assert verdict.reasons == () and joints[0] > 2.5
    assert gate.unbounded == ('jog',)
    assert SafetyGate(contract(), URDF).unbounded == ()


@given(delay=st.integers(0, 10), margin=st.integers(0, 3), limits=st.sampled_from([{}, SOFT]),
       requests=st.lists(st.tuples(*[st.floats(-3.0, 3.0)] * 2), min_size=1, max_size=6),
       ticks=st.integers(1, 60))
def test_an_old_measurement_does_not_lead_beyond_a_limit(delay, margin, limits, requests, ticks):
    """Commands sent since the measurement count; counting some earlier ones does no harm."""
    gate, joints = SafetyGate(contract(**limits), URDF), np.zeros(2)
    seen = deque([joints] * (delay + 1), maxlen=delay + 1)
    conditions = Conditions(observation_age=min(0.2, PERIOD * (delay + margin)))
    delay = min(delay, round(0.2 / PERIOD))
    for request in requests:
        for _ in range(ticks):
            verdict = gate.check(np.array(request, np.float32), {'angles': seen[0][::-1]},
                                 conditions)
            joints = joints + verdict.action.astype(np.float64) * PERIOD
            seen.append(joints)
            assert (np.abs(joints) <= HIGHEST + 1e-6).all()


TIGHT = {'position_minimum': [-1.0, -4.0], 'position_maximum': [1.0, 4.0]}


@pytest.mark.parametrize(('robot', 'ends'), [(None, (1.0, 4.0)), (URDF, (1.0, HIGHEST))])
@pytest.mark.parametrize('limits', [{}, SOFT])
def test_the_tighter_limit_of_contract_and_urdf_counts(robot, ends, limits):
    gate, joints = SafetyGate(contract(**TIGHT, **limits), robot), np.zeros(2)
    assert gate.unbounded == ()
    for _ in range(400):
        joints, verdict = jog(gate, joints, [1.5, 1.5])
    assert (joints <= np.array(ends) + 1e-6).all() and (joints > np.array(ends) - 0.2).all()
    assert verdict.reasons == ('jog brakes at a joint limit',)


@pytest.mark.parametrize(('wrong', 'words'), [
    ({'position_minimum': [-1.0]}, 'has 1 and position_maximum 0 values: .* need 2 of each'),
    ({'position_minimum': [1.0, 0.0], 'position_maximum': [1.0, 1.0]}, '1.0 is not below'),
    ({'joints': ['shoulder', 'wrist'], **TIGHT}, "positions of .'wrist'., which no observation")])
def test_contradictory_limits_are_refused(wrong, words):
    with pytest.raises(ContractError, match=words):
        contract(**wrong)


def test_limits_that_contradict_the_urdf_are_refused():
    with pytest.raises(ValueError, match='contradict each other'):
        SafetyGate(contract(position_minimum=[3.0, -1.0], position_maximum=[4.0, 1.0]), URDF)


@given(sent=st.lists(st.floats(-2.0, 2.0), max_size=12), ticks=st.integers(0, 5))
def test_the_reach_covers_the_last_ticks(sent, ticks):
    velocities = SentVelocities(1, PERIOD, 0.1)
    for value in sent:
        velocities.add(np.array([value]))
    last = [0.0] * ticks + sent
    ways = [PERIOD * sum(last[len(last) - count:]) for count in range(ticks + 1)]
    down, up = velocities.reach(ticks * PERIOD)
    assert (down[0], up[0]) == pytest.approx((min(ways), max(ways)))
    velocities.forget()
    assert velocities.reach(0.1) == (0.0, 0.0)
