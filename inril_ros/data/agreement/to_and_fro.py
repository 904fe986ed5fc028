# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Positions that jump to and fro from message to message: two arms that share a topic."""

import numpy as np

# A jump is farther than noise [rad or m], and the next one goes back by as much: what is left of
# both is less than a share of either. Arms don't turn round at every message; two arms whose
# messages alternate seem to, nearly always.
_NOISE, _LEFT, _OFTEN = 0.05, 0.25, 0.05
_FEWEST = 5  # reversals


def jumps_to_and_fro(positions: np.ndarray) -> np.ndarray:
    """Return whether each of n joints jumps to and fro, (n,) bool.

    Args:
        positions: Positions (N, n) of successive messages.
    """
    if len(positions) < _FEWEST + 2:
        return np.zeros(positions.shape[1], bool)
    first, second = np.diff(positions[:-1], axis=0), np.diff(positions[1:], axis=0)
    least = np.minimum(np.abs(first), np.abs(second))
    reversals = (first * second < 0.0) & (least > _NOISE) & (
        np.abs(first + second) < _LEFT * least)
    return (reversals.sum(axis=0) >= _FEWEST) & (reversals.mean(axis=0) > _OFTEN)
