# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The dataset's names of joints and cameras that the user gave."""

from collections.abc import Mapping, Sequence
from typing import Any

from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.data.lerobot.names import columns_of, names_of, places_of
from inril_ros.robot.contract.contract import Contract


def parse_map(pairs: Sequence[str], contract: Contract) -> dict[str, str]:
    """Return the dataset's names by the contract's, from ``CONTRACT=DATASET`` as a user types it.

    Raises:
        LeRobotError: A pair has another form, or the contract has no such joint or camera.
    """
    columns = [*columns_of(contract.observations), *columns_of(contract.actions)]
    known = dict.fromkeys([*(column.joint for column in columns if column.joint),
                           *(column.name for column in columns), *contract.policy_cameras])
    given: dict[str, str] = {}
    for pair in pairs:
        ours, sign, theirs = pair.partition('=')
        if not (ours and sign and theirs):
            raise LeRobotError(f"--map {pair}: must be <the contract's name>=<the dataset's>")
        if ours not in known:
            raise LeRobotError(f'--map {pair}: the contract has no {ours}; it has '
                               f'{", ".join(known)}')
        if given.setdefault(ours, theirs) != theirs:
            raise LeRobotError(f'--map {pair}: {ours} was {given[ours]} before')
    return given


def check_map_used(given: Mapping[str, str], features: Sequence[Mapping[str, Any]],
                   contract: Contract) -> None:
    """Check that the dataset has each name that the user gave for a joint.

    Raises:
        LeRobotError: It lacks one.
    """
    lists = [names_of(feature)[0] for feature in features]
    for ours, theirs in given.items():
        if ours not in contract.policy_cameras and not any(
                places_of(theirs, names) for names in lists):
            raise LeRobotError(f'--map {ours}={theirs}: the dataset has no {theirs}; it has '
                               f'{", ".join(dict.fromkeys(sum(lists, [])))}')
