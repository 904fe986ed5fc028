# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One picture of a judge's errors: the frames that it got most wrong, and its ROC curve."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inril_ros.learning.judge.frame_labels import LabelledEpisode
from inril_ros.learning.judge.judge_errors import curve, JudgedEpisode

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = 10  # frames of each kind


def write_errors_picture(
    path: Path, episodes: Sequence[LabelledEpisode], judged: Sequence[JudgedEpisode],
    threshold: float,
) -> None:
    """Write the picture (PNG).

    Args:
        path: File to write.
        episodes: The labelled episodes.
        judged: What the judge made of each of them.
        threshold: Where it says success.
    """
    from matplotlib.figure import Figure

    pairs = list(zip(episodes, judged, strict=True))
    highest = sorted(pairs, key=lambda pair: -pair[1].before)[:_SHOWN]
    lowest = sorted((pair for pair in pairs if pair[1].success),
                    key=lambda pair: pair[1].at_end)[:_SHOWN]
    figure = Figure(figsize=(16, 8.5), layout='constrained')
    grid = figure.add_gridspec(3, _SHOWN, height_ratios=(1.0, 1.0, 1.1))
    figure.suptitle('Frames that do not show success, the most convincing first; and the best '
                    f'moments of the successes that convince least (threshold {threshold:.2f})',
                    fontsize=11)
    for line, (some, worst) in enumerate(((highest, True), (lowest, False))):
        for column, (episode, one) in enumerate(some):
            axes = figure.add_subplot(grid[line, column])
            frame, value = (one.worst, one.before) if worst else (one.best, one.at_end)
            # The cameras of a frame, one above the other.
            axes.imshow(np.concatenate(list(episode.images[frame])))
            axes.set_xticks([])
            axes.set_yticks([])
            wrong = value >= threshold if worst else value < threshold
            axes.set_title(f'{one.name[:14]}\n{value:.2f}{", wrong" if wrong else ""}', fontsize=7,
                           color='C3' if wrong else 'black')
    _curve(figure, grid[2, :4], judged, threshold)
    _values(figure, grid[2, 5:], judged, threshold)
    figure.savefig(path, dpi=80)


def _curve(figure: 'Figure', place: object, judged: Sequence[JudgedEpisode],
           threshold: float) -> None:
    """Draw the shares of failures and successes that are called a success, by threshold."""
    thresholds, false, true = curve(judged)
    axes = figure.add_subplot(place)
    axes.step([0.0, *false], [0.0, *true], where='post')
    chosen = np.searchsorted(-thresholds, -threshold, side='right') - 1
    axes.plot(false[chosen], true[chosen], 'o', color='C3', label='chosen threshold')
    axes.set_xlabel('failures called a success', fontsize=8)
    axes.set_ylabel('successes called one', fontsize=8)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.legend(fontsize=8, loc='lower right')
    axes.set_title('ROC of episodes', loc='left', fontsize=9)


def _values(figure: 'Figure', place: object, judged: Sequence[JudgedEpisode],
            threshold: float) -> None:
    """Draw the highest value of each episode before and at success."""
    axes = figure.add_subplot(place)
    kinds = (('failures', [each.before for each in judged if not each.success]),
             ('successes, before', [each.before for each in judged if each.success]),
             ('successes, at the end', [each.at_end for each in judged if each.success]))
    for line, (_, values) in enumerate(kinds):
        axes.plot(sorted(values), line + np.linspace(-0.25, 0.25, len(values)), '.',
                  color=f'C{line}')
    axes.axvline(threshold, color='C3', linewidth=1.0)
    axes.set_yticks(range(len(kinds)), [name for name, _ in kinds], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(-0.02, 1.02)
    axes.set_title('probability of success that enough frames reach, by episode', loc='left',
                   fontsize=9)
