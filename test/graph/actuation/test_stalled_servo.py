# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A servo that stalls in the running graph: held, relieved, and resumed by a person."""

from contract_files import ROBOTS, with_keys
from inril_ros.msg import ExecutedAction
from mock_operator import operating
import numpy as np
import pytest
from std_srvs.srv import Trigger
import yaml

FIRST = 'elbow_joint'  # the joint that the arm's fault blocks
PLACE = 2  # in the action vector


@pytest.fixture
def operator(tmp_path):
    arm = yaml.safe_load((ROBOTS / 'mock_arm.yaml').read_text(encoding='utf-8'))
    joints = arm['observations']['joint_positions']['joints']
    contract = with_keys('mock_arm', tmp_path / 'contract.yaml', **{
        'episode.time_limit': 120.0, 'safety.latch_after': 60.0, 'cameras': {},
        'observations.joint_efforts': {
            'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState', 'joints': joints,
            'quantity': 'effort', 'max_age': 0.5},
        'load_limits': {'stall': {
            'observation': 'joint_efforts', 'limit': [9.0], 'hold_after': 0.4}}})
    with operating(contract, tmp_path / 'logs') as made:
        yield made


def test_a_stalled_servo_is_held_relieved_and_resumed_and_a_missing_effort_holds(operator):
    operator.goal[PLACE] += 0.5
    episode = operator.begin()
    operator.wait_until(lambda: operator.sources(episode)[-2:] == [ExecutedAction.POLICY] * 2,
                        'the policy to drive')
    operator.fail('stall')
    operator.wait_until(lambda: operator.status.latched, 'a latched hold')
    reason = f'stall: effort of {FIRST} above 9 for more than 0.4 s'
    assert operator.status.latched == reason
    # What is commanded goes back to where the joint is: nothing presses any longer.
    operator.wait_until(lambda: np.abs(
        operator.of(episode)[-1].executed[PLACE] - operator.joints[FIRST]) < 0.005, 'relief')
    held = operator.of(episode)[-1]
    assert held.source == ExecutedAction.HOLD
    assert f'held until resumed: {reason}' in held.reasons
    operator.fail('')
    operator.wait_until(lambda: operator.of(episode)[-5].executed == (
        operator.of(episode)[-1].executed), 'rest')
    assert operator.ask(Trigger, 'actuation_node/resume').success
    operator.wait_until(lambda: operator.sources(episode)[-2:] == [ExecutedAction.POLICY] * 2,
                        'the policy to drive again')

    operator.fail('no_effort')
    operator.wait_until(lambda: 'stall is not checked: no valid observation' in
                        operator.of(episode)[-1].reasons, 'a hold for want of efforts')
    assert operator.of(episode)[-1].source == ExecutedAction.HOLD
    operator.fail('')
    operator.wait_until(lambda: operator.sources(episode)[-2:] == [ExecutedAction.POLICY] * 2,
                        'the policy to drive with efforts')
    operator.end(episode)
