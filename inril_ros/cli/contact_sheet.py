# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One episode as one picture: images, observations, actions, and the timing of the samples.

A person can look through twenty of these in a minute and find the one in which the cup fell.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inril_ros.data.demonstrations.camera_frames import camera_frames
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.episode import EpisodeOutcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FRAMES = 8
_HOLD, _POLICY, _TELEOP = 0, 1, 2
_SOURCES = {_HOLD: ('held', '0.8'), _POLICY: ('policy', '#cfe3f7'), _TELEOP: ('person', '#fbe3c4')}


def write_contact_sheet(
    path: Path, episode: RecordedEpisode, contract: Contract, out: Path,
) -> None:
    """Write the picture (PNG) of an episode, with the images of its bag.

    Raises:
        BagError: An image can't be read.
    """
    from matplotlib.figure import Figure

    seconds = np.arange(len(episode.observations)) * contract.period
    frames = camera_frames(path, contract, _FRAMES)
    rows = len(frames) + 3
    figure = Figure(figsize=(14, 1.9 * len(frames) + 8), layout='constrained')
    grid = figure.add_gridspec(rows, 1, height_ratios=[*([1.2] * len(frames)), 2, 2, 1])
    outcome = EpisodeOutcome(episode.outcome).name.lower()
    figure.suptitle(f'{path.name}: {contract.name}, {outcome}, {len(episode.actions)} ticks, '
                    f'{seconds[-1]:.1f} s', fontsize=11)
    for row, (camera, shown) in enumerate(frames.items()):
        _images(figure, grid[row], camera, shown)
    _observations(figure.add_subplot(grid[-3]), episode, contract, seconds)
    _actions(figure.add_subplot(grid[-2]), episode, contract, seconds)
    _timing(figure.add_subplot(grid[-1]), episode, contract, seconds)
    figure.savefig(out, dpi=90)


def _images(figure: 'Figure', place: object, camera: str, shown: list) -> None:
    """Draw images of a camera side by side, each with its time."""
    strip = place.subgridspec(1, _FRAMES, wspace=0.02)
    for column, (at, image) in enumerate(shown):
        axes = figure.add_subplot(strip[column])
        axes.imshow(image)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(f'{camera} {at:.1f} s' if column == 0 else f'{at:.1f} s', fontsize=8)


def _observations(axes: 'Axes', episode: RecordedEpisode, contract: Contract,
                  seconds: np.ndarray) -> None:
    """Draw the policy observation, with one colour for each quantity."""
    start = 0
    for index, name in enumerate(contract.policy_observations):
        length = contract.length(name)
        values = np.asarray(episode.observations[:, start:start + length])
        start += length
        axes.plot(seconds, values, color=f'C{index % 10}', linewidth=0.8)
        axes.plot([], [], color=f'C{index % 10}', label=f'{name} ({length})')
    axes.set_ylabel('observed')
    _finish(axes, seconds, 'upper left')


def _actions(axes: 'Axes', episode: RecordedEpisode, contract: Contract,
             seconds: np.ndarray) -> None:
    """Draw the normalised actions over the source of the commands."""
    normalised = contract.normalise_action(np.asarray(episode.actions))
    for index, name in enumerate(contract.actions):
        part = normalised[:, contract.action_slice(name)]
        axes.step(seconds[:-1], part, where='post', color=f'C{index % 10}', linewidth=0.8)
        axes.plot([], [], color=f'C{index % 10}', label=f'{name} ({part.shape[1]})')
    edges = np.flatnonzero(np.diff(episode.source)) + 1
    for first, last in zip([0, *edges], [*edges, len(episode.source)]):
        name, colour = _SOURCES.get(int(episode.source[first]), ('?', 'white'))
        axes.axvspan(seconds[first], seconds[last], color=colour, zorder=0)
        if first == 0 or last - first > len(seconds) // 12:
            axes.text(seconds[first], 1.02, f' {name}', fontsize=7)
    axes.set_ylabel('action, -1..1 of its range')
    axes.set_ylim(-1.1, 1.15)
    _finish(axes, seconds, 'lower left')


def _timing(axes: 'Axes', episode: RecordedEpisode, contract: Contract,
           seconds: np.ndarray) -> None:
    """Draw age, skew and gap of the samples, and the rewards."""
    for name in ('age', 'skew', 'gap'):
        axes.plot(seconds, 1000.0 * np.asarray(getattr(episode, name)), linewidth=0.8,
                  label=f'{name} [ms]')
    axes.axhline(1000.0 * min(entry.max_age for entry in contract.observations.values()),
                 color='0.5', linewidth=0.6, linestyle='--')
    for tick in np.flatnonzero(episode.rewards):
        axes.axvline(seconds[tick + 1], color='C2', linewidth=1.5)
        axes.text(seconds[tick + 1], 0.0, f'reward {episode.rewards[tick]:g} ', fontsize=7,
                  ha='right')
    axes.set_xlabel('s')
    _finish(axes, seconds, 'upper left')


def _finish(axes: 'Axes', seconds: np.ndarray, legend: str) -> None:
    axes.set_xlim(seconds[0], seconds[-1])
    axes.legend(fontsize=7, ncols=4, loc=legend)
    axes.grid(alpha=0.3)
