# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Episodes on the mock arm in real time: driven by chunks, homed, held on a fault, in the box."""

from contract_files import with_keys
from inril_ros.msg import ExecutedAction
from mock_operator import operating
import numpy as np
import pytest

from inril_ros.robot.motion.kinematics import KinematicChain, urdf_of

JOINT = 'shoulder_pan_joint'
AT_EASE = {'episode.time_limit': 120.0,  # the test ends its episodes
           'safety.latch_after': 60.0}  # the test machine may be busy


@pytest.fixture(params=['mock_arm', 'mock_arm_forward'])
def operator(request, tmp_path):
    contract = with_keys(request.param, tmp_path / 'contract.yaml', **AT_EASE)
    with operating(contract, tmp_path / 'logs') as made:
        yield made


def test_chunks_drive_the_arm_a_fault_holds_it_and_a_reset_homes_it(operator):
    operator.goal[0] = 0.3
    first = operator.begin()
    operator.wait_until(lambda: operator.joints[JOINT] > 0.28, 'the arm at its goal')
    operator.end(first)
    driven = [tick for tick in operator.of(first) if tick.source == ExecutedAction.POLICY]
    assert driven and all(tick.weights_version == 1 for tick in driven)
    limits = operator.contract.action_minimum - 1e-6, operator.contract.action_maximum + 1e-6
    assert all((limits[0] <= tick.executed).all() and (tick.executed <= limits[1]).all()
               for tick in operator.of(first))

    second = operator.begin()
    operator.wait_until(lambda: operator.of(second), 'a tick')
    assert abs(operator.of(second)[0].executed[0]) < 0.05  # it was homed before
    operator.fail('nan')
    operator.wait_until(lambda: operator.sources(second)[-2:] == [ExecutedAction.HOLD] * 2
                        and operator.of(second)[-1].reasons, 'a hold with its reason')
    operator.fail('')
    operator.wait_until(lambda: operator.sources(second)[-2:] == [ExecutedAction.POLICY] * 2,
                        'the policy to drive again')
    operator.end(second)


def test_a_shipped_arm_is_kept_in_its_box_by_a_contract_that_was_copied(tmp_path):
    """Turned to its side, an SO-101 would leave its box to the back."""
    contract = with_keys(
        'so101_forward_position', tmp_path / 'arm.yaml', **AT_EASE, **{
            'cameras': {}, 'policy_images': None, 'episode.ready': 'service',
            'episode.reset_service': 'reset'})
    with operating(contract, tmp_path / 'logs') as operator:
        box = operator.contract.workspace
        operator.goal[0] = 1.8
        episode = operator.begin()
        operator.wait_until(lambda: any(
            'gripper_frame_link x' in reason or 'wrist_link x' in reason
            for tick in operator.of(episode)[-1:] for reason in tick.reasons), 'the box')
        operator.end(episode)
    assert max(tick.executed[0] for tick in operator.of(episode)) > 1.0  # it went there
    joints = operator.contract.actions['joints'].joints[:5]
    chain = KinematicChain(urdf_of(operator.contract, contract), joints, box.links)
    for tick in operator.of(episode):
        places = chain.positions(np.array([tick.executed[:5]], np.float64))[:, 0]
        assert (places >= np.array(box.minimum) - 1e-4).all()
        assert (places <= np.array(box.maximum) + 1e-4).all()
