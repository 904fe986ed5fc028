# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One picture of an episode's images with their labels and times, for a person to correct them."""

from math import ceil
from pathlib import Path

import numpy as np

from inril_ros.learning.judge.frame_labels import DONE, LabelledEpisode, NOT_DONE, UNKNOWN

_COLUMNS, _MOST = 12, 96
_LOOK = {DONE: ('done', 'C2'), NOT_DONE: ('', '0.6'), UNKNOWN: ('unknown', 'C1')}


def write_label_sheet(path: Path, title: str, times: np.ndarray, episode: LabelledEpisode) -> None:
    """Write the picture (PNG): of a long episode evenly chosen images, and all of its end.

    Args:
        path: File to write.
        title: What it is called.
        times: (N,) Time of each image since the episode began [s].
        episode: The images and their labels.
    """
    from matplotlib.figure import Figure

    rows = shown_rows(len(times))
    lines = ceil(len(rows) / _COLUMNS)
    cameras, height, width = episode.images.shape[1:4]
    cell = 1.35
    figure = Figure(figsize=(cell * _COLUMNS, lines * (cell * cameras * height / width + 0.3)
                             + 0.5), layout='constrained')
    figure.suptitle(f'{title}: {len(times)} images, {int((episode.labels == DONE).sum())} show '
                    'success', fontsize=11)
    for place, row in enumerate(rows, start=1):
        axes = figure.add_subplot(lines, _COLUMNS, place)
        axes.imshow(np.concatenate(list(episode.images[row])))
        axes.set_xticks([])
        axes.set_yticks([])
        name, colour = _LOOK[int(episode.labels[row])]
        axes.set_title(f'{times[row]:.2f} s {name}', fontsize=7, color=colour)
        for spine in axes.spines.values():
            spine.set_color(colour)
            spine.set_linewidth(2.0)
    figure.savefig(path, dpi=80)


def shown_rows(number: int) -> np.ndarray:
    """Return the rows that are shown of a number of images: all, or at most ``_MOST``.

    The last quarter of those are the last images: the end is what is labelled.
    """
    if number <= _MOST:
        return np.arange(number)
    end = _MOST // 4
    before = np.linspace(0, number - end - 1, _MOST - end).round().astype(int)
    return np.append(before, np.arange(number - end, number))
