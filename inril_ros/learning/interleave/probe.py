# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measures alignment at an imitation event, before and after its steps.

Where RL and IL share parameters, their gradients are compared, on batches that no step was just
trained on but that are drawn as the batches of the steps are. Where they move different networks,
only their gradients with respect to the executed action can be compared.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import math
from typing import Any

import numpy as np
import torch
from torch import nn, Tensor

from inril_ros.learning.hosts.host import Host
from inril_ros.learning.interleave.alignment import (
    action_space_cosine,
    layer_names,
    measure_alignment,
    needed_inner,
    Products,
    smoothness,
)
from inril_ros.learning.interleave.alignment_events import products_by_layer
from inril_ros.learning.interleave.alignment_pool import AlignmentPool
from inril_ros.learning.observations import Observations

DrawImitation = Callable[[np.random.Generator, int], tuple[Observations, Tensor]]
"""Draws an IL batch of B rows: observations, chunks (B, T, A)."""

_ROWS_IN_ACTION_SPACE = 32
"""Rows whose gradients at the action are compared: proposing chunks for a whole batch would take
longer than an update, and what is compared there steers nothing."""


@dataclass
class Reading:
    """Gradients and losses at the point where an event begins."""

    il: list[list[Tensor]]
    rl: list[list[Tensor]]
    il_losses: list[Callable[[], Tensor]]
    """The losses that were differentiated, at the present weights."""
    rl_losses: list[Callable[[], Tensor]]
    il_before: float
    rl_before: float
    il_decrease: float = 0.0
    rl_middle: float = 0.0


class AlignmentProbe:
    """Takes one reading per measured event and pools them."""

    def __init__(self, host: Host, draw: DrawImitation, batch: int, window: int,
                 seed: int) -> None:
        """Begin without readings.

        `draw` gives IL batches like those of the IL steps, which have `batch` rows. `seed` is
        that of separate random numbers: measuring does not change what is learned.
        """
        self._host, self._draw, self._batch = host, draw, batch
        self._random = np.random.default_rng([seed, 20_250_516])
        self.pool = AlignmentPool(window, least_events=min(20, window))
        self.readings = 0
        names = {id(parameter): name for name, parameter in host.policy.named_parameters()}
        self._layers = layer_names([names.get(id(parameter), f'parameter {index}')
                                    for index, parameter in enumerate(host.actor_parameters)])

    def begin(self) -> Reading | None:
        """Take the gradients at the present weights; None if the host has no references now.

        The two IL gradients come from two batches of half the size, drawn independently: the
        halves of one batch would differ in distribution, since each source has its place in it.
        """
        references = [] if self._host.warming_up else self._host.reference_batches()
        if len(references) < 2:
            return None
        parameters = self._host.actor_parameters
        il_losses = [self._imitation_loss(*self._draw(self._random, self._batch // 2), number)
                     for number in range(2)]
        rl_losses = [self._actor_loss(batch) for batch in references]
        il, il_before = _gradients(il_losses, parameters)
        rl, rl_before = _gradients(rl_losses, parameters)
        self.readings += 1
        return Reading(il, rl, il_losses, rl_losses, il_before, rl_before)

    def after_rl(self, reading: Reading) -> None:
        """Measure the effect of the RL step, which has been taken, on the IL loss."""
        reading.il_decrease = reading.il_before - _mean(reading.il_losses)
        reading.rl_middle = _mean(reading.rl_losses)

    def end(self, reading: Reading, il_step: Sequence[Tensor],
            rl_step: Sequence[Tensor] | None) -> dict[str, float]:
        """Pool a reading with its steps (parameters before minus after); return what to log."""
        alignment = measure_alignment(reading.il, reading.rl, layers=self._layers,
                                      il_step=il_step, rl_step=rl_step)
        first = reading.rl_losses[0]()
        curvature = self._curvature(reading, first, il_step, rl_step)
        rl_after = (float(first.detach()) + sum(map(_value, reading.rl_losses[1:]))) / len(
            reading.rl_losses)
        rl_decrease = (reading.rl_before if rl_step is None else reading.rl_middle) - rl_after
        needed = needed_inner(alignment.whole, curvature, _step_size(il_step, alignment.whole))
        self.pool.add(alignment, rl_decrease, None if rl_step is None else reading.il_decrease,
                      needed)
        logged = {f'alignment_{name}': value for name, value in alignment.scalars().items()}
        logged.update(products_by_layer(alignment))
        logged['alignment_needed_inner'] = needed
        logged['alignment_rl_decrease'] = rl_decrease
        logged['alignment_rl_smoothness'] = curvature
        if rl_step is not None:
            logged['alignment_il_decrease'] = reading.il_decrease
        logged.update(self.pooled())
        return logged

    def pooled(self) -> dict[str, float]:
        """Return the pooled alignment of all shared parameters and of each layer, to be logged."""
        whole, least = self.pool.estimate(), self.pool.c_min()
        found = {'alignment_pooled_t': whole.t_value,
                 'alignment_distinguishable': float(whole.distinguishable)}
        if whole.cosine is not None:
            found['alignment_pooled_cosine'] = whole.cosine
        if whole.interval is not None:
            found['alignment_pooled_low'], found['alignment_pooled_high'] = whole.interval
        if least is not None:
            found['alignment_c_min'] = least
        for direction, line in (('il_to_rl', self.pool.il_to_rl()),
                                ('rl_to_il', self.pool.rl_to_il())):
            if line is not None:
                found[f'alignment_{direction}_slope'] = line.slope
                found[f'alignment_{direction}_r_squared'] = line.r_squared
        for layer in self.pool.layers:
            part = self.pool.estimate(layer)
            found[f'alignment_layer/{layer}/t'] = part.t_value
            if part.cosine is not None:
                found[f'alignment_layer/{layer}/cosine'] = part.cosine
        return found

    def in_action_space(self) -> dict[str, float]:
        """Compare the gradients of both losses at the action, for separate networks."""
        observations, chunks = self._draw(
            self._random, min(self._batch, _ROWS_IN_ACTION_SPACE))
        found = self._host.action_gradients(observations, chunks, self._generator(0))
        if found is None:
            return {}
        self.readings += 1
        compared = action_space_cosine(*found)
        return {'alignment_action_cosine': compared.cosine,
                'alignment_action_conflict': compared.conflict}

    def _curvature(self, reading: Reading, first: Tensor, il_step: Sequence[Tensor],
                   rl_step: Sequence[Tensor] | None) -> float:
        """Return the curvature of the first RL loss along the event's move; see `smoothness`."""
        move = [-step for step in il_step] if rl_step is None else [
            -(own + other) for own, other in zip(il_step, rl_step)]
        after = gradient(first, self._host.actor_parameters)
        return smoothness(reading.rl[0], after, move)

    def _generator(self, number: int) -> torch.Generator:
        """Return separate random numbers for a part of a reading, so that losses repeat."""
        return torch.Generator().manual_seed(1_000_003 * self.readings + number)

    def _imitation_loss(self, observations: Observations, chunks: Tensor,
                        number: int) -> Callable[[], Tensor]:
        reading = self.readings

        def loss() -> Tensor:
            generator = torch.Generator().manual_seed(1_000_003 * reading + number)
            return self._host.imitation_loss(observations, chunks, generator)
        return loss

    def _actor_loss(self, batch: Any) -> Callable[[], Tensor]:
        anchored = self._host.anchored(batch)
        return lambda: self._host.actor_loss(anchored)

    def state_dict(self) -> dict[str, Any]:
        """Return the pool and the count, as JSON-able data."""
        return {'readings': self.readings, 'pool': self.pool.state_dict(),
                'random': self._random.bit_generator.state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.readings = int(state['readings'])
        self.pool.load_state_dict(state['pool'])
        self._random.bit_generator.state = state['random']


def gradient(loss: Tensor, parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    """Return the gradient of a scalar, one tensor per parameter; zeros for unused ones."""
    found = torch.autograd.grad(loss, list(parameters), allow_unused=True)
    return [torch.zeros_like(parameter) if part is None else part
            for part, parameter in zip(found, parameters)]


def _step_size(step: Sequence[Tensor], products: Products) -> float:
    """Return |step| / |mean IL gradient|: the equivalent learning rate of SGD."""
    square = sum(float(part.double().square().sum()) for part in step)
    return math.sqrt(square / products.il_mean_square) if products.il_mean_square > 0.0 else 0.0


def _gradients(losses: Sequence[Callable[[], Tensor]],
               parameters: Sequence[nn.Parameter]) -> tuple[list[list[Tensor]], float]:
    """Return the gradient of each loss, and the mean of the losses."""
    gradients, total = [], 0.0
    for loss in losses:
        value = loss()
        gradients.append(gradient(value, parameters))
        total += float(value.detach())
    return gradients, total / len(losses)


@torch.no_grad()
def _value(loss: Callable[[], Tensor]) -> float:
    return float(loss())


def _mean(losses: Sequence[Callable[[], Tensor]]) -> float:
    return sum(map(_value, losses)) / len(losses)
