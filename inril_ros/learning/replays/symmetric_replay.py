# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two replays, of demonstrations and of own episodes, and batches from both.

Symmetric sampling (Ball et al. 2023, RLPD): a fixed share of each batch are positives, from
demonstrations, however small a part of the data they are. Own successes and interventions count
as positives too (as interventions do in HIL-SERL, Luo et al. 2024). Demonstrations are never
removed.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import sys

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from inril_ros.learning.experience import Episode, FloatArray
from inril_ros.learning.observations import Observations
from inril_ros.learning.replay import draw, Origin
from inril_ros.learning.replays.step_replay import Rows, StepBatch, StepReplay


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


class SymmetricReplay:
    """Demonstrations and own episodes."""

    def __init__(self, observation_size: int, action_size: int, context_size: int,
                 chunk_length: int, horizon: int, gamma: float, capacity: int,
                 with_demonstrations: bool, with_successes: bool,
                 device: torch.device) -> None:
        """Make two empty replays; sizes as for StepReplay, `capacity` in slots for own episodes.

        `with_demonstrations` counts demonstrations as positives; else they are kept for
        `demonstrations` alone. `with_successes` counts own successes and interventions.
        """
        sizes = observation_size, action_size, (context_size,), chunk_length, horizon, gamma
        self._shown = StepReplay(*sizes, capacity=sys.maxsize)
        self._lived = StepReplay(*sizes, capacity=capacity)
        self._with_demonstrations = with_demonstrations
        self._with_successes = with_successes
        self._device = device

    @property
    def online(self) -> int:
        """Return the number of own rows."""
        return len(self._lived.rows)

    def add(self, episode: Episode, context: FloatArray, origin: Origin) -> None:
        """Add an episode of N steps with the context (N + 1, D) of its observations."""
        replay = self._shown if origin is Origin.DEMONSTRATION else self._lived
        replay.add(episode, context)

    def draw(self, number: int, positive_share: float, random: np.random.Generator) -> Steps:
        """Return rows: first the share of positives, then own rows, both drawn uniformly.

        All rows are own ones while there are no positives.

        Raises:
            ValueError: There are no own rows.
        """
        shown = self._shown.rows if self._with_demonstrations else self._shown.rows[:0]
        worked = self._lived.positive_rows if self._with_successes else self._lived.rows[:0]
        positives = round(positive_share * number) if len(shown) + len(worked) else 0
        parts = []
        if positives:
            chosen = random.integers(len(shown) + len(worked), size=positives)
            of_shown = chosen < len(shown)
            parts += [self._shown.batch(shown[chosen[of_shown]]),
                      self._lived.batch(worked[chosen[~of_shown] - len(shown)])]
        parts.append(self._lived.batch(draw(self._lived.rows, number - positives, random)))
        return self._tensors(parts)

    def demonstrations(self, number: int, random: np.random.Generator) -> Steps:
        """Return rows of demonstrations, uniformly."""
        return self._tensors([self._shown.batch(draw(self._shown.rows, number, random))])

    def parts(self, number: int, parts: int, random: np.random.Generator) -> list[Steps]:
        """Return a batch of own rows for each part of the episodes; [] if one is empty."""
        rows: list[Rows] = [self._lived.rows_of_part(part, parts) for part in range(parts)]
        if not all(len(part) for part in rows):
            return []
        return [self._tensors([self._lived.batch(draw(part, number, random))]) for part in rows]

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
