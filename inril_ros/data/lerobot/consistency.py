# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether a joint's commands and its measured positions can be of the same joint and unit.

An arm follows its commands. Where both move together but not by the same amount, or stay far
apart, one of them is in another unit, of another zero, turned round, or of another joint, even if
both are within the limits. Grippers are left out: what they hold keeps them from their command.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from inril_ros.data.lerobot.format import ACTION, LeRobotError, STATE
from inril_ros.data.lerobot.names import Column, is_gripper
from inril_ros.data.lerobot.units import limits_of
from inril_ros.robot.contract.contract import Contract

_FEWEST = 10  # frames from which something can be concluded
_MOVES = 0.02  # share of the limits' range that a joint must move by (standard deviation)
_TOGETHER = 0.95  # correlation of what moves together
_SAME = (0.6, 1 / 0.6)  # ratio of motions of the same unit
_AS_CHANGE = 0.2  # a command this much nearer to the measured change than to the measurement
_FAR = 0.3  # share of the limits' range that a command isn't away from the measurement


def check_commands_follow(
    columns: Mapping[str, Sequence[Column]], values: Sequence[Mapping[str, np.ndarray]],
    contract: Contract,
) -> None:
    """Check that each position command is of the joint that it is measured by.

    Args:
        columns: The contract's numbers of states and of actions.
        values: States (n, S) and actions (n, A) of each episode, in the contract's units.
        contract: The robot's contract.

    Raises:
        LeRobotError: One can't be; the message has the figures of each.
    """
    places = {(column.entry, column.place): place for place, column in enumerate(columns[STATE])}
    states = np.concatenate([part[STATE] for part in values])
    actions = np.concatenate([part[ACTION] for part in values])
    changes = np.concatenate([np.diff(part[STATE], axis=0, append=part[STATE][-1:])
                              for part in values])
    faults = []
    for place, column in enumerate(columns[ACTION]):
        measured = contract.places(column.entry)
        if (column.quantity != 'position' or not measured or is_gripper(column.joint)
                or len(actions) < _FEWEST):
            continue
        low, high = limits_of(column, contract)
        where = places[measured[column.place][:2]]
        fault = _fault(states[:, where], changes[:, where], actions[:, place], high - low)
        if fault:
            faults.append(f'  {column.name}: {fault}')
    if faults:
        raise LeRobotError('\n'.join([
            'commands are not those of the measured joints:', *faults,
            'One of the two is in another unit (--units ENTRY.JOINT=UNIT), of another joint '
            '(--map), has another zero, or is a change and no position: compare them, '
            'and mend the dataset where it is wrong']))


def _fault(state: np.ndarray, change: np.ndarray, action: np.ndarray, extent: float) -> str:
    """Return why commands and measurements of a joint don't belong together; empty if they do."""
    apart = float(np.median(np.abs(action - state)))
    if apart > _FAR * extent:
        return (f'it is {apart:.3g} away from the measurement (median), of a range of '
                f'{extent:.3g}: commands {action.min():.3g} to {action.max():.3g}, measured '
                f'{state.min():.3g} to {state.max():.3g}')
    moved = state.std(), action.std()
    if max(moved) < _MOVES * extent or min(moved) < 1e-9:
        return ''
    together = float(np.corrcoef(state, action)[0, 1])
    ratio = moved[1] / moved[0]
    if together < -_TOGETHER:
        return f'it goes the other way than the measurement (correlation {together:.2f})'
    if together > _TOGETHER and not _SAME[0] < ratio < _SAME[1]:
        return (f'it moves as the measurement does (correlation {together:.2f}), but by '
                f'{ratio:.3g} times as much')
    if apart > _MOVES * extent and moved[0] > _MOVES * extent and (
            np.median(np.abs(action - change)) < _AS_CHANGE * apart):
        return ('it is near the change of the measurement from frame to frame, not near the '
                f'measurement: commands {action.min():.3g} to {action.max():.3g}, measured '
                f'{state.min():.3g} to {state.max():.3g}')
    return ''
