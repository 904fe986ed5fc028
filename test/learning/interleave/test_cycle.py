# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a controller of m is told of a cycle, for losses whose changes are known exactly."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn, Tensor

from inril_ros.learning.exploration import ExplorationConfig
from inril_ros.learning.hosts.host import Host
from inril_ros.learning.hosts.settings.host_config import ActorSteps
from inril_ros.learning.interleave.adaptive import Event
from inril_ros.learning.interleave.interleaver import Interleaver
from inril_ros.learning.interleave.interleaving_config import InterleavingConfig
from inril_ros.learning.observations import Observations

RL_STEP = 1e-3
IL_STEP = 0.01
"""Falls of the losses in each step: Adam's learning rates, since the gradients are constant."""


class Slope(Host[int]):
    """RL lowers -x, imitation lowers -y: neither changes the other's loss."""

    def __init__(self, warmup: int = 0) -> None:
        self.policy = nn.Module()
        self.policy.x = nn.Parameter(torch.zeros(1))
        self.policy.y = nn.Parameter(torch.zeros(1))
        self.exploration: ExplorationConfig | None = None
        self.actor_steps = ActorSteps(RL_STEP, None)
        self.warmup, self.updates = warmup, 0

    def remember(self, episode: Any, origin: Any) -> None:
        """Learn from nothing."""

    def updates_due(self, env_steps: int) -> int:
        return 1

    @property
    def warming_up(self) -> bool:
        return self.updates < self.warmup

    @property
    def iterations(self) -> int:
        return self.updates

    def draw(self) -> int:
        return 0

    def critic_update(self, batch: int) -> dict[str, float]:
        self.updates += 1
        return {'rl_loss': 0.0}

    def actor_loss(self, batch: int) -> Tensor | None:
        return None if self.warming_up else -self.policy.x.sum()

    @property
    def actor_parameters(self) -> list[nn.Parameter]:
        return [self.policy.x, self.policy.y]

    @property
    def imitation_parameters(self) -> list[nn.Parameter]:
        return self.actor_parameters

    @property
    def critic_parameters(self) -> list[nn.Parameter]:
        return []

    def imitation_loss(self, observations: Observations, chunks: Tensor,
                       generator: torch.Generator) -> Tensor:
        return -self.policy.y.sum()

    def reference_batches(self) -> list[int]:
        return [0, 1]

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        return {}, {}

    def load_state_dict(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Nothing is kept."""


def pairs(random: np.random.Generator, rows: int) -> tuple[Observations, Tensor]:
    return Observations(torch.zeros(rows, 1)), torch.zeros(rows, 1, 1)


def interleaver(host: Slope, heldout: Callable[[], float], **changes: Any) -> Interleaver:
    config = InterleavingConfig(**{
        'm': 4, 'alignment_every': 0, 'imitation_weight_decay': 0.0,
        'imitation_learning_rate': IL_STEP, **changes})
    return Interleaver(config, host, pairs, np.random.default_rng(0), torch.Generator(),
                       heldout, seed=0)


def told(made: Interleaver, events: int) -> list[Event]:
    """Return what the controller is told at the next events, with m as it is."""
    seen: list[Event] = []
    made.schedule.controller.observe = seen.append
    while len(seen) < events:
        made.update()
    return seen


@pytest.mark.parametrize('unit', ['minibatch', 'iteration'])
@pytest.mark.parametrize('separation', ['two_sided', 'none'])
def test_each_rl_step_of_a_cycle_is_credited_to_rl(unit: str, separation: str) -> None:
    made = interleaver(Slope(), lambda: 1.0, schedule='model', unit=unit, separation=separation)
    for event in told(made, 3):
        losses = event.losses
        assert losses.units == 4.0
        assert losses.rl_before - losses.rl_after == pytest.approx(4 * RL_STEP, rel=1e-4)
        assert losses.rl_after - losses.rl_imitated == pytest.approx(0.0, abs=1e-9)


def test_where_imitation_does_nothing_the_model_imitates_as_rarely_as_allowed() -> None:
    made = interleaver(Slope(), lambda: 1.0, schedule='model')
    for _ in range(2000):
        made.update()
    assert made.schedule.controller.m == pytest.approx(made.config.m_max, rel=0.2)


@pytest.mark.parametrize('unit', ['minibatch', 'iteration'])
@pytest.mark.parametrize('schedule', ['anchor', 'model'])
def test_the_controllers_see_the_heldout_loss_before_the_imitation_steps(
        unit: str, schedule: str) -> None:
    host = Slope()
    made = interleaver(host, lambda: 1.0 + host.policy.y.item(), schedule=schedule, unit=unit,
                       il_steps=10)
    seen = told(made, 3)
    # Each block of ten steps moves y up by 0.1; RL does not move it.
    assert [event.heldout_il_loss for event in seen] == pytest.approx([1.0, 1.1, 1.2])
    if schedule == 'model':
        falls = [event.losses.il_after - event.losses.il_imitated for event in seen]
        assert falls == pytest.approx([-0.1] * 3)


@pytest.mark.parametrize('m', [2, 3, 5, 7])
def test_the_rise_of_the_imitation_loss_is_taken_apart_exactly_for_every_m(m: int) -> None:
    host = Slope()

    def heldout() -> float:
        """Return a loss that rises by 0.3 u + 0.01 u^2 in u RL steps; imitation undoes it."""
        steps = host.policy.x.item() / RL_STEP - m * host.policy.y.item() / IL_STEP
        return 2.0 + 0.3 * steps + 0.01 * steps ** 2

    made = interleaver(host, heldout, schedule='model', m=m)
    controller = made.schedule.controller
    for _ in range(3 * m):
        made.update()
        controller.m = float(m)
    _, phi1, phi2, _, _ = controller._cycles[-1]
    assert (phi1, phi2) == pytest.approx((0.3, 0.01), rel=1e-2)


def test_a_cycle_counts_from_where_the_critic_has_warmed_up() -> None:
    made = interleaver(Slope(warmup=6), lambda: 1.0, schedule='model', m=10)
    (event,) = [each for each in told(made, 2) if each.losses][:1]
    drop = (event.losses.rl_before - event.losses.rl_after) / event.losses.units
    assert drop == pytest.approx(RL_STEP, rel=1e-3)
