# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Limits of a draft's commands: small ones around the pose, or what a recording shows."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from inril_ros.robot.draft.tracks import Track

REACH = 0.1  # [rad or m] around the measured position, where nothing was recorded
SPEED = 0.1  # [rad/s or m/s]
_SPARE = 0.05  # of the range
_LEAST = 0.02  # [rad, m, rad/s ...]
_FASTER = 1.5


def position_limits(
    tracks: Sequence[Track], commands: Sequence[Track | None], recorded: bool,
) -> dict[str, list[float]]:
    """Return minimum and maximum of joints.

    Args:
        tracks: Measured positions of the joints.
        commands: Commanded positions, where known.
        recorded: Whether the tracks show the range of a task, and not only a moment.
    """
    if not recorded:
        middle = [float(track.values[-1]) for track in tracks]
        return {'minimum': [round(value - REACH, 4) for value in middle],
                'maximum': [round(value + REACH, 4) for value in middle]}
    ranges = [_range(pair) for pair in zip(tracks, commands)]
    return {'minimum': [low for low, _ in ranges], 'maximum': [high for _, high in ranges]}


def speed_limits(tracks: Sequence[Track], recorded: bool) -> list[float]:
    """Return the highest speeds of joints, from tracks of their positions."""
    if not recorded:
        return [SPEED]
    speeds = []
    for track in tracks:
        change = np.abs(track.rate_of_change().values)
        top = float(np.percentile(change, 99)) if change.size else 0.0
        speeds.append(max(SPEED, float(np.ceil(_FASTER * top * 100) / 100)))
    return speeds


def symmetric_limits(commands: Iterable[Track | None], recorded: bool) -> dict[str, list[float]]:
    """Return minimum and maximum of velocities or efforts, which must hold 0."""
    tops = [max(SPEED, round(1.1 * float(np.abs(track.values).max()), 3))
            if recorded and track is not None else SPEED for track in commands]
    return {'minimum': [-top for top in tops], 'maximum': tops}


def explanation(recorded: bool) -> str:
    """Return where the limits come from."""
    if recorded:
        return ('What is commanded. minimum and maximum, the range that the policy may use, are '
                'the range seen, 5 % wider; max_velocity is 1.5 times the speed seen. Enter what '
                'the task needs and the robot allows.')
    return ('What is commanded. minimum and maximum, the range that the policy may use, are small '
            'ones around the pose at that time. Enter what the task needs and the robot allows.')


def _range(pair: tuple[Any, ...]) -> tuple[float, float]:
    values = np.concatenate([track.values for track in pair if track is not None])
    spare = max(_SPARE * float(np.ptp(values)), _LEAST)
    return (float(np.floor((values.min() - spare) * 1e4) / 1e4),
            float(np.ceil((values.max() + spare) * 1e4) / 1e4))
