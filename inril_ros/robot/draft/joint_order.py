# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The joints that commands without names are for, found by comparison with what was measured.

A ``Float64MultiArray`` has no names. Its values follow the order of the controller, which is not
that of the joint states. Where the arm moved, or stood with its joints at different angles, each
command is near to the joint that it moves and far from all others.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from inril_ros.robot.draft.tracks import CommandSeries, Track

_NEARER = 3.0  # A joint is that much nearer to its own command than to any other, to be sure
_RESOLUTION = 1e-3  # [rad, m, rad/s ...] Differences below it are noise
_SEVERAL = 3  # values
_MOVES = 0.01  # [rad, m, rad/s ...]
_FEWEST = 5  # commands
_MOST = 1000  # commands compared
_LAGS = (0.0, 0.01, 0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5)  # [s] of the arm behind them


@dataclass(frozen=True)
class JointOrder:
    """The joints of the values of a command, and how sure that is.

    Attributes:
        joints: The joint nearest to each value, in the order of the values.
        quantity: Quantity that the commands are nearest to.
        commands: Number of commands compared.
        lag: [s] The arm follows that much later.
        nearer: How many times nearer each joint is to its own command than to another joint's, or
            another joint to its command; (n,).
        fits: Whether each command is near to what was measured at all, relative to how far both
            moved; (n,).
        moved: Whether each command, or its joint, moved; (n,).
        distance: Mean distance of the commands from what was measured, over all values.
    """

    joints: tuple[str, ...]
    quantity: str
    commands: int
    lag: float
    nearer: tuple[float, ...]
    fits: tuple[bool, ...]
    moved: tuple[bool, ...]
    distance: float

    @property
    def sure(self) -> tuple[bool, ...]:
        """Whether the joint of each value is known.

        One value that stands still may be near to a joint by chance, three hardly.
        """
        near = [near >= _NEARER and fit for near, fit in zip(self.nearer, self.fits)]
        return tuple(one and (moved or sum(near) >= _SEVERAL)
                     for one, moved in zip(near, self.moved))

    @property
    def known(self) -> bool:
        """Whether the whole order is known."""
        return all(self.sure)

    def __str__(self) -> str:
        if self.known:
            return (f'its values are those of {self.quantity}; order found from {self.commands} '
                    f'commands: every joint is at least {min(min(self.nearer), 1000.0):.0f} times '
                    'nearer to its own command than to any other')
        unsure = [f'value {place} ({joint}?)' for place, (joint, sure)
                  in enumerate(zip(self.joints, self.sure)) if not sure]
        if not any(self.fits):
            return f'none of the {self.commands} commands is near to what was measured'
        return (f'{self.commands} commands do not show which joint is which: not sure are '
                f'{", ".join(unsure)}; the arm hardly moved there, or two joints had the same '
                'angle')


def find_order(
    commands: CommandSeries, measured: Mapping[str, Mapping[str, Track]],
) -> JointOrder | None:
    """Return the joints of commands, by what was measured meanwhile.

    Args:
        commands: The commands.
        measured: The joints' tracks by quantity (position, velocity, effort) and name.

    Returns:
        The best order for the quantity that fits best; None if there are fewer measured joints
        than values, or too few commands while they were measured.
    """
    orders = [order for quantity, tracks in measured.items()
              if (order := _order(commands, tracks, quantity)) is not None]
    return max(orders, key=lambda order: (order.known, sum(order.sure), sum(order.fits),
                                          min(order.nearer)), default=None)


def _order(
    commands: CommandSeries, tracks: Mapping[str, Track], quantity: str,
) -> JointOrder | None:
    joints = list(tracks)
    from scipy.optimize import linear_sum_assignment

    count = commands.values.shape[1]
    if len(joints) < count:
        return None
    begin = max(tracks[joint].times[0] for joint in joints)
    end = min(tracks[joint].times[-1] for joint in joints)
    rows = np.flatnonzero((commands.times >= begin) & (commands.times <= end)
                          & np.isfinite(commands.values).all(axis=1))
    rows = rows[::-(-len(rows) // _MOST) or 1]
    if len(rows) < _FEWEST:
        return None
    asked, times = commands.values[rows], commands.times[rows]
    by_lag = []
    for lag in _LAGS:
        seen = np.stack([tracks[joint].at(times + lag) for joint in joints], axis=1)
        apart = np.abs(asked[:, :, None] - seen[:, None, :]).mean(axis=0)
        places, own = linear_sum_assignment(apart)
        by_lag.append((float(apart[places, own].sum()), lag, apart, own))
    _, lag, apart, own = min(by_lag, key=lambda found: found[:2])
    spans = np.maximum(np.ptp(asked, axis=0), [tracks[joints[column]].span for column in own])
    distance = apart[np.arange(count), own]
    return JointOrder(
        tuple(joints[column] for column in own), quantity, len(rows), lag,
        tuple(_nearer(apart, place, column) for place, column in enumerate(own)),
        tuple(bool(fit) for fit in distance <= 0.25 * spans + 0.02),
        tuple(bool(moved) for moved in spans > _MOVES), float(distance.mean()))


def _nearer(apart: np.ndarray, place: int, column: int) -> float:
    others = np.concatenate([np.delete(apart[place], column), np.delete(apart[:, column], place)])
    return float(others.min(initial=np.inf) / max(apart[place, column], _RESOLUTION))
