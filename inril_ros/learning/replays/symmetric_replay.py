# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two replays, of demonstrations and of own episodes, and batches from both.

Each batch has fixed shares of demonstrations and of what a person commanded while the policy ran,
however small a part of the data they are (symmetric sampling: Ball et al. 2023, RLPD; Luo et al.
2024, HIL-SERL). All the rest is drawn uniformly from all own rows, whatever came of them: a batch
that prefers successes would make an action with a chance outcome look as if it mostly succeeded.
Demonstrations are never removed.
"""
from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
import sys
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from inril_ros.learning.experience import Episode, FloatArray
from inril_ros.learning.observations import Observations
from inril_ros.learning.replay import draw, Origin
from inril_ros.learning.replays.batch_shares import counts_by_share
from inril_ros.learning.replays.step_replay import Rows, StepBatch, StepReplay, Stored
from inril_ros.learning.stored.context_files import ContextRows


@dataclass(frozen=True)
class Steps:
    """B rows of a StepReplay as tensors on the learner's device; shapes as in StepBatch."""

    observations: Observations
    context: Tensor
    chunks: Tensor
    returns: Tensor
    discounts: Tensor
    next_observations: Observations
    next_context: Tensor


class Sampling(Protocol):
    """The settings of a host that say what its batches consist of; see OffPolicyConfig."""

    sampling: str
    demonstration_share: float
    intervention_share: float
    positive_share: float


Kind = list[tuple[StepReplay, Rows]]
"""Rows that are drawn from as one."""


class SymmetricReplay:
    """Demonstrations and own episodes."""

    def __init__(self, observation_size: int, action_size: int, context_size: int,
                 chunk_length: int, horizon: int, gamma: float, capacity: int,
                 sampling: Sampling, device: torch.device) -> None:
        """Make two empty replays; sizes as for StepReplay, `capacity` in slots of own episodes."""
        sizes = observation_size, action_size, (context_size,), chunk_length, horizon, gamma
        self._shown = StepReplay(*sizes, capacity=sys.maxsize)
        self._lived = StepReplay(*sizes, capacity=capacity)
        self._context_size = context_size
        self._sampling = sampling
        self._device = device

    @property
    def online(self) -> int:
        """Return the number of own rows."""
        return len(self._lived.rows)

    def add(self, episode: Episode, context: FloatArray, origin: Origin,
            order: int | None = None) -> None:
        """Add an episode of N steps with the context (N + 1, D) of its observations."""
        replay = self._shown if origin is Origin.DEMONSTRATION else self._lived
        replay.add(episode, context, order)

    @property
    def stored(self) -> list[Stored]:
        """Return the stored episodes, demonstrations first."""
        return self._shown.stored + self._lived.stored

    def take_changes(self) -> list[ContextRows]:
        """Return which contexts were written since the last call."""
        return self._shown.take_changes() + self._lived.take_changes()

    @property
    def removed(self) -> int:
        """Return the number of episodes that were removed to make room."""
        return self._lived.removed

    def forget(self, numbers: Set[int]) -> None:
        """Remove the episodes with these numbers among the files of the run."""
        self._shown.forget(numbers)
        self._lived.forget(numbers)

    def recall(self, episode: Episode, context: FloatArray | None, origin: Origin,
               order: int) -> bool:
        """Add an episode once more, after a restart; return False if its context is lost."""
        if not self._context_size:
            context = np.zeros((episode.steps + 1, 0), np.float32)
        if context is None or len(context) != episode.steps + 1:
            return False
        self.add(episode, context, origin, order)
        return True

    def draw(self, number: int, random: np.random.Generator) -> Steps:
        """Return rows in the configured shares, each kind drawn uniformly.

        Raises:
            ValueError: There are no rows.
        """
        return self._drawn(self._kinds(), number, random)

    def parts(self, number: int, parts: int, random: np.random.Generator) -> list[Steps]:
        """Return a batch like those of `draw` for each part of the episodes.

        Parts share no episode, except those of a kind with too few episodes for all parts: parts
        without that kind's share would be of another distribution. The list is empty while one
        of them has no own rows.
        """
        split = []
        for kind in self._kinds():
            apart = [[(replay, replay.rows_of_part(rows, part, parts)) for replay, rows in kind]
                     for part in range(parts)]
            whole = all(_size(part) for part in apart)
            split.append(apart if whole else [kind] * parts)
        if not whole:
            return []
        return [self._drawn(list(kinds), number, random) for kinds in zip(*split)]

    def demonstrations(self, number: int, random: np.random.Generator) -> Steps:
        """Return rows of demonstrations, uniformly."""
        return self._tensors([self._shown.batch(draw(self._shown.rows, number, random))])

    def _kinds(self) -> list[Kind]:
        """Return the rows of each kind; own rows are the last."""
        shown, own = (self._shown, self._shown.rows), (self._lived, self._lived.rows)
        if self._sampling.sampling == 'positives':
            return [[shown, (self._lived, self._lived.positive_rows)], [own]]
        return [[shown], [(self._lived, self._lived.intervention_rows)], [own]]

    def _drawn(self, kinds: list[Kind], number: int, random: np.random.Generator) -> Steps:
        settings = self._sampling
        shares = ((settings.positive_share,) if settings.sampling == 'positives' else
                  (settings.demonstration_share, settings.intervention_share))
        counts = counts_by_share(number, shares, [_size(kind) for kind in kinds])
        return self._tensors([batch for kind, count in zip(kinds, counts) if count
                              for batch in _batches(kind, count, random)])

    def _tensors(self, parts: list[StepBatch]) -> Steps:
        """Join numpy batches and move them to the device."""
        parts = [part for part in parts if len(part.returns)]

        def tensor(name: str) -> Tensor | None:
            arrays = [getattr(part, name) for part in parts]
            if any(array is None for array in arrays):
                return None
            # Batches are copies already, and images are large: no second copy on the CPU.
            joined = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
            return torch.from_numpy(joined).to(self._device)

        return Steps(
            Observations(tensor('observations'), tensor('images')),
            tensor('context'), tensor('chunks'), tensor('returns'), tensor('discounts'),
            Observations(tensor('next_observations'), tensor('next_images')),
            tensor('next_context'))

    def state_dict(self) -> dict[str, NDArray]:
        """Return everything that is needed to rebuild the replays."""
        return {f'{name}.{key}': array
                for name, replay in (('shown', self._shown), ('lived', self._lived))
                for key, array in replay.state_dict().items()}

    def load_state_dict(self, state: Mapping[str, NDArray]) -> None:
        """Fill these empty replays with what `state_dict` returned."""
        for name, replay in (('shown', self._shown), ('lived', self._lived)):
            start = len(name) + 1
            replay.load_state_dict({key[start:]: array for key, array in state.items()
                                    if key.startswith(f'{name}.')})


def _size(kind: Kind) -> int:
    return sum(len(rows) for _, rows in kind)


def _batches(kind: Kind, number: int, random: np.random.Generator) -> list[StepBatch]:
    """Return rows of a kind, drawn uniformly, from each of its replays."""
    chosen = random.integers(_size(kind), size=number)
    batches = []
    for replay, rows in kind:
        of_this = (chosen >= 0) & (chosen < len(rows))
        batches.append(replay.batch(rows[chosen[of_this]]))
        chosen = chosen - len(rows)
    return batches
