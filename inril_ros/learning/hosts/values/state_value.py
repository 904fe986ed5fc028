# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""V(observation), the critic of the on-policy hosts. It is not exported."""
from __future__ import annotations

import torch
from torch import nn, Tensor

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.encoder import ObservationEncoder
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.networks import ResidualMLP

_ROWS_AT_ONCE = 1024


class StateValue(nn.Module):
    """Observations of B rows -> values (B,), with an encoder of its own."""

    def __init__(self, model: ModelConfig, width: int, blocks: int) -> None:
        super().__init__()
        self.encoder = ObservationEncoder(model)
        self.network = ResidualMLP(self.encoder.size, 1, width, blocks)

    def forward(self, observations: Observations,
                generator: torch.Generator | None = None) -> Tensor:
        """Return the values (B,); pass a generator to learn from them (see ObservationEncoder)."""
        return self.network(self.encoder(observations, generator)).squeeze(-1)

    @torch.no_grad()
    def of_many(self, observations: Observations, device: torch.device) -> Tensor:
        """Return the values (B,) on the CPU, some rows at a time: a rollout may have images."""
        parts = [self(observations[slice(first, first + _ROWS_AT_ONCE)].to(device)).cpu()
                 for first in range(0, len(observations), _ROWS_AT_ONCE)]
        return torch.cat(parts) if parts else torch.zeros(0)


def make_state_value(model: ModelConfig, encoder: ObservationEncoder, width: int, blocks: int,
                     generator: torch.Generator) -> StateValue:
    """Return an untrained critic that begins with the encoder of a cloned policy.

    Its other weights are drawn with `generator`, on the CPU.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2 ** 31, (), generator=generator)))
        critic = StateValue(model, width, blocks)
    critic.encoder.adopt(encoder)
    return critic
