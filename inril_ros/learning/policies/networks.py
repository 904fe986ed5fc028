# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Building blocks: residual MLP, time embedding, and an ensemble of value networks."""
from __future__ import annotations

from collections.abc import Sequence
import math

import torch
from torch import nn, Tensor
from torch.nn import functional


def trainable(module: nn.Module) -> list[nn.Parameter]:
    """Return the parameters of a module that learn: frozen ones are left out."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


class MovingAverage:
    """The weights of a network follow those of another one, as far as these learn.

    The weights are listed once: walking through image networks takes longer than moving the rest.
    """

    def __init__(self, average: nn.Module, moving: nn.Module) -> None:
        """Begin with two networks whose weights are equal."""
        self._pairs = [(slow, fast) for slow, fast in zip(
            average.parameters(), moving.parameters(), strict=True) if fast.requires_grad]

    @torch.no_grad()
    def move(self, share: float) -> None:
        """Move the average by a share of the way to the moving network."""
        for slow, fast in self._pairs:
            slow.lerp_(fast, share)


class TimeEmbedding(nn.Module):
    """Sinusoidal embedding of the denoising step, then a small MLP; (B,) int -> (B, size)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        frequencies = torch.exp(-math.log(10_000.0) * torch.arange(size // 2) / (size // 2))
        self.register_buffer('frequencies', frequencies, persistent=False)
        self.mlp = nn.Sequential(nn.Linear(size, 2 * size), nn.Mish(), nn.Linear(2 * size, size))

    def forward(self, steps: Tensor) -> Tensor:
        """Embed the denoising steps (B,)."""
        angles = steps.float().unsqueeze(-1) * self.frequencies
        return self.mlp(torch.cat([angles.sin(), angles.cos()], dim=-1))


class ResidualBlock(nn.Module):
    """x + Linear(Mish(Linear(Mish(x)))), width kept."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width) to (..., width)."""
        return x + self.second(functional.mish(self.first(functional.mish(x))))


class ResidualMLP(nn.Module):
    """Linear, residual blocks, Mish, Linear; (B, inputs) -> (B, outputs)."""

    def __init__(self, inputs: int, outputs: int, width: int, blocks: int) -> None:
        """Make the layers; one block gives three hidden layers."""
        super().__init__()
        self.entry = nn.Linear(inputs, width)
        self.blocks = nn.Sequential(*[ResidualBlock(width) for _ in range(blocks)])
        self.exit = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs) to (B, outputs)."""
        return self.exit(functional.mish(self.blocks(self.entry(x))))


def zero_headed(inputs: int, outputs: int, width: int, layers: int) -> nn.Sequential:
    """Return ReLU layers and a head without bias that starts at zero.

    Until it learns, such a network changes nothing of what it corrects.
    """
    hidden: list[nn.Module] = []
    for _ in range(layers):
        hidden += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    head = nn.Linear(inputs, outputs, bias=False)
    nn.init.zeros_(head.weight)
    return nn.Sequential(*hidden, head)


class EnsembleLinear(nn.Module):
    """E independent linear layers as one batched product; (E, B, inputs) -> (E, B, outputs)."""

    def __init__(self, members: int, inputs: int, outputs: int, gain: float = 1.0) -> None:
        """Initialise each member as nn.Linear does, times a gain."""
        super().__init__()
        bound = gain / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor, members: Sequence[int] | None = None) -> Tensor:
        """Apply each member, or each chosen one, to its own input."""
        if members is None:
            return torch.baddbmm(self.bias, x, self.weight)
        chosen = list(members)
        return torch.baddbmm(self.bias[chosen], x, self.weight[chosen])


class ChunkCritic(nn.Module):
    """E values of (observation, chunk of T actions): MLPs with LayerNorm without affine and ReLU.

    LayerNorm keeps the value of actions outside the data from growing without bound
    (Ball et al. 2023, RLPD). The last layer starts small, so that values start near 0.
    """

    def __init__(self, observation_size: int, chunk_size: int, width: int, layers: int,
                 members: int) -> None:
        """Make the layers; chunk_size is T * A."""
        super().__init__()
        self.members = members
        inputs = [observation_size + chunk_size] + [width] * (layers - 1)
        self.hidden = nn.ModuleList([EnsembleLinear(members, n, width) for n in inputs])
        self.value = EnsembleLinear(members, width, 1, gain=0.1)

    def forward(self, observations: Tensor, chunks: Tensor,
                members: Sequence[int] | None = None) -> Tensor:
        """Return the values (E, B) of normalised observations (B, O) and chunks (B, T, A).

        With `members` only those are computed, in this order: (len(members), B).
        """
        x = torch.cat([observations, chunks.flatten(1)], dim=-1)
        x = x.unsqueeze(0).expand(self.members if members is None else len(members), -1, -1)
        for layer in self.hidden:
            x = layer(x, members)
            x = functional.relu(functional.layer_norm(x, x.shape[-1:]))
        return self.value(x, members).squeeze(-1)
