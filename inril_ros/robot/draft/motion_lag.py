# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether joints make the motion that others, or commands, made before them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inril_ros.robot.draft.tracks import Track

_LAGS = np.arange(-0.5, 0.501, 0.02)  # [s]
_NEAR = 0.15  # of the range: a joint that follows is at most that far behind, on average
_NOISE = 0.02  # [rad or m]
_MOVES = 0.005  # [rad or m]
_MOST_SAMPLES = 500


@dataclass(frozen=True)
class Following:
    """How well joints follow tracks of the same names.

    Attributes:
        joints: Those that follow.
        distance: Sum of their mean distances.
        lag: [s] They follow that much later.
    """

    joints: tuple[str, ...]
    distance: float
    lag: float


def following(
    asked: Mapping[str, Track], measured: Mapping[str, Track], joints: Sequence[str],
) -> Following:
    """Return which joints follow what was asked of them, at the lag that fits best."""
    by_lag = [_following_at(asked, measured, joints, float(lag)) for lag in _LAGS[_LAGS > -0.01]]
    return min(by_lag, key=lambda found: (-len(found.joints), found.distance))


def _following_at(
    asked: Mapping[str, Track], measured: Mapping[str, Track], joints: Sequence[str], lag: float,
) -> Following:
    near: dict[str, float] = {}
    for joint in joints:
        track, seen = asked[joint], measured[joint]
        inside = (track.times >= seen.times[0]) & (track.times <= seen.times[-1])
        if inside.any():
            distance = float(np.abs(
                track.values[inside] - seen.at(track.times[inside] + lag)).mean())
            if distance <= _NEAR * max(track.span, seen.span) + _NOISE:
                near[joint] = distance
    return Following(tuple(near), sum(near.values()), max(0.0, lag))


def motion_lag(first: Mapping[str, Track], second: Mapping[str, Track]) -> float | None:
    """Return how much later [s] the second set of joints makes the first one's motion.

    Args:
        first: Tracks by joint.
        second: The same joints measured elsewhere.

    Returns:
        None if they don't make the same motion, or don't move.
    """
    joints = [joint for joint in first if joint in second
              and min(first[joint].span, second[joint].span) > _MOVES]
    if not joints:
        return None
    apart = np.mean([_apart(first[joint], second[joint]) for joint in joints], axis=0)
    best = int(apart.argmin())
    return float(_LAGS[best]) if apart[best] < 0.15 else None


def stand_alike(first: Mapping[str, Track], second: Mapping[str, Track]) -> bool:
    """Return whether no joint of the first set moves, and the second one has the same values."""
    return all(joint in second and max(track.span, second[joint].span) < _MOVES
               and abs(track.values[0] - second[joint].values[0]) < 1e-6
               for joint, track in first.items())


def _apart(first: Track, second: Track) -> np.ndarray:
    """Return the mean distance at each lag, as a share of the second one's range."""
    every = -(-len(first.times) // _MOST_SAMPLES)
    times, values = first.times[::every], first.values[::every]
    return np.array([np.abs(values - second.at(times + lag)).mean()
                     for lag in _LAGS]) / second.span
