# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bags that were recorded when the same contract had another hash, because it meant other numbers.

Their messages are the same, so they are read as others are. What was learned from them before is
not: such a policy takes other numbers.
"""

from pathlib import Path

from inril_ros.data.demonstrations.demonstration_set import list_demonstrations
from inril_ros.robot.contract.contract import Contract


def former_recordings(folder: Path, contract: Contract) -> str:
    """Return how many bags of a folder are of that time, and what that means; empty if none."""
    if not contract.former_hash or not folder.is_dir():
        return ''
    number = sum(each.contract_hash == contract.former_hash
                 for each in list_demonstrations(folder) if each.state == 'kept')
    if not number:
        return ''
    return (f'{folder}: {number} bags were recorded when contract {contract.name!r} had the hash '
            f'{contract.former_hash[:8]}; it is {contract.hash[:8]} since quaternions keep their '
            'sign within an episode. The bags are read that way too; a policy that was cloned '
            'from them before must be cloned again.')
