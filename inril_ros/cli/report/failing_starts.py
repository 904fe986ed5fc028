# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where failures begin: training episodes grouped by their first observation.

All episodes are grouped, not failures alone: a region with many failures may only be one in which
many episodes begin. A number of the observation counts by how much of its range in the run its
beginnings cover; one that hardly differs between them, as the joints of a homed arm, counts for
nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inril_ros.cli.report.film_strips import image_source
from inril_ros.cli.report.journal_trace import JournalTrace
from inril_ros.data.demonstrations.npz_export import quantity_columns
from inril_ros.data.run.estimates import Estimate, success_rate
from inril_ros.data.run.run_record import was_success
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.images import decode_image

#: Fewer episodes, or failures, are not grouped: their intervals would be as wide as all.
LEAST_EPISODES, LEAST_FAILURES = 20, 6
_MOST_GROUPS, _PER_GROUP = 5, 8
_LEAST_SPREAD = 0.05  # of a number's range in the run
_CLOSE = 0.2  # of the range: beginnings of one group are at most so far apart
_IMAGES, _NUMBERS = 6, 3


@dataclass(frozen=True)
class StartGroup:
    """Episodes that begin alike.

    Attributes:
        failures: Episodes without a success of the policy alone.
        share: Share of failures, with its 95 % interval.
        where: Numbers that tell these beginnings from others: name, middle, and the ends of all.
        images: First images of failures, next to the middle of the group first, as data URIs.
    """

    failures: int
    share: Estimate
    where: list[tuple[str, float, float, float]]
    images: list[str]


def failing_starts(
    episodes: Sequence[Mapping[str, Any]], trace: JournalTrace, contract: Contract,
) -> list[StartGroup] | None:
    """Return groups of beginnings, the one that fails most often first.

    None: the journal has too few episodes or failures, or all begin alike.

    Args:
        episodes: Rows of ``episodes.jsonl``; aborted ones are left out.
        trace: What the journal says.
        contract: The robot's contract.
    """
    known = [(row, found) for row in episodes if row['outcome'] != 'aborted'
             and (found := trace.of(row)) and found.start is not None]
    rows, traced = [row for row, _ in known], [found for _, found in known]
    failed = np.array([not was_success(row) for row in rows], bool)
    if len(rows) < LEAST_EPISODES or failed.sum() < LEAST_FAILURES or trace.range is None:
        return None
    starts = np.array([each.start for each in traced], np.float64)
    spans = np.maximum(trace.range[1].astype(float) - trace.range[0], 1e-9)
    differ = np.flatnonzero(np.ptp(starts, axis=0) > _LEAST_SPREAD * spans)
    if not len(differ):
        return None
    names = quantity_columns(contract, contract.policy_observations)
    scaled = starts[:, differ] / spans[differ]
    labels = _grouped(scaled, min(_MOST_GROUPS, len(rows) // _PER_GROUP))
    groups = []
    for label in np.unique(labels):
        inside = labels == label
        middle = scaled[inside].mean(axis=0)
        # What lies farthest from the middle of all, by the spread of all.
        apart = np.abs(middle - scaled.mean(axis=0)) / scaled.std(axis=0)
        told = [differ[place] for place in np.argsort(-apart)[:_NUMBERS]]
        nearest = np.argsort(np.linalg.norm(scaled - middle, axis=1))
        shown = [index for index in nearest if inside[index] and failed[index]][:_IMAGES]
        groups.append(StartGroup(
            int(failed[inside].sum()), success_rate(int(failed[inside].sum()), int(inside.sum())),
            [(names[column], float(starts[inside, column].mean()),
              float(starts[:, column].min()), float(starts[:, column].max())) for column in told],
            [source for index in shown if (source := _image(traced[index].images, contract))]))
    return sorted(groups, key=lambda group: -group.share.value)


def _grouped(points: np.ndarray, groups: int) -> np.ndarray:
    """Return the group of each point (N, D): so many at most, fewer if beginnings lie close."""
    from scipy.cluster.hierarchy import fcluster, linkage  # loads slowly

    close = fcluster(linkage(points, 'complete'), _CLOSE, 'distance')
    return close if close.max() <= groups else fcluster(
        linkage(points, 'ward'), groups, 'maxclust')


def _image(images: Sequence[bytes], contract: Contract) -> str:
    """Return the first camera's image; empty without, or if it can't be read."""
    if not images:
        return ''
    camera = next(iter(contract.policy_cameras.values()))
    try:
        return image_source(decode_image(images[0], camera))
    except ValueError:
        return ''
