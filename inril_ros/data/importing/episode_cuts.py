# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The episodes of a long recording, found by its pauses, by a topic or by a table."""

from collections.abc import Iterable, Iterator
import csv
from dataclasses import dataclass
import math
from pathlib import Path
from typing import Any, Literal

import numpy as np

from inril_ros.data.bags.bags import BagError
from inril_ros.robot.episode import EpisodeOutcome

_OUTCOMES = {'success': EpisodeOutcome.SUCCESS, 'failure': EpisodeOutcome.FAILURE,
             'time_limit': EpisodeOutcome.TIME_LIMIT}
_BEGIN = {'start', 'begin', 'record', 'new'}
_END = {'stop', 'end', 'done'}
_DISCARD = {'discard', 'abort', 'delete', 'rerecord'}
# [s] Smaller times count from the beginning of the recording, larger ones from 1970.
_SINCE_1970 = 1e8


class CutError(BagError):
    """A recording that can't be cut as asked; the message says why and what is allowed."""


@dataclass(frozen=True)
class Cut:
    """The span of one episode of a recording.

    Attributes:
        start: Its first moment in the bag's time [ns].
        end: Its last moment in the bag's time [ns].
        outcome: Its outcome; None for the outcome given to the import.
        task: Its task; empty for the task given to the import.
    """

    start: int
    end: int
    outcome: EpisodeOutcome | None = None
    task: str = ''


@dataclass(frozen=True)
class CutRule:
    """A rule for cutting: ``whole``, ``gaps:2.0`` [s], ``topic:/name`` or ``csv:times.csv``."""

    kind: Literal['whole', 'gaps', 'topic', 'csv']
    value: str = ''

    @classmethod
    def parse(cls, text: str) -> 'CutRule':
        """Read a rule from a command line.

        Raises:
            CutError: It is no rule; the message says what is allowed.
        """
        kind, _, value = text.partition(':')
        if kind not in ('whole', 'gaps', 'topic', 'csv') or (kind == 'whole') != (not value):
            raise CutError(f'{text!r}: allowed are whole, gaps:SECONDS, topic:NAME, csv:FILE')
        if kind == 'gaps' and not _seconds(value, 'gaps') > 0.0:
            raise CutError(f'{text!r}: a pause lasts longer than 0 s')
        return cls(kind, value)

    @property
    def seconds(self) -> float:
        """Shortest pause between episodes [s], for ``gaps``."""
        return float(self.value)


def cut_by_gaps(times: Iterable[int], pause: float, most: int = 100_000) -> list[Cut]:
    """Return the episodes between pauses of the streams.

    Args:
        times: Times of the messages [ns], in order.
        pause: Shortest pause between episodes [s].
        most: Largest number of episodes; more would be a mistake.

    Raises:
        CutError: There are too many episodes.
    """
    cuts: list[Cut] = []
    start = last = None
    for time in times:
        if last is not None and time - last > pause * 1e9:
            cuts.append(Cut(start, last))
            start = None
            if len(cuts) >= most:
                raise CutError(f'gaps:{pause:g}: more than {most} pauses; take a longer one')
        start = time if start is None else start
        last = time
    if start is not None:
        cuts.append(Cut(start, last))
    return [cut for cut in cuts if cut.end > cut.start]


def cut_by_topic(messages: Iterable[tuple[int, Any]], end: int) -> list[Cut]:
    """Return the episodes that the messages of a topic delimit.

    ``std_msgs/Bool`` is true during an episode. ``std_msgs/String`` is start, then success,
    failure, stop or discard. Any other message begins an episode and ends the one before.

    Args:
        messages: (time [ns], message) of the topic, in order.
        end: End of the recording [ns], which also ends an open episode.

    Raises:
        CutError: A string is none of those.
    """
    cuts: list[Cut] = []
    start: int | None = None
    for time, message in messages:
        begins, ends, outcome = _meaning(message)
        if start is not None and ends is not None:
            if ends:
                cuts.append(Cut(start, time, outcome))
            start = None
        if begins and start is None:
            start = time
    if start is not None:
        cuts.append(Cut(start, end))
    return [cut for cut in cuts if cut.end > cut.start]


def _meaning(message: Any) -> tuple[bool, bool | None, EpisodeOutcome | None]:
    """Return whether an episode begins, whether one is kept (None: none ends), and its outcome."""
    value = getattr(message, 'data', None)
    if isinstance(value, (bool, np.bool_)):
        return bool(value), None if value else True, None
    if not isinstance(value, str):
        return True, True, None
    word = value.strip().lower()
    if word in _BEGIN:
        return True, True, None
    if word in _END or word in _OUTCOMES:
        return False, True, _OUTCOMES.get(word)
    if word in _DISCARD:
        return False, False, None
    raise CutError(f'the topic says {value[:80]!r}: allowed are {sorted(_BEGIN)}, '
                   f'{sorted({*_END, *_OUTCOMES})} and {sorted(_DISCARD)}')


def cut_by_table(path: Path, first: int) -> list[Cut]:
    """Return the episodes of a CSV file with columns start, end and optionally outcome, task.

    Times are seconds from the beginning of the recording, or since 1970.

    Args:
        path: The file.
        first: Beginning of the recording [ns].

    Raises:
        CutError: It can't be read, or a row isn't an episode; the message names the line.
    """
    try:
        with path.open(newline='', encoding='utf-8-sig') as file:
            return list(_rows(csv.DictReader(file), path, first))
    except (OSError, UnicodeError, csv.Error) as error:
        raise CutError(f'{path}: cannot be read: {error}') from error


def _rows(reader: csv.DictReader, path: Path, first: int) -> Iterator[Cut]:
    columns = {(name or '').strip().lower(): name for name in reader.fieldnames or ()}
    if not {'start', 'end'} <= columns.keys():
        raise CutError(f'{path}: needs the columns start and end, and may have outcome and task; '
                       f'it has {list(columns)}')
    last = None
    for row in reader:
        place = f'{path}, line {reader.line_num}'
        values = {name: (row[column] or '').strip() for name, column in columns.items()}
        start, end = (_time(values[name], first, f'{place}, {name}') for name in ('start', 'end'))
        if not start < end:
            raise CutError(f'{place}: the end is not after the start')
        if last is not None and start < last:
            raise CutError(f'{place}: begins before the episode above it ends')
        outcome = values.get('outcome', '').lower()
        if outcome and outcome not in _OUTCOMES:
            raise CutError(f'{place}: outcome {outcome!r}: allowed are {sorted(_OUTCOMES)}')
        last = end
        yield Cut(start, end, _OUTCOMES.get(outcome), values.get('task', ''))


def _time(text: str, first: int, place: str) -> int:
    seconds = _seconds(text, place)
    if seconds < _SINCE_1970:
        return first + round(seconds * 1e9)
    # A float can't hold nanoseconds since 1970.
    whole, _, part = text.partition('.')
    return int(float(whole)) * 1_000_000_000 + int(f'{part[:9]:0<9}' if part else 0)


def _seconds(text: str, place: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.0 <= seconds < 1e11:
        raise CutError(f'{place}: {text!r} is no time in seconds')
    return seconds
