# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a contract and its URDF contradict each other in is found without starting a node."""

from pathlib import Path

import joint_arm
import numpy as np
import planar_arm
import pytest

from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.motion.gate_check import check_gate
from inril_ros.robot.motion.safety import SafetyGate

SHIPPED = sorted((Path(__file__).parents[3] / 'config' / 'robots').glob('*.yaml'))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'planar.urdf').write_text(planar_arm.URDF)
    return tmp_path


def found(folder, **changes):
    return check_gate(joint_arm.contract(**changes), folder / 'arm.yaml')


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_the_gates_of_shipped_contracts_can_be_built(path):
    assert check_gate(load_contract(path), path)[0] == []


@pytest.mark.parametrize(('changes', 'words'), [
    ({'workspace__links': ['hand']}, ["no link 'hand'"]),
    ({'actions__arm__minimum': [-110.0, -2.0], 'actions__arm__maximum': [110.0, 2.0]},
     ["-110..110 of 'shoulder' is far beyond the -2.5..2.5", 'degrees']),
    ({'actions__arm__minimum': [2.6, -2.0], 'actions__arm__maximum': [3.0, 2.0]},
     ['actions.arm', 'contradict']),
    ({'actions__arm__maximum': [3.0, 2.0], 'episode__home': {'shoulder': 2.8}},
     ["'shoulder' of actions.arm at 2.8", '-2..2.5']),
    ({'episode__home': {'shoulder': 1.5, 'elbow': 0.5}}, ["['tool'] outside of the workspace"])])
def test_each_contradiction_is_a_mistake(folder, changes, words):
    [mistake], _ = found(folder, **changes)
    for word in words:
        assert word in mistake


def test_limits_that_no_joint_has_are_named_without_a_urdf(folder):
    mistakes, notes = found(
        folder, kinematics=..., workspace=..., actions__arm__minimum=[-170.0, -2.0],
        actions__arm__maximum=[170.0, 2.0])
    assert mistakes == []
    assert "actions.arm: the limits of ['shoulder'] are beyond two turns: are they in degrees?" \
        in notes[0]


def test_a_urdf_that_is_none_is_a_mistake(tmp_path):
    [missing], _ = check_gate(joint_arm.CONTRACT, tmp_path / 'arm.yaml')
    assert missing.startswith('kinematics.urdf: planar.urdf')
    (tmp_path / 'planar.urdf').write_text('<robot')
    [broken], _ = check_gate(joint_arm.CONTRACT, tmp_path / 'arm.yaml')
    assert 'cannot be read' in broken


def test_limits_of_the_urdf_apply_to_the_joints_that_it_has(folder):
    """Of an action with a joint that the URDF lacks, the others keep to the URDF."""
    contract = joint_arm.contract(
        workspace=None, kinematics__urdf='planar.urdf',
        observations__joints__joints=['elbow', 'shoulder', 'slide'],
        actions__arm__joints=['shoulder', 'elbow', 'slide'],
        actions__arm__minimum=[-3.0] * 3, actions__arm__maximum=[3.0] * 3,
        actions__arm__max_velocity=[1.0], actions__arm__max_acceleration=[5.0],
        actions__arm__max_jerk=[80.0])
    assert check_gate(contract, folder / 'arm.yaml') == (
        [], ["the URDF has no joints ['slide'] of actions.arm: the limits of the contract alone "
             'apply to them',
             "the URDF has no joints ['finger'] of actions.gripper: the limits of the contract "
             'alone apply to them'])
    limits = SafetyGate(contract, joint_arm.URDF).joint_limits
    np.testing.assert_array_equal(limits.maximum, [2.5, 2.5, 3.0])
