# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One episode as one picture: images, observations, actions, and the timing of the samples.

A person can look through twenty of these in a minute and find the one in which the cup fell.
"""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from inril_ros.cli.demos.value_names import action_names, quantity_names
from inril_ros.data.audit.rest import LeftOut
from inril_ros.data.demonstrations.camera_frames import camera_frames
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.episode import EpisodeOutcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FRAMES = 8
_NOTHING = LeftOut()
_COLUMNS = 2  # panels in a row
_MOST_NAMED = 9  # values in the legend of a panel
_HOLD, _POLICY, _TELEOP = 0, 1, 2
_SOURCES = {_HOLD: ('held', '0.85'), _POLICY: ('policy', '#dbe9f8'),
            _TELEOP: ('person', '#fdf0dc')}
_LEFT_OUT = {'facecolor': 'none', 'edgecolor': '0.75', 'hatch': '////', 'linewidth': 0.0}


def write_contact_sheet(
    path: Path, episode: RecordedEpisode | None, contract: Contract, out: Path,
    left_out: LeftOut = _NOTHING, reason: str = '', split_at: int | None = None,
) -> None:
    """Write the picture (PNG) of an episode, with the images of its bag.

    Args:
        path: The bag.
        episode: The episode; None: it can't be read, and only images are shown.
        contract: The robot's contract.
        out: File to write.
        left_out: What isn't learned from at the ends: trimmed, or rest.
        reason: Why it is no demonstration.
        split_at: First tick of the second demonstration, if a person split it.

    Raises:
        BagError: An image can't be read.
    """
    from matplotlib.figure import Figure

    frames = camera_frames(path, contract, _FRAMES)
    panels = 0 if episode is None else len(contract.policy_observations) + len(contract.actions)
    lines = ceil(panels / _COLUMNS)
    title = fill(f'{path.name}: {contract.name}{_told(episode, contract)}'
                 + (f'; {reason}' if reason else ''), 150)
    figure = Figure(
        figsize=(14, 0.8 + 1.9 * len(frames) + 1.75 * lines + (1.6 if lines else 0)),
        layout='constrained')
    figure.suptitle(title, fontsize=11)
    grid = figure.add_gridspec(
        max(1, len(frames) + lines + bool(lines)), _COLUMNS,
        height_ratios=[1.9] * len(frames) + [1.75] * lines + [1.6] * bool(lines) or [1.0])
    for row, (camera, shown) in enumerate(frames.items()):
        _images(figure, grid[row, :], camera, shown)
    if episode is not None:
        places = [grid[len(frames) + index // _COLUMNS, index % _COLUMNS]
                  for index in range(panels)]
        _panels(figure, places, episode, contract, left_out, split_at)
        _timing(figure.add_subplot(grid[-1, :]), episode, contract)
    figure.savefig(out, dpi=90)


def _told(episode: RecordedEpisode | None, contract: Contract) -> str:
    if episode is None:
        return ''
    outcome = EpisodeOutcome(episode.outcome).name.lower().replace('_', ' ')
    ticks = len(episode.actions)
    return f', {outcome}, {ticks} ticks, {ticks * contract.period:.1f} s'


def _images(figure: 'Figure', place: object, camera: str, shown: list) -> None:
    """Draw images of a camera side by side, each with its time."""
    strip = place.subgridspec(1, _FRAMES, wspace=0.02)
    for column, (at, image) in enumerate(shown):
        axes = figure.add_subplot(strip[column])
        axes.imshow(image)
        axes.set_xticks([])
        axes.set_yticks([])
        last = ', the last' if column == len(shown) - 1 else ''
        axes.set_title(f'{f"{camera} " if column == 0 else ""}{at:.1f} s{last}', fontsize=8)


def _panels(
    figure: 'Figure', places: Sequence[object], episode: RecordedEpisode, contract: Contract,
    left_out: LeftOut, split_at: int | None,
) -> None:
    """Draw a panel for each policy observation and each action; a name has the same colour."""
    seconds = np.arange(len(episode.observations)) * contract.period
    colours: dict[str, str] = {}
    panels, start = [], 0
    for name in contract.policy_observations:
        values = np.asarray(episode.observations[:, start:start + contract.length(name)])
        start += values.shape[1]
        panels.append((name, quantity_names(contract, name), seconds, values))
    normalised = contract.normalise_action(np.asarray(episode.actions))
    for name, entry in contract.actions.items():
        panels.append((f'{name}, commanded, -1..1 of its range', action_names(entry),
                       seconds[:-1], normalised[:, contract.action_slice(name)]))
    for place, (title, names, times, values) in zip(places, panels, strict=True):
        axes = figure.add_subplot(place)
        for name, column in zip(names, values.T, strict=True):
            colour = colours.setdefault(name, f'C{len(colours) % 10}')
            axes.plot(times, column, color=colour, linewidth=1.0, label=name,
                      drawstyle='steps-post' if times is not seconds else 'default')
        axes.set_title(title, loc='left', fontsize=9)
        _shade(axes, episode, seconds, left_out, named=place is places[0])
        if split_at is not None:
            axes.axvline(seconds[split_at], color='0.2', linewidth=1.2, linestyle='--')
        axes.set_xlim(seconds[0], seconds[-1])
        axes.grid(alpha=0.3)
        axes.tick_params(labelsize=7)
        _legend(axes)


def _legend(axes: 'Axes') -> None:
    """Name the lines of a panel at its right: the first ones, and how many there are."""
    lines, names = axes.get_legend_handles_labels()
    more = len(names) - _MOST_NAMED
    title = f'and {more} more' if more > 0 else None
    axes.legend(lines[:_MOST_NAMED], names[:_MOST_NAMED], fontsize=7, loc='upper left',
                bbox_to_anchor=(1.005, 1.03), frameon=False, title=title, title_fontsize=7,
                borderaxespad=0.0, labelspacing=0.25, handlelength=1.4)


def _shade(
    axes: 'Axes', episode: RecordedEpisode, seconds: np.ndarray, left_out: LeftOut, named: bool,
) -> None:
    """Colour the background by the source of the commands, and hatch what isn't learned from."""
    edges = np.flatnonzero(np.diff(episode.source)) + 1
    for first, last in zip([0, *edges], [*edges, len(episode.source)]):
        name, colour = _SOURCES.get(int(episode.source[first]), ('?', 'white'))
        axes.axvspan(seconds[first], seconds[last], color=colour, zorder=0, linewidth=0)
        if named and (first == 0 or last - first > len(seconds) // 8):
            axes.text(seconds[first], 0.99, f' {name}', fontsize=6, color='0.4', va='top',
                      transform=axes.get_xaxis_transform())
    for first, last in ((0, left_out.begin), (len(seconds) - 1 - left_out.end, len(seconds) - 1)):
        if last > first:
            axes.axvspan(seconds[first], seconds[last], zorder=0.5, **_LEFT_OUT)
        if named and last > first:
            axes.text(seconds[first], 0.02, ' left out', fontsize=6, color='0.4',
                      transform=axes.get_xaxis_transform())


def _timing(axes: 'Axes', episode: RecordedEpisode, contract: Contract) -> None:
    """Draw age, skew and gap of the samples, and the rewards."""
    seconds = np.arange(len(episode.observations)) * contract.period
    for name in ('age', 'skew', 'gap'):
        axes.plot(seconds, 1000.0 * np.asarray(getattr(episode, name)), linewidth=1.0,
                  label=f'{name} [ms]')
    allowed = 1000.0 * min(entry.max_age for entry in contract.observations.values())
    axes.axhline(allowed, color='0.5', linewidth=0.8, linestyle='--', label='least max_age [ms]')
    for tick in np.flatnonzero(episode.rewards):
        axes.axvline(seconds[tick + 1], color='C2', linewidth=1.5)
        axes.text(seconds[tick + 1], 0.02, f'reward {episode.rewards[tick]:g} ', fontsize=7,
                  ha='right', transform=axes.get_xaxis_transform())
    axes.set_title('timing of the samples', loc='left', fontsize=9)
    axes.set_xlabel('s', fontsize=8)
    axes.set_xlim(seconds[0], seconds[-1])
    axes.set_ylim(bottom=0.0)
    axes.grid(alpha=0.3)
    axes.tick_params(labelsize=7)
    _legend(axes)
