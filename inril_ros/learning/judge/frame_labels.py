# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which frames of an episode show success, as far as the end of the episode tells.

A person ends an episode a moment after the task is done. So the last frames of a success show it,
those shortly before are left out, because nobody said when it came about, and all earlier ones do
not show it. No frame of a failure does.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from inril_ros.learning.configuration import BoundedConfig

NOT_DONE, DONE, UNKNOWN = 0, 1, 2
"""Labels of frames."""

_ROUNDING = 1e-6  # s


@dataclass(frozen=True)
class LabelRule(BoundedConfig):
    """How frames are labelled by the end of their episode."""

    BOUNDS = {'done_seconds': (0.0, inf), 'unknown_seconds': (0.0, inf)}

    done_seconds: float = 0.3
    """Frames of a success that are at most so long before its end show it."""
    unknown_seconds: float = 0.3
    """Frames so long before those are left out."""

    def labels(self, times: NDArray[np.float64], success: bool) -> NDArray[np.uint8]:
        """Return the labels (N,) of the frames at these times [s], the last of which is the end.

        Raises:
            ValueError: There is no frame, or times fall.
        """
        if not len(times) or (np.diff(times) < 0.0).any():
            raise ValueError(f'frames of an episode at {times}: there must be some, and their '
                             'times must not fall')
        labels = np.full(len(times), NOT_DONE, np.uint8)
        if success:
            left = times[-1] - times - _ROUNDING
            labels[left <= self.done_seconds + self.unknown_seconds] = UNKNOWN
            labels[left <= self.done_seconds] = DONE
        return labels


@dataclass(frozen=True)
class Correction:
    """What a person said of some frames.

    Attributes:
        first: Time of the first of them [s].
        last: Time of the last of them [s].
        label: NOT_DONE, DONE or UNKNOWN.
    """

    first: float
    last: float
    label: int


def corrected(labels: NDArray[np.uint8], times: NDArray[np.float64],
              corrections: Sequence[Correction]) -> NDArray[np.uint8]:
    """Return labels (N,) with what a person said of the frames at these times; the last one wins.

    Raises:
        ValueError: A correction has no such label, or names no frame.
    """
    labels = labels.copy()
    for each in corrections:
        rows = (times >= each.first - _ROUNDING) & (times <= each.last + _ROUNDING)
        if each.label not in (NOT_DONE, DONE, UNKNOWN) or not rows.any():
            raise ValueError(f'{each}: the label must be 0, 1 or 2, and the episode has frames '
                             f'from {times[0]:g} to {times[-1]:g} s')
        labels[rows] = each.label
    return labels


@dataclass(frozen=True)
class LabelledEpisode:
    """The frames of one episode.

    Attributes:
        name: What it is called in reports.
        images: (N, C, H, W, 3) uint8 RGB of C cameras.
        labels: (N,) NOT_DONE, DONE or UNKNOWN.
        success: Whether the episode succeeded, by the one who judged it.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    success: bool

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim != 5 or self.images.shape[-1] != 3:
            raise ValueError(f'{self.name}: images have shape {self.images.shape} and type '
                             f'{self.images.dtype}, expected (N, C, H, W, 3) of uint8')
        if len(self.labels) != len(self.images) or not len(self.labels):
            raise ValueError(f'{self.name}: {len(self.labels)} labels for {len(self.images)} '
                             'images; there must be some, and as many of both')
        if self.success != bool((self.labels == DONE).any()):
            raise ValueError(f'{self.name}: a success has a frame that shows it, and a failure '
                             'has none')


def new_images(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the rows of images (N, C, H, W, 3) to look at: the first, each new one, the last.

    A camera is slower than the ticks, so most rows repeat the one before. The last one is what
    the episode's end labels, new or not.
    """
    new = [bool((after != before).any()) for before, after in zip(images, images[1:])]
    return np.flatnonzero([True, *new[:-1], True][:len(images)])
