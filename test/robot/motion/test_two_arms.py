# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two arms whose joints have the same names are held, limited and driven home each by itself."""

import numpy as np
import planar_arm
import pytest
from twin_arms import description, LEFT, observed, RIGHT

from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.motion.command_path import CommandPath
from inril_ros.robot.motion.kinematics import read_urdf
from inril_ros.robot.motion.safety import SafetyGate

URDF = read_urdf(planar_arm.URDF)
BOTH = np.concatenate([LEFT, RIGHT])
JOG = {'type': 'control_msgs/msg/JointJog', 'quantity': 'velocity', 'hold': 'zero'}


@pytest.mark.parametrize('robot', [None, URDF], ids=['no URDF', 'URDF'])
def test_each_arm_is_anchored_at_its_own_pose(robot):
    gate = SafetyGate(parse_contract(description()), robot)
    gate.anchor(observed())
    np.testing.assert_allclose(gate.hold('test').action, BOTH, atol=1e-6)
    assert not gate.lost(observed())
    assert gate.lost(observed(left=LEFT + 1.0)).startswith('left does not follow')
    assert gate.lost(observed(right=RIGHT + 1.0)).startswith('right does not follow')


def test_each_arm_waits_for_its_own_joints():
    gate = SafetyGate(parse_contract(description(max_lead=0.05)))
    for _ in range(100):
        verdict = gate.check(BOTH + 0.5, observed(right=BOTH[2:] + 0.5))
    np.testing.assert_allclose(verdict.action[:2], LEFT + 0.05, atol=1e-6)
    np.testing.assert_allclose(verdict.action[2:], RIGHT + 0.5, atol=1e-6)
    assert 'left waits for the robot' in verdict.reasons
    assert 'right waits for the robot' not in verdict.reasons


@pytest.mark.parametrize(('beyond', 'moving'), [('left', 'right'), ('right', 'left')])
def test_a_joint_velocity_ends_at_the_limit_of_its_own_arm(beyond, moving):
    contract = parse_contract(description(
        **JOG, position_minimum=[-1.0, -1.0], position_maximum=[1.0, 1.0]))
    gate = SafetyGate(contract)
    places = {beyond: [0.999, 0.999], moving: [0.0, 0.0]}
    verdict = gate.check(np.ones(4, np.float32), observed(**places))
    assert verdict.action[contract.action_slice(beyond)].tolist() == [0.0, 0.0]
    assert verdict.action[contract.action_slice(moving)].tolist() == [1.0, 1.0]
    assert verdict.reasons == (f'{beyond} brakes at a joint limit',)


def test_each_arm_drives_to_its_own_home():
    data = description()
    data['episode']['home'] = {'left.shoulder': 0.5, 'right.elbow': -0.5}
    path = CommandPath(parse_contract(data), enabled=True)
    path.go_home(observed())
    home = path._home
    np.testing.assert_allclose(home.at(home.duration), [0.5, LEFT[1], RIGHT[0], -0.5], atol=1e-6)


def test_links_of_two_arms_with_one_urdf_are_not_guarded_by_guessing():
    data = description()
    data['kinematics'] = {'urdf': 'planar.urdf'}
    data['workspace'] = {'links': ['tool'], 'minimum': [-1.0] * 3, 'maximum': [1.0] * 3}
    with pytest.raises(ValueError, match=r"\['elbow', 'shoulder'\].*commanded by several actions"):
        SafetyGate(parse_contract(data), URDF)
