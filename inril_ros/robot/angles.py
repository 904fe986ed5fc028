# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Angles of joints [rad] that start again after a turn: pi and -pi are the same place.

A sender gives them within one turn, so that they jump where the joint doesn't. Between two
samples no arm moves by half a turn: a larger step, up to a whole turn, is such a jump. A joint
that is said to turn without end is known up to whole turns: every step is taken the short way.
"""

from dataclasses import dataclass

import numpy as np

TURN = 2.0 * np.pi
_ROUNDING = 1e-3


@dataclass(frozen=True, eq=False)
class Angles:
    """Which of n values are angles.

    Attributes:
        jumping: (n,) bool: those that may jump by a turn.
        endless: (n,) bool: those of joints that turn without end.
    """

    jumping: np.ndarray
    endless: np.ndarray

    def turns(self, step: np.ndarray) -> np.ndarray | None:
        """Return the whole turns (n,) that make a step (n,) the short way; None if it is.

        A step that is NaN has none.
        """
        size = np.abs(step)
        if not (size > np.pi).any():
            return None
        jumps = self.jumping & (size > np.pi) & (size <= TURN + _ROUNDING)
        turns = np.where(self.endless, -np.round(step / TURN), 0.0)
        turns = np.nan_to_num(np.where(jumps, -np.sign(step), turns))
        return turns if turns.any() else None

    def between(
        self, first: np.ndarray, second: np.ndarray, share: float,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the values (n,) at a share 0..1 of the way from the first to the second.

        An angle that passes the end of its turn begins it again, as those of the sender do.

        Returns:
            The values, and the turns (n,) that were taken to make the way short; None: none.
        """
        step = second - first
        turns = self.turns(step)
        if turns is None:
            return first + share * step, None
        value = first + share * (step + TURN * turns)
        low = np.where(np.minimum(first, second) < -_ROUNDING, -np.pi, 0.0)
        one_turn = (np.minimum(first, second) >= low - _ROUNDING) & (
            np.maximum(first, second) <= low + TURN + _ROUNDING)
        value = np.where((turns != 0.0) & one_turn, low + np.mod(value - low, TURN), value)
        return value, turns
