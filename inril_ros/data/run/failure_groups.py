# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Failed episodes grouped by where they began: average linkage of their first observations.

What hardly varies between starts is noise of the sensors and doesn't count. The rest is scaled by
its deviation, so that metres and radians can be compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Distance, in deviations of all starts, up to which groups are merged, and starts are near one.
RADIUS = 0.75
#: Share of the largest deviation below which a value counts as constant.
STILL = 0.1
#: More failures are not compared: the last ones count.
MOST = 400


@dataclass(frozen=True)
class Began:
    """Where an episode began, and how it ended.

    Attributes:
        episode_id: UUID.
        success: Whether the policy succeeded by itself.
        observation: (O,) First observation.
    """

    episode_id: str
    success: bool
    observation: np.ndarray


@dataclass(frozen=True)
class Unusual:
    """A value of the observation by which a group differs from all starts.

    Attributes:
        element: Its index in the observation.
        here: Mean of the group.
        usual: Mean of all starts.
    """

    element: int
    here: float
    usual: float


@dataclass(frozen=True)
class FailureGroup:
    """Failures that began alike.

    Attributes:
        failed: Their episodes, the one nearest to the middle first.
        near: Number of all starts that are as near to the middle, failed or not.
        succeeded: Number of these that succeeded.
        unusual: What is unusual about the start, most first.
    """

    failed: tuple[str, ...]
    near: int
    succeeded: int
    unusual: tuple[Unusual, ...]


def group_failures(starts: Sequence[Began]) -> list[FailureGroup]:
    """Return the groups of failed starts, the largest one first.

    Args:
        starts: Failed and successful ones, in order of time.
    """
    failures = [place for place, start in enumerate(starts) if not start.success][-MOST:]
    if not failures:
        return []
    values = np.array([start.observation for start in starts], np.float64)
    deviation = values.std(axis=0)
    varies = deviation > STILL * deviation.max(initial=0.0)
    scaled = (values[:, varies] - values[:, varies].mean(axis=0)) / deviation[varies]
    groups = [_group(starts, values, scaled, varies, deviation, [failures[one] for one in places])
              for places in _linked(scaled[failures])]
    return sorted(groups, key=lambda group: -len(group.failed))


def _linked(points: np.ndarray) -> list[list[int]]:
    """Return the groups of points (N, D) by average linkage, up to ``RADIUS``."""
    groups = [[place] for place in range(len(points))]
    apart = _distances(points, points)
    np.fill_diagonal(apart, np.inf)
    while len(groups) > 1:
        first, second = sorted(divmod(int(apart.argmin()), len(groups)))
        if apart[first, second] > RADIUS:
            break
        sizes = len(groups[first]), len(groups[second])
        merged = np.average(apart[[first, second]], axis=0, weights=sizes)
        merged[first] = np.inf
        apart[first], apart[:, first] = merged, merged
        apart = np.delete(np.delete(apart, second, axis=0), second, axis=1)
        groups[first] += groups.pop(second)
    return groups


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the root mean squared differences (N, M) of points (N, D) and (M, D)."""
    if not first.shape[1]:
        return np.zeros((len(first), len(second)))
    return np.sqrt(((first[:, None] - second[None]) ** 2).mean(axis=2))


def _group(
    starts: Sequence[Began], values: np.ndarray, scaled: np.ndarray, varies: np.ndarray,
    deviation: np.ndarray, places: list[int],
) -> FailureGroup:
    middle = scaled[places].mean(axis=0)
    from_middle = _distances(scaled, middle[None])[:, 0]
    # No start of the group is left out of those that are near.
    near = np.flatnonzero(from_middle <= max(RADIUS, from_middle[places].max()))
    usual, here = values.mean(axis=0), values[places].mean(axis=0)
    unusual = np.where(varies, np.abs(here - usual) / np.where(varies, deviation, 1.0), 0.0)
    return FailureGroup(
        tuple(starts[place].episode_id for place in sorted(
            places, key=lambda place: from_middle[place])),
        len(near), sum(starts[place].success for place in near),
        tuple(Unusual(int(element), float(here[element]), float(usual[element]))
              for element in np.argsort(-unusual)[:3] if unusual[element] >= RADIUS))


def take_turns(groups: Sequence[FailureGroup], most: int) -> list[tuple[int, str]]:
    """Return up to ``most`` failed episodes with the number of their group.

    All groups have their turn, the largest first, so that a rare beginning is practised too.
    """
    turns = [(turn, number, episode) for number, group in enumerate(groups)
             for turn, episode in enumerate(group.failed)]
    return [(number, episode) for _, number, episode in sorted(
        turns, key=lambda each: each[:2])][:most]
