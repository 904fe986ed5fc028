# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Limits of loads in a contract: what fits, what doesn't, and the contracts without any."""

from pathlib import Path

from joint_arm import CONTRACT, contract, EFFORTS, FORCE, loaded_contract
import pytest

from inril_ros.robot.contract.contract import ContractError, load_contract

ROBOTS = Path(__file__).resolve().parents[3] / 'config' / 'robots'
# Of all contracts that were shipped before there were load limits.
KNOWN = {'mock_arm': '122a1cf31936', 'aloha': '16f5d2071c3d',
         'so101_forward_position': '17bbdb4afa61', 'ur5e_joint_trajectory': '16595802441a',
         'metaworld_sawyer': 'dd4cfea011f4'}


def test_contracts_without_the_key_keep_their_hash_and_a_limit_changes_it():
    for name, digest in KNOWN.items():
        assert load_contract(ROBOTS / f'{name}.yaml').hash.startswith(digest)
    assert contract(load_limits={}).hash == CONTRACT.hash
    observed = {'observations__efforts': EFFORTS, 'observations__force': FORCE}
    assert loaded_contract().hash != contract(**observed).hash


def test_the_joints_of_an_effort_are_relieved_by_their_action_and_a_force_by_whom_it_names():
    assert loaded_contract().relieved('stall') == ('arm',)
    assert loaded_contract().relieved('contact') == ()
    assert loaded_contract(load_limits__contact__relieve=['arm']).relieved('contact') == ('arm',)


@pytest.mark.parametrize(('changes', 'message'), [
    ({'load_limits__stall__observation': 'current'}, "'current', which is none of"),
    ({'load_limits__stall__observation': 'joints'}, 'observe the same joints with quantity'),
    ({'load_limits__stall__limit': [1.0, 2.0, 3.0]}, 'limit has 3 values: 1 is needed, or 2'),
    ({'load_limits__stall__limit': []}, 'load_limits.stall.limit'),
    ({'load_limits__stall__limit': [-1.0]}, 'load_limits.stall.limit'),
    ({'load_limits__contact__limit': [1.0, 2.0, 3.0]}, '1 is needed, of the magnitude'),
    ({'load_limits__stall__stop_above': [9.0, 8.0]}, 'stop_above 8 is not above the limit 8'),
    ({'load_limits__stall__relieve': ['hand_velocity']}, "relieve names 'hand_velocity'"),
    ({'load_limits__stall__hold_after': 0.0}, 'load_limits.stall.hold_after'),
    ({'observations__force__field': 'wrench'}, 'observe wrench.force and wrench.torque'),
    ({'observations__force__latched': True}, 'is latched'),
])
def test_what_does_not_fit_is_refused_with_its_key(changes, message):
    with pytest.raises(ContractError, match=message):
        loaded_contract(**changes)
