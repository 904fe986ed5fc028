# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The file of an evaluation: every episode that was run, and what those that count come to.

It is written whole after each episode, so an evaluation that was interrupted goes on, and one that
is done can be continued with more episodes. Episode ``i`` starts in initial state ``i``, always.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inril_ros.data.record_files import read_record, Record, RecordError, write_json
from inril_ros.data.run.estimates import Estimate, success_rate
from inril_ros.data.run.starts import all_control_counts


class EvaluationFile:
    """The episodes of one model.

    Args:
        path: The file, which need not exist.
        content_hash: SHA-256 of the model's weights. Episodes of another model stay in the file
            as ``former``, and don't count.

    Attributes:
        episodes: Rows of the episodes that count, in the order of their initial states.
        aborted: Rows of the aborted tries, which count neither as success nor as failure.
        former: What was noted of other models.

    Raises:
        RecordError: The file is damaged.
    """

    def __init__(self, path: Path, content_hash: str) -> None:
        self.path = path
        self._hash = content_hash
        known = read_record(path) if path.exists() else Record()
        self.former: list[dict[str, Any]] = _rows(known, 'former', path)
        if known and known.get('content_hash', content_hash) != content_hash:
            self.former.append({key: value for key, value in known.items() if key != 'former'})
            known = Record()
        self.episodes = _rows(known, 'episodes', path)
        self.aborted = _rows(known, 'aborted', path)
        # A file of former versions has the counts of its only start alone.
        self._starts = _rows(known, 'starts', path) or list(filter(None, [known.get('actuation')]))
        self._seconds = known.get('wall_seconds', 0.0)

    @property
    def rate(self) -> Estimate:
        """Success without a person, with Wilson's 95 % interval; there must be an episode."""
        return success_rate(sum(bool(row['success']) for row in self.episodes),
                            len(self.episodes))

    @property
    def rescued(self) -> int:
        """Number of episodes that succeeded after a person had taken over."""
        return sum(bool(row.get('rescued')) for row in self.episodes)

    def write(self, about: Mapping[str, Any], control: Mapping[str, Any], seconds: float) -> None:
        """Write the file.

        Args:
            about: Further facts of the evaluation.
            control: What ``control_counts`` gives for this start.
            seconds: [s] Time since this start.
        """
        rate = self.rate if self.episodes else None
        starts = [*self._starts, control]
        write_json(self.path, {
            **about, 'content_hash': self._hash,
            **({'success': rate.value, 'low': rate.low, 'high': rate.high} if rate else {}),
            'n': len(self.episodes), 'rescued': self.rescued,
            'wall_seconds': self._seconds + seconds, 'actuation': all_control_counts(starts),
            'episodes': self.episodes, 'aborted': self.aborted, 'starts': starts,
            'former': self.former}, replace=True)


def _rows(record: Mapping[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    rows = record.get(key) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RecordError(f'{path}: {key} must be a list of objects')
    return list(rows)
