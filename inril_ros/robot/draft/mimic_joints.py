# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Joints that a mechanism moves along with another: fingers and knuckles of grippers.

They are measured, or computed by the driver, and no controller commands them.
"""

from collections.abc import Collection, Mapping

import numpy as np

from inril_ros.robot.draft.tracks import Track

_MOVES = 1e-3  # [rad or m] A joint that moved less shows nothing
_OFF = 0.01  # of its range: a joint that leaves its line by more is not bound to the other
_MOST_SAMPLES = 500
_OF_A_GRIPPER = ('finger', 'grip', 'knuckle', 'jaw', 'mimic', 'hand', 'thumb', 'claw', 'tip',
                 'pad', 'drive')
_SECONDARY = ('mimic', 'inner', 'passive', 'right', 'finger', 'tip', 'pad')


def is_of_a_gripper(joint: str) -> bool:
    """Return whether a joint's name is that of a part of a gripper."""
    return any(word in joint.lower() for word in _OF_A_GRIPPER)


def mimic_joints(tracks: Mapping[str, Track], commanded: Collection[str] = ()) -> dict[str, str]:
    """Return the joint that moves each mimic joint, by the name of the mimic joint.

    A robot that goes from point to point moves all its joints in proportion. So a joint counts
    only if it is a gripper's and moves with another joint of a gripper, or if the other one is
    commanded and it is not.

    Args:
        tracks: Positions of the joints of one topic.
        commanded: Joints that a controller commands by name.
    """
    found: dict[str, str] = {}
    ranked = sorted(tracks, key=lambda joint: _rank(joint, commanded))
    for place, joint in enumerate(ranked):
        if joint in commanded:
            continue
        of_a_gripper = is_of_a_gripper(joint)
        drive = next((other for other in ranked[:place] if other not in found
                      and is_of_a_gripper(other) == of_a_gripper
                      and (of_a_gripper or other in commanded)
                      and np.array_equal(tracks[joint].times, tracks[other].times)
                      and _is_bound(tracks[joint], tracks[other], of_a_gripper)), None)
        if drive is not None:
            found[joint] = drive
    return found


def _rank(joint: str, commanded: Collection[str]) -> tuple:
    """Return a key by which the joint that drives others comes first."""
    words = sum(word in joint.lower() for word in _SECONDARY)
    return joint not in commanded, not is_of_a_gripper(joint), words, len(joint), joint


def _is_bound(track: Track, drive: Track, of_a_gripper: bool) -> bool:
    """Return whether a track is a linear function of another; a gripper's, any monotonic one."""
    from scipy.stats import spearmanr

    every = -(-len(track.times) // _MOST_SAMPLES)
    values, others = track.values[::every], drive.values[::every]
    if max(track.span, drive.span) < _MOVES:
        # At rest the driver's arithmetic shows: the same angle, or the opposite one.
        return of_a_gripper and np.allclose(abs(values), abs(others), atol=1e-5)
    if len(values) < 10 or min(track.span, drive.span) < _MOVES:
        return False
    slope, offset = np.polyfit(others, values, 1)
    if np.abs(values - (slope * others + offset)).max() <= _OFF * np.ptp(values):
        return True
    return of_a_gripper and abs(spearmanr(others, values).statistic) > 0.999
