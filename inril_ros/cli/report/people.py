# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How much a person did in a run, and which episodes were not used, with the reasons."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
import re
from typing import Any

_Row = Mapping[str, Any]
_NO_REASON = 'no reason was noted'
_BAG = re.compile(r'(?:^|: )[^:;]*/rejected/[^:;/]+(?:; )?')


@dataclass(frozen=True)
class Interventions:
    """What a person commanded in the episodes of learning.

    Attributes:
        episodes: Episodes in which a person commanded at least one step.
        of_episodes: All episodes.
        steps: Steps that a person commanded.
        of_steps: All steps.
    """

    episodes: int
    of_episodes: int
    steps: int
    of_steps: int

    @property
    def episode_rate(self) -> float:
        """Share of the episodes with an intervention; 0 without episodes."""
        return self.episodes / self.of_episodes if self.of_episodes else 0.0

    @property
    def step_rate(self) -> float:
        """Share of the steps that a person commanded; 0 without steps."""
        return self.steps / self.of_steps if self.of_steps else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return counts and shares as plain data."""
        return {**asdict(self), 'episode_rate': self.episode_rate, 'step_rate': self.step_rate}


def interventions(episodes: Iterable[_Row]) -> Interventions:
    """Return what a person commanded in training episodes, discarded ones included."""
    rows = [(row['ticks'], row.get('person_ticks') or 0) for row in episodes]
    return Interventions(sum(person > 0 for _, person in rows), len(rows),
                         sum(person for _, person in rows), sum(ticks for ticks, _ in rows))


def running_interventions(episodes: Sequence[_Row], window: int) -> list[tuple[int, float]]:
    """Return environment steps, and the share of steps that a person commanded until then.

    Args:
        episodes: Training episodes.
        window: The share is that of so many last episodes, or of those there are.
    """
    return [(row['env_steps'], interventions(episodes[max(0, end - window):end]).step_rate)
            for end, row in enumerate(episodes, start=1)]


@dataclass(frozen=True)
class Discards:
    """Episodes of one kind that were not used.

    Attributes:
        number: How many.
        of: Of how many.
        reasons: How often each reason was given, most frequent first.
    """

    number: int
    of: int
    reasons: tuple[tuple[str, int], ...]


def discards(rows: Sequence[_Row]) -> Discards:
    """Return the discarded ones among attempts at demonstrations, or training episodes."""
    lost = [row for row in rows if not row.get('saved', True)]
    return Discards(len(lost), len(rows), _counted(map(_reason, lost)))


def kept_in_part(episodes: Sequence[_Row]) -> tuple[int, int]:
    """Return the number of saved episodes with ticks that are not learned from, and of these."""
    parts = [row['ticks_lost'] for row in episodes if row.get('saved') and row.get('ticks_lost')]
    return len(parts), sum(parts)


def aborted(evaluation: _Row) -> Discards:
    """Return the aborted episodes of an evaluation, which were done again."""
    lost = evaluation.get('aborted') or []
    return Discards(len(lost), len(lost) + len(evaluation['episodes']),
                    _counted(row.get('reason') or _NO_REASON for row in lost))


def _reason(row: _Row) -> str:
    """Return why an episode was discarded; a bag's path says only where it is."""
    reason = _BAG.sub('', row.get('reason') or '')
    if reason:
        return reason
    return {'aborted': _NO_REASON}.get(row['outcome'], f'ended as {row["outcome"]}').replace(
        '_', ' ')


def _counted(reasons: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(reasons).most_common())
