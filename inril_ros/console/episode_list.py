# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The episodes of a run: those that are noted in its files, and those that the console has seen.

Who drove at each tick is known of the latter only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inril_ros.data.frames.tick_account import account_in
from inril_ros.data.record_files import read_json, read_json_lines, RecordError
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.msg import EpisodeEvent, ExecutedAction
from inril_ros.robot.episode import EpisodeOutcome, Purpose

#: Episodes that are remembered; the files have all.
MOST = 500


@dataclass(frozen=True)
class EpisodeRow:
    """An episode.

    Attributes:
        episode_id: UUID.
        purpose: What it was for, in a word.
        outcome: How it ended; empty: it runs.
        ticks: Number of executed actions.
        person_ticks: How many of them were a person's.
        drove: Who commanded (a source of ExecutedAction) for how many ticks, one after the other;
            empty: nobody here has seen it.
        version: Version of the weights; 0: none of a learner.
        fate: What became of its record.
        reason: Why it ended, or why it was not kept.
    """

    episode_id: str
    purpose: str = ''
    outcome: str = ''
    ticks: int = 0
    person_ticks: int = 0
    drove: tuple[tuple[int, int], ...] = ()
    version: int = 0
    fate: str = ''
    reason: str = ''


class EpisodesDriven:
    """The episodes that the console has seen, from events and executed actions."""

    def __init__(self) -> None:
        self._rows: dict[str, EpisodeRow] = {}

    @property
    def rows(self) -> tuple[EpisodeRow, ...]:
        """The episodes, oldest first."""
        return tuple(self._rows.values())

    def on_event(self, event: EpisodeEvent) -> None:
        """Take an event."""
        kind, known = event.event, self._rows.get(event.episode_id)
        if kind in (EpisodeEvent.RESETTING, EpisodeEvent.STARTED):
            self._put(known or EpisodeRow(event.episode_id, _name(Purpose, event.purpose)))
        elif known is None:
            return
        elif kind == EpisodeEvent.ENDED:
            self._put(replace(known, outcome=_name(EpisodeOutcome, event.outcome),
                              ticks=event.tick, reason=event.reason))
        elif kind == EpisodeEvent.SAVED:
            self._put(replace(known, fate='in part' if account_in(event.reason) else 'kept'))
        elif kind == EpisodeEvent.DISCARDED:
            self._put(replace(known, fate='discarded', reason=event.reason))

    def on_action(self, action: ExecutedAction) -> None:
        """Take an executed action."""
        known = self._rows.get(action.episode_id)
        if known is None:
            return
        *before, last = known.drove or ((action.source, 0),)
        drove = (*before, (last[0], last[1] + 1)) if last[0] == action.source else (
            *before, last, (action.source, 1))
        self._rows[action.episode_id] = replace(
            known, drove=drove, ticks=known.ticks + 1,
            person_ticks=known.person_ticks + (action.source == ExecutedAction.TELEOP),
            version=action.weights_version or known.version)

    def _put(self, row: EpisodeRow) -> None:
        self._rows[row.episode_id] = row
        while len(self._rows) > MOST:
            del self._rows[next(iter(self._rows))]


def noted_episodes(run: RunDirectory) -> list[EpisodeRow]:
    """Return the episodes that the files of a run note, oldest first; those it can't read not."""
    rows = [_row(each, 'demonstration') for each in _lines(run.attempts)]
    for name in ('pretrained', 'finetuned'):
        rows += [_row(each, f'evaluation {name}')
                 for each in _episodes_of(run.evaluation(name))]
        if name == 'pretrained':
            rows += [_row(each, 'rollout') for each in _lines(run.episodes)]
    return rows[-MOST:]


def together(noted: Iterable[EpisodeRow], seen: Sequence[EpisodeRow]) -> list[EpisodeRow]:
    """Return the episodes that were noted and those that were seen, the last one first."""
    rows = {row.episode_id: row for row in noted}
    for row in seen:
        before = rows.pop(row.episode_id, None)
        rows[row.episode_id] = row if before is None else replace(
            row, fate=row.fate or before.fate, ticks=before.ticks,
            outcome=row.outcome or before.outcome)
    return list(rows.values())[::-1]


def _row(noted: Mapping[str, Any], purpose: str) -> EpisodeRow:
    return EpisodeRow(
        str(noted.get('episode_id', '')), purpose, str(noted.get('outcome', '')),
        int(noted.get('ticks', 0)), int(noted.get('person_ticks', 0)), (),
        int(noted.get('weights_version', 0)), str(noted.get('fate', '')),
        str(noted.get('reason') or noted.get('cause') or ''))


def _lines(path: Any) -> list[dict[str, Any]]:
    try:
        return read_json_lines(path)
    except (OSError, RecordError):
        return []


def _episodes_of(path: Any) -> list[dict[str, Any]]:
    try:
        return list(read_json(path)['episodes'])
    except (OSError, RecordError, KeyError, TypeError):
        return []


def _name(kind: type, value: int) -> str:
    try:
        return kind(value).name.lower().replace('_', ' ')
    except ValueError:
        return f'unknown ({value})'
