# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks of the policy's images in one episode: cameras that are dark, covered or have stopped."""

import numpy as np

from inril_ros.data.audit import thresholds
from inril_ros.data.audit.finding import Finding
from inril_ros.data.audit.layout import Demonstration


def check_cameras(demonstration: Demonstration) -> list[Finding]:
    """Return the findings on the policy's cameras, by images evenly spread over the episode."""
    images = demonstration.episode.images
    if images is None:
        return []
    ticks = np.unique(np.linspace(0, len(images) - 1, thresholds.IMAGES).round().astype(int))
    findings = []
    for index, name in enumerate(demonstration.layout.contract.policy_cameras):
        shown = np.stack([images[tick, index] for tick in ticks])
        findings += _flat(demonstration, name, shown) or _stopped(
            demonstration, name, shown, ticks)
    return findings


def is_flat(images: np.ndarray) -> np.ndarray:
    """Return which of the images (N, H, W, 3) uint8 are of one colour, (N,) bool."""
    return images[:, ::4, ::4].std(axis=(1, 2)).max(axis=1) < thresholds.FLAT_LEVELS


def _flat(demonstration: Demonstration, name: str, shown: np.ndarray) -> list[Finding]:
    """Find images without content; most of them must have none."""
    flat = is_flat(shown)
    if not flat.any():
        return []
    what = 'black' if shown[flat].mean() < 16.0 else f'one colour, grey {shown[flat].mean():.0f}'
    return [Finding(
        'wrong' if flat.mean() > 0.5 else 'look at this', f'camera {name}: '
        f'{100 * flat.mean():.0f} % of the images are {what}', 'Is it covered or dead? Delete the '
        'episode, or take the camera out of policy_images', 'dead camera', demonstration.name,
        name)]


def _stopped(
    demonstration: Demonstration, name: str, shown: np.ndarray, ticks: np.ndarray,
) -> list[Finding]:
    """Find images that repeat while the arm moves; a rendered camera may repeat them at rest."""
    actions, spans = demonstration.actions, np.array(
        [value.span for value in demonstration.layout.values])
    longest, first = 0, 0
    for index in range(1, len(shown)):
        if not np.array_equal(shown[index], shown[first]):
            first = index
            continue
        between = actions[ticks[first]:ticks[index]]
        moved = np.ptp(between, axis=0) > thresholds.FROZEN_COMMAND_SPAN * spans
        moves = moved.any() or _travels(demonstration, ticks[first], ticks[index])
        if moves and index - first > longest:
            longest, start = index - first, first
    share = longest / (len(shown) - 1)
    if share < thresholds.REPEATED_SHARE:
        return []
    period = demonstration.period
    return [Finding(
        'wrong' if share > 0.9 else 'look at this', f'camera {name}: shows the same image from '
        f'{ticks[start] * period:.1f} to {ticks[start + longest] * period:.1f} s, while the robot '
        'moves', 'Has it stopped, or does it see nothing that moves? Delete the episode, or take '
        'the camera out of policy_images', 'dead camera', demonstration.name, name)]


def _travels(demonstration: Demonstration, first: int, last: int) -> bool:
    """Return whether a measured joint or hand moves between two ticks."""
    return any(
        np.ptp(demonstration.observations[first:last + 1, value.measured])
        > thresholds.FROZEN_COMMAND_SPAN * value.span
        for value in demonstration.layout.values
        if value.measured is not None and value.positions)
