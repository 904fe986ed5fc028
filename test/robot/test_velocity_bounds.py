# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Joints that are commanded by velocity stop at the limits of the URDF, and come back from beyond.
"""

from hypothesis import given
from hypothesis import strategies as st
from joint_arm import URDF
import numpy as np
import pytest

from inril_ros.robot.contract import parse_contract
from inril_ros.robot.safety import SafetyGate

PERIOD, HIGHEST = 0.02, 2.5


def contract(**limits):
    return parse_contract({
        'name': 'jogged', 'control_rate': 1.0 / PERIOD,
        'observations': {'angles': {
            'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
            'joints': ['elbow', 'shoulder']}},
        'policy_observations': ['angles'],
        'actions': {'jog': {
            'topic': 'servo', 'type': 'control_msgs/msg/JointJog', 'quantity': 'velocity',
            'joints': ['shoulder', 'elbow'], 'minimum': [-1.5, -1.5], 'maximum': [1.5, 1.5],
            **limits}},
        'kinematics': {'urdf': 'planar.urdf'}, 'episode': {'time_limit': 10.0}})


SOFT = {'max_acceleration': [5.0], 'max_jerk': [100.0]}


def jog(gate, joints, request):
    """Send a request; return where the joints are a period later."""
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
def test_it_stops_at_the_limit_says_why_and_comes_back(limits):
    gate, joints = SafetyGate(contract(**limits), URDF), np.array([2.0, 0.0])
    for _ in range(200):
        joints, verdict = jog(gate, joints, [1.5, 0.0])
    assert 2.3 < joints[0] <= HIGHEST
    assert 'jog brakes at a joint limit' in verdict.reasons
    for _ in range(100):
        joints, verdict = jog(gate, joints, [-1.0, 0.0])
    assert joints[0] < 1.5 and verdict.reasons == ()


@pytest.mark.parametrize('limits', [{}, SOFT])
def test_from_beyond_the_limit_only_the_way_back_is_open(limits):
    gate = SafetyGate(contract(**limits), URDF)
    beyond = np.array([2.6, 0.0])
    stopped, _ = jog(gate, beyond, [1.0, 0.0])
    assert stopped[0] == 2.6
    for _ in range(30):
        beyond, _ = jog(gate, beyond, [-1.0, 0.0])
    assert beyond[0] < 2.5


def test_without_a_urdf_there_is_no_limit_to_brake_at():
    gate, joints = SafetyGate(contract()), np.array([2.49, 0.0])
    joints, verdict = jog(gate, joints, [1.5, 0.0])
    assert verdict.reasons == () and joints[0] > 2.5
