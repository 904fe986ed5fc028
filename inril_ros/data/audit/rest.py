# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rest at the ends of demonstrations: before the person begins, and until success is confirmed.

A clone that is shown seconds of rest learns not to begin. So what rests at the ends is left out
where demonstrations are learned from. Bags and their aligned arrays keep all of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
import math
from typing import Any

import numpy as np

from inril_ros.data.audit.layout import Layout
from inril_ros.data.audit.rest_rules import ALL_KEPT, RestRules
from inril_ros.data.frames.episode import part_of, RecordedEpisode
from inril_ros.robot.contract.contract import Contract


@dataclass(frozen=True)
class LeftOut:
    """What is left out of a demonstration.

    Attributes:
        begin: Ticks at the beginning.
        end: Ticks at the end.
        period: [s] Duration of a tick.
    """

    begin: int = 0
    end: int = 0
    period: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.begin or self.end)

    def __str__(self) -> str:
        """Return it in words, such as "0.8 s of rest at the beginning left out"; or nothing."""
        parts = [f'{ticks * self.period:.1f} s of rest at the {where}' for ticks, where in (
            (self.begin, 'beginning'), (self.end, 'end')) if ticks]
        return f'{" and ".join(parts)} left out' if parts else ''

    def to_json(self) -> dict[str, float]:
        """Return the durations [s]."""
        return {'begin': round(self.begin * self.period, 3),
                'end': round(self.end * self.period, 3)}


def rest_of(episode: RecordedEpisode, contract: Contract, rules: RestRules) -> LeftOut:
    """Return what the rules leave out of an episode.

    At rest no command moves anything, and no joint that is commanded is seen to move. An episode
    in which nothing moves at all is left as it is: the audit says so.
    """
    number = len(episode.actions)
    if not rules.share or not number:
        return LeftOut(period=contract.period)
    begin = _still(episode, contract, rules.share)
    if begin == number:
        return LeftOut(period=contract.period)
    end = _still(_reversed(episode), contract, rules.share)
    # Rewards tell that something happened; that of the last tick moves with the end.
    paid = np.flatnonzero(np.asarray(episode.rewards[:-1]))
    if len(paid):
        begin, end = min(begin, int(paid[0])), min(end, number - 1 - int(paid[-1]))
    kept = [math.ceil(round(seconds * contract.control_rate, 6))
            for seconds in (rules.begin, rules.end)]
    return LeftOut(max(0, begin - kept[0]), max(0, end - kept[1]), contract.period)


def without_rest(episode: RecordedEpisode, left_out: LeftOut) -> RecordedEpisode:
    """Return an episode without its rest; the reward of its last tick is then the last one's."""
    if not left_out:
        return episode
    return part_of(episode, left_out.begin, len(episode.actions) - left_out.end)


def all_without_rest(
    episodes: Mapping[str, RecordedEpisode], contract: Contract, rules: RestRules,
) -> tuple[dict[str, RecordedEpisode], dict[str, LeftOut]]:
    """Return episodes without their rest, and what was left out of those that had some."""
    found = {name: rest_of(each, contract, rules) for name, each in episodes.items()}
    return ({name: without_rest(each, found[name]) for name, each in episodes.items()},
            {name: each for name, each in found.items() if each})


def rest_rules(values: Mapping[str, Any] | None) -> RestRules:
    """Return the rules that a model was cloned by; None: it was cloned before there were any.

    Raises:
        ValueError: They are no rules.
    """
    if values is None:
        return ALL_KEPT
    try:
        return RestRules(**{name: float(value) for name, value in values.items()})
    except (AttributeError, TypeError) as error:
        raise ValueError(f'rest is no mapping of share, begin and end: {values!r}') from error


def _still(episode: RecordedEpisode, contract: Contract, share: float) -> int:
    """Return the number of ticks at the beginning in which nothing moves."""
    actions = np.asarray(episode.actions, np.float64)
    observed = np.asarray(episode.observations, np.float64)
    moves = np.zeros(len(actions), bool)
    for value in Layout(contract).values:
        column = actions[:, value.index]
        if value.quantity == 'velocity':
            moves |= ~(np.abs(column) <= share * max(-value.low, value.high))
        else:
            moves |= ~(np.abs(column - column[0]) <= share * value.span)  # NaN moves
        if value.measured is not None and value.positions:
            measured = observed[:, value.measured]
            moves |= ~(np.abs(measured[1:] - measured[0]) <= share * value.span)
    first = np.flatnonzero(moves)
    return int(first[0]) if len(first) else len(actions)


def _reversed(episode: RecordedEpisode) -> RecordedEpisode:
    return replace(episode, actions=episode.actions[::-1], observations=episode.observations[::-1])
