# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The weight of entropy in soft actor-critic, learned so that the entropy meets a target."""
from __future__ import annotations

from collections.abc import Mapping
import math

import torch
from torch import nn, Tensor

from inril_ros.learning.saved_state import load_optimiser, optimiser_tensors, required


class Temperature:
    """alpha = exp(log alpha), moved along alpha * (entropy - target) (Haarnoja et al. 2018).

    More entropy than the target lowers alpha, less raises it. 0 disables entropy permanently.
    """

    def __init__(self, initial: float, target_entropy: float, learning_rate: float,
                 device: torch.device) -> None:
        """Begin at `initial`; a learning rate of 0 keeps it there."""
        start = math.log(initial) if initial > 0.0 else -math.inf
        self.log_alpha = nn.Parameter(torch.tensor(start, device=device))
        self._target_entropy = target_entropy
        self._optimiser = (torch.optim.Adam([self.log_alpha], lr=learning_rate)
                           if initial > 0.0 and learning_rate > 0.0 else None)

    @property
    def alpha(self) -> Tensor:
        """Return the present weight, a scalar without gradient."""
        return self.log_alpha.detach().exp()

    def update(self, log_density: Tensor) -> float:
        """Take a step on the log densities (B,) of the policy's own actions; return the loss."""
        entropy = -log_density.detach().mean()
        loss = self.log_alpha.exp() * (entropy - self._target_entropy)
        if self._optimiser is not None:
            self._optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self._optimiser.step()
        return float(loss.detach())

    def state_dict(self) -> dict[str, Tensor]:
        """Return tensors that, loaded, continue bit for bit."""
        optimiser = {} if self._optimiser is None else optimiser_tensors(
            'optimiser', self._optimiser)
        return {'log_alpha': self.log_alpha.detach(), **optimiser}

    def load_state_dict(self, tensors: Mapping[str, Tensor]) -> None:
        """Continue from what `state_dict` returned."""
        with torch.no_grad():
            self.log_alpha.copy_(required(tensors, 'log_alpha'))
        if self._optimiser is not None:
            load_optimiser('optimiser', self._optimiser, tensors)
