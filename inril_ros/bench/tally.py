# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a run counts and keeps between its evaluation points."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from inril_ros.learning.interleave.alignment_events import alignment_event

_KEPT_OUT_OF_MEANS = ('rl_updates', 'il_updates')
# Already pooled over many events: the last value counts.
_POOLED = ('alignment_pooled', 'alignment_distinguishable')


@dataclass
class Tally:
    """The counts of a run so far; its checkpoints contain them.

    Attributes:
        rounds: Rounds of episodes played.
        evaluated: Evaluation points done.
        simulation_seconds: CPU time of training episodes, including the policy's.
        learning_seconds: CPU time of updates.
        evaluation_seconds: CPU time of evaluation.
        since: Sums and counts since the last evaluation point, by name.
        episodes: Steps and success of each training episode since the last evaluation point.
        events: Products of each measured imitation event since then; see ``alignment_events``.
        rows: Results so far.
    """

    rounds: int = 0
    evaluated: int = 0
    simulation_seconds: float = 0.0
    learning_seconds: float = 0.0
    evaluation_seconds: float = 0.0
    since: dict[str, list[float]] = field(default_factory=dict)
    episodes: list[tuple[int, bool]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, facts: Mapping[str, float | None]) -> None:
        """Add values that are averaged until the next evaluation point."""
        for name, value in facts.items():
            if isinstance(value, int | float) and name not in _KEPT_OUT_OF_MEANS:
                if name.startswith(_POOLED):
                    self.since.pop(name, None)
                total = self.since.setdefault(name, [0.0, 0.0])
                total[0] += float(value)
                total[1] += 1.0

    def add_update(self, logged: Mapping[str, float]) -> None:
        """Add what an update logged, with the products of its imitation event if measured."""
        self.add(logged)
        event = alignment_event(logged)
        if event is not None:
            self.events.append(_rounded(event))

    def means(self) -> dict[str, float]:
        """Return the means since the last evaluation point, and reset them."""
        means = {name: total / count for name, (total, count) in self.since.items()}
        self.since = {}
        return means


def compact(episodes: Iterable[tuple[int, bool]]) -> dict[str, Any]:
    """Return (steps, success) of episodes as a row keeps them; see ``training_episodes``."""
    episodes = list(episodes)
    return {'steps': [steps for steps, _ in episodes],
            'success': ''.join('01'[success] for _, success in episodes)}


def _rounded(event: Any) -> Any:
    """Return plain data with all its fractions to six digits: runs have thousands of events."""
    if isinstance(event, dict):
        return {name: _rounded(value) for name, value in event.items()}
    if isinstance(event, list):
        return [_rounded(value) for value in event]
    return float(f'{event:.6g}') if isinstance(event, float) else event
