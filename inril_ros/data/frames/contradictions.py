# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two senders that give the same joints other positions at the same time.

A ``joint_state_publisher`` that was left running sends zeros, or what a slider says, between the
measured positions. Their messages differ in the order of their joints or in what they leave out.
So each kind of message can be compared with the other kinds that have the same joints.
"""

from collections.abc import Sequence

import numpy as np

from inril_ros.robot.angles import TURN
from inril_ros.robot.readable import few

_TOGETHER = 100_000_000  # [ns] farther apart, positions are not compared
_SPEED = 10.0  # [rad/s] no arm is faster
_NOISE = 0.05  # [rad]
_OFTEN = 3  # so many contradictions are no accident


class SenderOfJoints:
    """One kind of message of a topic with joints.

    Args:
        topic: The topic.
        names: The joints that its messages name.
    """

    def __init__(self, topic: str, names: Sequence[str]) -> None:
        self._topic = topic
        self._names = names
        self._time = self._before = 0
        self._positions: dict[str, tuple[Sequence[str], np.ndarray]] = {}
        self._contradictions = 0

    def send(self, time: int, positions: dict[str, tuple[Sequence[str], np.ndarray]]) -> None:
        """Note the positions at a time [ns]: by observation its joints, and values (n,) or NaN."""
        self._before, self._time, self._positions = self._time, time, positions

    def contradiction(self, other: 'SenderOfJoints') -> str:
        """Return what another sender contradicts, once it has done so often; else empty.

        The other must have sent something since this one's last message: one sender that changes
        its kind of message is no contradiction.
        """
        apart = abs(self._time - other._time)
        if apart > _TOGETHER or other._time < self._before:
            return ''
        for name in self._positions.keys() & other._positions.keys():
            (joints, ours), (_, theirs) = self._positions[name], other._positions[name]
            step = ours - theirs
            wrong = np.abs(step - TURN * np.round(step / TURN)) > _NOISE + _SPEED * apart / 1e9
            if wrong.any():
                self._contradictions += 1
                if self._contradictions < _OFTEN:
                    return ''
                row = int(np.flatnonzero(wrong)[0])
                return (f'{self._topic}: two senders give joint {joints[row]!r} other positions '
                        f'at the same time, {ours[row]:.4g} and {theirs[row]:.4g}; their messages '
                        f'name {few(self._names)} and {few(other._names)}. Stop the one that '
                        'does not measure, such as a joint_state_publisher')
        return ''
