# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The order of joints in a message without names, from how commands and measurements agree.

A controller that takes an array has an order of its own, which neither the message nor the joint
states tell. An arm that was driven tells it: each joint follows its own command.
"""

from dataclasses import dataclass
from operator import itemgetter

import numpy as np

_LAGS = np.arange(0.0, 0.61, 0.02)  # [s] from a command to the measurement that follows it
_MOST_COMMANDS = 2000
# [rad or m] Differences below it tell nothing: noise, sag under gravity, a tracking error.
_FLOOR = 0.005
# An order is certain if the next best fits this many times worse.
_CLEAR = 2.0
# Standard deviation [rad, m or per s] below which a value hardly moves.
_STILL = 0.01
# A joint that follows its command correlates with it by more than the first; two joints that
# correlate by less than the second move differently.
_CORRELATED, _UNCORRELATED = 0.97, 0.9


@dataclass(frozen=True)
class JointOrder:
    """The order of the joints that n values of a command follow.

    Attributes:
        joints: (n) The joint of each value: the best assignment.
        wrong: Values whose joint in the contract is clearly another one.
        undecided: Values for which the data doesn't tell.
        lag: [s] From the commands to the measurements.
        error: Root of the mean squared difference in the contract's order, over the wrong values.
        best: The same in the best order.
    """

    joints: tuple[str, ...]
    wrong: tuple[int, ...]
    undecided: tuple[int, ...]
    lag: float
    error: float
    best: float


def joint_order(
    times: np.ndarray, commands: np.ndarray, named: tuple[str, ...],
    measured: dict[str, tuple[np.ndarray, np.ndarray]], positions: bool = True,
) -> JointOrder:
    """Compare the order of a command's values with how the joints moved.

    Args:
        times: (T,) Times of the commands [s].
        commands: (T, n) Their values.
        named: (n) The joints in the contract's order, all of them measured.
        measured: Times (M,) [s] and positions (M,) of each joint, at least those of ``named``.
        positions: The values are positions; else velocities.
    """
    pool = [*named, *(joint for joint in measured if joint not in named)]
    step = max(1, len(times) // _MOST_COMMANDS)
    times, commands = times[::step], commands[::step]
    differences, correlations, lag, lag_of_shape = _compared(
        times, commands, [measured[joint] for joint in pool], positions)
    size = len(named)
    best, wrong, certain = _by_difference(differences) if positions else (
        np.arange(size), set(), set())
    if not wrong and len(certain) < size:
        best, wrong, sure = _by_correlation(correlations)
        certain |= sure
        lag = lag_of_shape if wrong or not positions else lag
    wrong_list = sorted(wrong)
    return JointOrder(
        tuple(pool[index] for index in best), tuple(wrong_list),
        tuple(index for index in range(size) if index not in wrong and index not in certain), lag,
        _mean(differences, wrong_list, wrong_list),
        _mean(differences, wrong_list, [best[index] for index in wrong_list]))


def _compared(
    times: np.ndarray, commands: np.ndarray, measured: list[tuple[np.ndarray, np.ndarray]],
    positions: bool,
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Return differences (n, m), correlations (n, m), and the lag [s] at which each fits best."""
    least, most = (np.inf, None, 0.0), (np.inf, None, 0.0)
    for lag in _LAGS:
        values = np.stack([np.interp(times + lag, *series) for series in measured], axis=1)
        if not positions:
            values = np.gradient(values, times, axis=0)
        differences = np.sqrt(np.mean(
            (commands[:, :, None] - values[:, None, :]) ** 2, axis=0))
        least = min(least, (_total(differences), differences, float(lag)), key=itemgetter(0))
        correlations = _correlations(commands, values)
        most = min(most, (_total(-correlations), correlations, float(lag)), key=itemgetter(0))
    return least[1], most[1], least[2], most[2]


def _assignment(cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns of the best assignment."""
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment(cost)


def _total(cost: np.ndarray) -> float:
    """Return the cost of the best assignment."""
    return float(cost[_assignment(cost)].sum())


def _correlations(commands: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return correlations (n, m); 0 for what hardly moves."""
    centred = [part - part.mean(axis=0) for part in (commands, values)]
    spread = [part.std(axis=0) for part in centred]
    product = centred[0].T @ centred[1] / len(commands)
    moving = (spread[0] > _STILL)[:, None] & (spread[1] > _STILL)[None, :]
    return np.where(moving, product / np.maximum(np.outer(*spread), 1e-12), 0.0)


def _by_difference(cost: np.ndarray) -> tuple[np.ndarray, set[int], set[int]]:
    """Return the best joint of each value, the values that are wrong, those that are certain."""
    size = len(cost)
    best = _assignment(cost)[1]
    wrong = {index for cycle in _cycles(best) if cost[cycle, cycle].sum()
             > _CLEAR * cost[cycle, best[cycle]].sum() + _FLOOR * len(cycle) for index in cycle}
    if wrong:
        kept = np.arange(size)
        kept[sorted(wrong)] = best[sorted(wrong)]
        return kept, wrong, set()
    certain = {index for index in range(size) if all(
        cost[index, other] + cost[other, index]
        > _CLEAR * (cost[index, index] + cost[other, other]) + 2.0 * _FLOOR
        for other in range(size) if other != index)}
    return np.arange(size), set(), certain


def _by_correlation(correlations: np.ndarray) -> tuple[np.ndarray, set[int], set[int]]:
    """Return the same as ``_by_difference``, whatever unit and origin the values have."""
    size = len(correlations)
    moving = [index for index in range(size) if correlations[index].any()]
    best = np.arange(size)
    if not moving:
        return best, set(), set()
    rows, columns = _assignment(-correlations[moving])
    best[np.array(moving)[rows]] = columns
    wrong = {index for index in moving if best[index] != index
             and correlations[index, best[index]] > _CORRELATED
             and correlations[index, index] < _UNCORRELATED}
    certain = {index for index in moving if best[index] == index
               and correlations[index, index] > _CORRELATED
               and np.delete(correlations[index], index).max(initial=0.0) < _UNCORRELATED}
    return best, wrong, certain


def _cycles(best: np.ndarray) -> list[list[int]]:
    """Return the groups of values that exchange their joints, or get one from outside."""
    size, before = len(best), {int(column): row for row, column in enumerate(best)}
    cycles, done = [], set()
    for index in range(size):
        if best[index] == index or index in done:
            continue
        first = index  # of a chain that ends outside; any one of a circle
        while before.get(first, index) not in (first, index):
            first = before[first]
        cycle = [first]
        while best[cycle[-1]] < size and best[cycle[-1]] != first:
            cycle.append(int(best[cycle[-1]]))
        cycles.append(cycle)
        done.update(cycle)
    return cycles


def _mean(cost: np.ndarray, rows: list[int], columns: list[int]) -> float:
    return float(np.sqrt(np.mean(cost[rows, columns] ** 2))) if rows else 0.0
