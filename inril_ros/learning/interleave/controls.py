# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Controls that a claim about interleaving needs: the same run with one part replaced.

In first trials the IL loss rose as much under RL with shuffled advantages as under real RL: what
looked like a conflict of objectives was drift. And a regular kick of any kind may help to leave a
bad region. Only these arms show either.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
import math

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from inril_ros.learning.experience import Episode


def gaussian_step(step: Sequence[Tensor], generator: torch.Generator) -> list[Tensor]:
    """Return a step in a random direction, as long as the given one.

    The direction is that of independent Gaussian numbers, uniform over the sphere.

    Args:
        step: The step that the optimiser proposed, one tensor per parameter.
        generator: Random numbers on the CPU, so that a seed draws the same for every device.
    """
    noise = [torch.randn(tensor.shape, generator=generator).to(tensor) for tensor in step]
    wanted, drawn = (float(torch.stack([tensor.double().square().sum() for tensor in tensors])
                           .sum().sqrt()) for tensors in (step, noise))
    return [tensor * (wanted / drawn) for tensor in noise] if drawn else noise


def shuffle_rewards(rewards: Sequence[NDArray[np.float32]],
                    random: np.random.Generator) -> tuple[list[NDArray[np.float32]], list[int]]:
    """Give each episode the rewards of another; return them and the index of the other episode.

    No episode keeps its own rewards: the order is a random single cycle (Sattolo's algorithm).
    Rewards are aligned at the end: the last one stays at the last step. If the other episode is
    shorter, the first steps get 0; if it is longer, its surplus first rewards are summed into the
    first step. So the return without discount is exactly the other's. The outcome (success) must
    be taken from the same episode.

    `rewards` are (N_i,) of each episode, N_i >= 1.

    Raises:
        ValueError: Fewer than two episodes, or one without steps.
    """
    if len(rewards) < 2 or any(len(values) == 0 for values in rewards):
        raise ValueError(f'rewards of {len(rewards)} episodes of lengths '
                         f'{[len(values) for values in rewards]}: at least two are needed, each '
                         'with a step')
    source = list(range(len(rewards)))
    for last in range(len(source) - 1, 0, -1):
        other = int(random.integers(last))
        source[last], source[other] = source[other], source[last]
    return [_laid_over(rewards[other], len(rewards[own]))
            for own, other in enumerate(source)], source


def exchange_rewards(pair: tuple[Episode, Episode],
                     random: np.random.Generator) -> list[Episode]:
    """Return two episodes with the rewards and the outcome of each other."""
    rewards, sources = shuffle_rewards([episode.rewards for episode in pair], random)
    return [replace(episode, rewards=values, success=pair[source].success,
                    terminated=pair[source].terminated)
            for episode, values, source in zip(pair, rewards, sources)]


class RewardExchange:
    """Lets each two successive episodes exchange their rewards, before RL sees them.

    Attributes:
        waiting: The episode that exchanges its rewards with the next one; None: none waits.
    """

    def __init__(self, random: np.random.Generator) -> None:
        """Begin without an episode that waits."""
        self.waiting: Episode | None = None
        self._random = random

    def add(self, episode: Episode) -> list[Episode]:
        """Return two episodes with exchanged rewards, or nothing: this one waits."""
        if self.waiting is None:
            self.waiting = episode
            return []
        pair, self.waiting = (self.waiting, episode), None
        return exchange_rewards(pair, self._random)


def regularised(rl: Sequence[Tensor], il: Sequence[Tensor], weight: float) -> list[Tensor]:
    """Return g_R + weight g_I: the gradient of the RL loss regularised by the IL loss.

    Raises:
        ValueError: A weight that is negative or not finite, or lists that do not match.
    """
    if not 0.0 <= weight < math.inf:
        raise ValueError(f'weight: {weight!r} is not allowed; it is a number >= 0')
    if [tensor.shape for tensor in rl] != [tensor.shape for tensor in il]:
        raise ValueError('the RL and the IL gradient must have tensors of the same shapes: '
                         'regularisation needs a shared network')
    return [left + weight * right for left, right in zip(rl, il)]


def _laid_over(values: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    laid = np.zeros(length, dtype=values.dtype)
    kept = min(length, len(values))
    laid[length - kept:] = values[len(values) - kept:]
    laid[0] += values[:len(values) - kept].sum()
    return laid
