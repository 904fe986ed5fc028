# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the processes of a stage counted, over all starts of the stage.

A process counts from its start, and forgets its counts when it ends. So the counts are noted after
each episode; those of an interrupted start reach to its last episode.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from inril_ros.data.record_files import JsonLines, read_json_lines

_SUMMED = ('ticks', 'misses', 'holds', 'clipped', 'dropped')


class StartsLog:
    """Notes the counts of this start of a stage beside those of former starts.

    As a context manager it closes its file.

    Args:
        path: File of the notes, JSON Lines.
    """

    def __init__(self, path: Path) -> None:
        self._former = last_of_each_start(read_json_lines(path))
        self._start = 1 + max((row['start'] for row in self._former), default=-1)
        self._now: list[dict[str, Any]] = []
        self._file = JsonLines(path)

    def __enter__(self) -> 'StartsLog':
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    @property
    def all(self) -> list[dict[str, Any]]:
        """The counts of each start, the last of this one included."""
        return [*self._former, *self._now]

    def note(self, counts: Mapping[str, Any]) -> None:
        """Note what has been counted since this start."""
        self._now = [{'start': self._start, **counts}]
        self._file.append(self._now[0])


def last_of_each_start(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the last note of each start, in their order."""
    return list({row['start']: dict(row) for row in rows}.values())


def control_counts(status: Any) -> dict[str, Any]:
    """Return the counts of an ActuationStatus: ticks, misses, holds and time between ticks [s]."""
    return {**{name: getattr(status, name) for name in _SUMMED}, 'period': status.period,
            'worst_gap': status.worst_gap, 'gap_edges': list(status.gap_edges),
            'gap_counts': list(status.gap_counts)}


def all_control_counts(starts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the counts of several starts as one; empty if there is none.

    Args:
        starts: What ``control_counts`` gave for each. Where a period differs, as under another
            contract, the histogram is that of the last period.
    """
    if not starts:
        return {}
    last = starts[-1]
    alike = [each['gap_counts'] for each in starts if each['gap_edges'] == last['gap_edges']]
    return {
        **{name: sum(each.get(name, 0) for each in starts) for name in _SUMMED},
        'period': last['period'], 'worst_gap': max(each['worst_gap'] for each in starts),
        'gap_edges': last['gap_edges'],
        'gap_counts': [sum(counts) for counts in zip(*alike, strict=True)],
        'starts': len(starts)}


def counts_of_all(
    starts: Sequence[Mapping[str, Any]], weights: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return what all starts of fine-tuning have counted together.

    Args:
        starts: The last note of each start.
        weights: Rows of ``weights.jsonl``, which all starts share.
    """
    inference = [start['inference'] for start in starts]
    return {
        'control': all_control_counts([start['control'] for start in starts]),
        'versions': {
            'applied': len({row['version'] for row in weights} - {None}),
            'refused': sum(start['refused'] for start in starts)},
        'transitions': {name: sum(start[name] for start in starts)
                        for name in ('sent', 'duplicates')},
        'inference': {} if not inference else {
            'median_seconds': inference[-1]['median_seconds'],
            'worst_seconds': max(each['worst_seconds'] for each in inference),
            'count': sum(each['count'] for each in inference)}}
