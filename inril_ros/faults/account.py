# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Compares the journal with a checkpoint: which transitions the learner lacks or has twice.

Two comparisons are made, and the worse one counts. By number: the learner's count of transitions.
By content: the observations of ended episodes must be in the experience of the learner as often as
in the journal; measurement noise makes nearly every observation unique.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
import json
from pathlib import Path
from typing import Any

import numpy as np

from inril_ros.learning.experience import observed_rows
from inril_ros.learning.policies.artifact import read_folder
from inril_ros.learning.replay import Origin
from inril_ros.learning.stored.experience_store import ExperienceStore

ABORTED = 4  # of EpisodeEvent.msg


@dataclass(frozen=True)
class Learned:
    """The contents of a checkpoint.

    Attributes:
        sequence: Number of the last transition in it.
        transitions: Number of transitions in it.
        rows: Occurrences of each observation at which a step began, by its bytes.
    """

    sequence: int
    transitions: int
    rows: Counter


@dataclass
class Account:
    """All transitions that were ever in the journal of a run, by number.

    A fault may remove them from the journal again.
    """

    _known: dict[int, tuple[str, int, tuple[bytes, ...]]] = field(default_factory=dict)
    _ended: dict[str, int] = field(default_factory=dict)
    conflicts: int = 0

    @property
    def last(self) -> int:
        """Number of the last transition."""
        return max(self._known, default=0)

    def read(self, records: Iterable[Any]) -> None:
        """Add the journal's present transitions (Transition messages).

        A number with two contents, or a place in an episode with two numbers, is a conflict.
        """
        places = {(episode, tick): number for number, (episode, tick, _) in self._known.items()
                  if tick >= 0}
        for record in records:
            steps = record.steps
            observed = np.array(record.observations, np.float32)[:steps * record.observation_size]
            observed = observed.reshape(steps, record.observation_size)
            rows = tuple(row.tobytes() for row in observed[observed_rows(observed)])
            entry = (record.episode_id, record.first_tick if steps else -1, rows)
            known = self._known.setdefault(record.sequence, entry)
            place = places.setdefault(entry[:2], record.sequence) if steps else record.sequence
            self.conflicts += known != entry or place != record.sequence
            if record.terminated or record.truncated:
                self._ended[record.episode_id] = record.outcome

    def compare(self, learned: Learned) -> tuple[int, int]:
        """Return how many transitions the learner lacks, and how many it has too often."""
        real = {number: entry for number, entry in self._known.items() if entry[1] >= 0}
        counted = sum(number <= learned.sequence for number in real)
        lost = max(0, counted - learned.transitions) + sum(
            number > learned.sequence for number in self._known)
        twice = max(0, learned.transitions - counted)
        kept = [rows for episode, _, rows in real.values()
                if self._ended.get(episode, ABORTED) != ABORTED]
        expected = Counter(row for rows in kept for row in rows)
        missing = sum(any(learned.rows[row] < expected[row] for row in rows) for rows in kept)
        repeated = sum(any(learned.rows[row] > expected[row] for row in rows) for rows in kept)
        return max(lost, missing), max(twice, repeated, self.conflicts)


def newest_checkpoint(folder: Path) -> Learned:
    """Read the newest checkpoint in a folder.

    Raises:
        ValueError: Its hashes are wrong, or those of the episodes that it refers to.
        FileNotFoundError: There is none.
    """
    found = sorted(path for path in folder.glob('[0-9]*') if path.name.isdigit())
    if not found:
        raise FileNotFoundError(f'{folder}: no checkpoint')
    tensors, document = read_folder(found[-1])
    rows: Counter = Counter()
    damaged: list[str] = []
    for episode, origin, _ in ExperienceStore(folder / 'experience', keep=1).read(
            tensors, document['experience'], damaged):
        if origin is not Origin.DEMONSTRATION:
            begun = episode.observations[:-1]
            known = slice(None) if episode.observed is None else episode.observed[:-1]
            rows.update(row.tobytes() for row in begun[known])
    if damaged:
        raise ValueError('; '.join(damaged))
    (sequence,) = document['sequences'].values()  # of the graph's only robot
    counters = json.loads(document['session'])['counters']
    return Learned(sequence, counters['transitions'], rows)
