# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Frames for the trial of new weights come from all demonstrations, evenly spaced."""
from __future__ import annotations

import numpy as np
import pytest

from inril_ros.learning.experience import Episode
from inril_ros.learning.policies.trial import trial_frames


def episode(first: int, steps: int) -> Episode:
    numbers = np.arange(first, first + steps + 1, dtype=np.float32)
    images = np.broadcast_to(numbers.astype(np.uint8)[:, None, None, None, None],
                             (steps + 1, 1, 2, 2, 3))
    return Episode(numbers[:, None], np.zeros((steps, 1)), np.zeros(steps), True, True,
                   images=images)


@pytest.mark.parametrize(('number', 'expected'), [
    (1, [0]), (3, [0, 10, 20]), (5, [0, 5, 10, 15, 20]), (99, list(range(21)))])
def test_frames_are_evenly_spaced_over_all_demonstrations(
        number: int, expected: list[int]) -> None:
    frames = trial_frames([episode(0, 4), episode(5, 9), episode(15, 5)], number)
    assert frames.state[:, 0].tolist() == expected
    assert frames.images[:, 0, 0, 0, 0].tolist() == expected


def test_without_demonstrations_there_are_no_frames() -> None:
    assert trial_frames([], 5) is None
    assert trial_frames([episode(0, 4)], 0) is None
