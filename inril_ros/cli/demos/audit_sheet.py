# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""All episodes of a folder as one picture: curves over each other, and images of each.

What differs from the rest is seen at a glance; what the audit found is drawn in its colour.
"""

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inril_ros.data.audit.audit import Audit, ValueSummary
from inril_ros.data.audit.layout import Layout, Value
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.images import resized

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 4  # panels in a row
_TILES = 8  # episodes in a row of images
_MOMENTS = (0.0, 0.5, 1.0)  # of an episode whose images are shown
_TILE_HEIGHT = 72  # [pixel]
_COLOURS = {'fine': '#7a8894', 'not checked': '#7a8894', 'look at this': '#d98200',
            'wrong': '#c8102e'}
_COMMAND = '#b9d3ea'
_LEAST_SPAN = 0.1  # of a joint's range that a panel shows
_MOST_NAMED = 12  # episodes in the legend


def write_audit_sheet(
    audit: Audit, episodes: Mapping[str, RecordedEpisode], contract: Contract, title: str,
    out: Path,
) -> None:
    """Write the picture (PNG) of audited episodes.

    Args:
        audit: The result.
        episodes: The episodes by name.
        contract: The robot's contract.
        title: Heading.
        out: File to write.
    """
    from matplotlib.figure import Figure

    values = Layout(contract).values
    names = sorted(episodes)
    verdicts = {row['bag']: row['verdict'] for row in audit.episodes}
    rows = ceil(len(values) / _COLUMNS)
    cameras = list(contract.policy_cameras) if all(
        episodes[name].images is not None for name in names) else []
    strips = ceil(len(names) / _TILES) * len(cameras)
    figure = Figure(figsize=(16, 0.9 + 2.1 * rows + 0.85 * strips), layout='constrained',
                    facecolor='white')
    figure.suptitle(f'{title}: {len(names)} episodes, {audit.verdict}', fontsize=12, x=0.01,
                    ha='left', color=_COLOURS[audit.verdict] if audit.verdict != 'fine' else '0.1')
    grid = figure.add_gridspec(
        rows + (strips > 0) * len(cameras), _COLUMNS,
        height_ratios=[2.1] * rows + [0.85 * strips / max(1, len(cameras))] * len(cameras))
    for index, (value, summary) in enumerate(zip(values, audit.values, strict=True)):
        axes = figure.add_subplot(grid[index // _COLUMNS, index % _COLUMNS])
        _curves(axes, value, summary, episodes, verdicts, contract.period)
        if index + _COLUMNS >= len(values):
            axes.set_xlabel('s', fontsize=8)
    _legend(figure, names, verdicts)
    for number, camera in enumerate(cameras):
        axes = figure.add_subplot(grid[rows + number, :])
        _images(axes, camera, number, [(name, episodes[name]) for name in names], verdicts)
    figure.savefig(out, dpi=90)


def _curves(
    axes: 'Axes', value: Value, summary: ValueSummary, episodes: Mapping[str, RecordedEpisode],
    verdicts: Mapping[str, str], period: float,
) -> None:
    """Draw one number of the action in all episodes: commands light, measurements above them."""
    from matplotlib.collections import LineCollection

    for verdict, colour in _COLOURS.items():
        commands, measured = [], []
        for episode in (episodes[name] for name in sorted(episodes) if verdicts[name] == verdict):
            seconds = np.arange(len(episode.actions) + 1) * period
            commands.append(np.column_stack([seconds[:-1], episode.actions[:, value.index]]))
            if value.measured is not None:
                measured.append(np.column_stack([
                    seconds, episode.observations[:, value.measured]]))
        sound = verdict in ('fine', 'not checked')
        if value.measured is None:
            axes.add_collection(LineCollection(commands, colors=colour, linewidths=0.7))
        elif value.positions:
            axes.add_collection(LineCollection(
                commands, colors=_COMMAND if sound else colour, linewidths=0.7,
                linestyles='-' if sound else '--'))
        axes.add_collection(LineCollection(measured, colors=colour, linewidths=0.8, alpha=0.8))
    axes.autoscale_view()
    low, high = axes.get_ylim()
    missing = _LEAST_SPAN * value.span - (high - low)  # rest shall look like rest
    if value.positions and missing > 0.0:
        low, high = low - 0.5 * missing, high + 0.5 * missing
        axes.set_ylim(low, high)
    if value.measured is None or value.positions:
        for limit in (value.low, value.high):
            if low - 0.3 * (high - low) <= limit <= high + 0.3 * (high - low):
                axes.axhline(limit, color='0.3', linewidth=0.6, linestyle=':')
    shown = 'command' if value.measured is None else 'measured position'
    lag = '' if summary.lag is None else f', lag {summary.lag:g} ticks ({summary.lag_ms:.0f} ms)'
    axes.set_title(f'{value.name}  {shown}{lag}', fontsize=8, loc='left')
    axes.grid(alpha=0.25)
    axes.margins(x=0.01)
    axes.locator_params(nbins=5)
    axes.tick_params(labelsize=7, length=0)
    axes.spines[['top', 'right']].set_visible(False)


def _legend(figure: 'Figure', names: list[str], verdicts: Mapping[str, str]) -> None:
    """Name the colours, and the episodes that aren't fine."""
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=_COLOURS['fine'], label='measured position'),
             Line2D([], [], color=_COMMAND, label='commanded'),
             Line2D([], [], color='0.3', linestyle=':', label='limit')]
    for verdict in ('look at this', 'wrong'):
        found = [name.split('_')[0] for name in names if verdicts[name] == verdict]
        if found:
            more = f' and {len(found) - _MOST_NAMED} more' if len(found) > _MOST_NAMED else ''
            lines.append(Line2D([], [], color=_COLOURS[verdict], label=(
                f'{verdict}: {", ".join(found[:_MOST_NAMED])}{more}')))
    figure.legend(handles=lines, loc='outside upper right', ncols=len(lines), fontsize=8,
                  frameon=False)


def _images(
    axes: 'Axes', camera: str, number: int, episodes: list[tuple[str, RecordedEpisode]],
    verdicts: Mapping[str, str],
) -> None:
    """Draw a camera's images at the begin, in the middle and at the end of each episode."""
    shown = episodes[0][1].images.shape[2:4]
    size = _TILE_HEIGHT, round(_TILE_HEIGHT * shown[1] / shown[0])
    gap = 6
    tile = size[0] + 4 * gap, len(_MOMENTS) * (size[1] + 2) + 2 * gap
    sheet = np.full((ceil(len(episodes) / _TILES) * tile[0], _TILES * tile[1], 3), 255, np.uint8)
    for place, (name, episode) in enumerate(episodes):
        top, left = place // _TILES * tile[0] + 3 * gap, place % _TILES * tile[1]
        for moment, share in enumerate(_MOMENTS):
            image = episode.images[round(share * (len(episode.images) - 1)), number]
            start = left + moment * (size[1] + 2)
            sheet[top:top + size[0], start:start + size[1]] = resized(
                np.ascontiguousarray(image), *size)
        axes.text(left, top - 2, name.split('_')[0], fontsize=7, va='bottom',
                  color=_COLOURS[verdicts[name]])
    axes.imshow(sheet, interpolation='antialiased')
    axes.set_title(f'{camera}: begin, middle and end of each episode', fontsize=8, loc='left')
    axes.set_axis_off()
