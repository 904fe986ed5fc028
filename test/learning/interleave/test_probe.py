# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The probe measures the gradients of what is optimised, and keeps what it measured."""
from __future__ import annotations

from collections.abc import Mapping
import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn, Tensor

from inril_ros.learning.experience import Episode
from inril_ros.learning.interleave.alignment import measure_alignment
from inril_ros.learning.interleave.alignment_events import alignment_event, pooled_again
from inril_ros.learning.interleave.probe import AlignmentProbe
from inril_ros.learning.interleave.sources import ImitationMemory, ImitationSource
from inril_ros.learning.observations import Observations
from inril_ros.learning.replay import Origin

SHOWN, OWN = 0.75, -0.25
"""The action of all demonstrations, and that of all own successes."""


class Point:
    """A host with one parameter w: imitation lowers (w - action)^2 / 2, RL lowers 3 w."""

    warming_up = False

    def __init__(self) -> None:
        self.policy = nn.Module()
        self.policy.w = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    @property
    def actor_parameters(self) -> list[nn.Parameter]:
        return [self.policy.w]

    def imitation_loss(self, observations: Observations, chunks: Tensor,
                       generator: torch.Generator) -> Tensor:
        return (self.policy.w - chunks.double()).square().mean() / 2

    def actor_loss(self, batch: int) -> Tensor:
        return 3.0 * self.policy.w.sum()

    def reference_batches(self) -> list[int]:
        return [0, 1]

    def anchored(self, batch: int) -> int:
        return batch


def episode(action: float, steps: int = 10) -> Episode:
    return Episode(np.zeros((steps + 1, 1)), np.full((steps, 1), action), np.eye(steps)[-1],
                   True, True)


def probe(host: Point, share: float) -> AlignmentProbe:
    memory = ImitationMemory(1, 1, 1)
    for _ in range(4):
        memory.add(episode(SHOWN), Origin.DEMONSTRATION)
        memory.add(episode(OWN), Origin.ONLINE)
    source = ImitationSource('both', share)

    def draw(random: np.random.Generator, rows: int) -> tuple[Observations, Tensor]:
        states, _, chunks = memory.pairs(source.rows(memory, rows, random))
        return Observations(torch.tensor(states)), torch.tensor(chunks)

    return AlignmentProbe(host, draw, batch=64, window=50, seed=0)


@pytest.mark.parametrize('share', [0.25, 0.5])
def test_the_square_of_the_imitation_gradient_is_that_of_the_whole_mixture(share: float) -> None:
    host = Point()
    made = probe(host, share)
    mixture = share * SHOWN + (1 - share) * OWN
    squares = []
    for _ in range(20):
        reading = made.begin()
        squares.append(measure_alignment(reading.il, reading.rl).whole.il)
    # The demonstrations' own gradient times that of own successes is negative: -0.19.
    assert np.mean(squares) == pytest.approx(mixture ** 2, abs=1e-9)


def event(host: Point, made: AlignmentProbe, updates: int) -> dict[str, float]:
    """Measure an event with an IL step of 0.01; return what an update logs."""
    reading = made.begin()
    logged = made.end(reading, [torch.full((1,), 0.01, dtype=torch.float64)], None)
    return {'rl_updates': float(updates), **logged}


def test_events_can_be_pooled_again_from_what_updates_logged() -> None:
    host = Point()
    made = probe(host, 0.5)
    random = np.random.default_rng(0)
    lines = []
    for number in range(30):
        host.policy.w.data.fill_(random.normal(0.5, 0.2))
        found = alignment_event(event(host, made, 4 * number))
        lines.append(json.dumps(found, allow_nan=False))
    events: list[Mapping[str, Any]] = [json.loads(line) for line in [*lines, *lines[-3:]]]
    again = pooled_again(events)
    assert again == {'whole': made.pool.estimate(), 'w': made.pool.estimate('w')}
    assert again['whole'].cosine is not None
    needed = sum(each['needed_inner'] for each in events[:30])
    inner, il, rl = np.sum([each['products']['whole'] for each in events[:30]], axis=0)
    assert made.pool.c_min() == pytest.approx(needed / np.sqrt(il * rl))


def test_an_update_without_a_measurement_is_no_event() -> None:
    host = Point()
    logged = event(host, probe(host, 0.5), 4)
    assert alignment_event({'rl_updates': 4.0, 'rl_loss': 1.0}) is None
    assert alignment_event({**logged, 'alignment_layer/w/inner': float('nan')}) is None
    broken = alignment_event({**logged, 'alignment_needed_inner': float('inf')})
    assert broken is not None and broken['needed_inner'] is None
