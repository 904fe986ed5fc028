# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How far imitation moves the parameters, compared with RL.

An adaptive optimiser steps by about its learning rate whatever the gradient, so the strength of
imitation shows in path lengths and not in m alone. Where the two objectives move different
networks (network separation) the ratio compares distances in different spaces: it shows the
effect of a setting, and is no measure of conflict.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


class Dose:
    """Path lengths sum |theta_after - theta_before|, in which older steps fade.

    A step w RL updates ago has the weight exp(-w / window), so the ratio is smooth and always
    over about the same number of updates. `end_cycle` returns the ratio of one cycle.
    """

    def __init__(self, window: int) -> None:
        """Begin at zero; `window` in RL updates, at least 1."""
        self._decay = 1.0 - 1.0 / window
        self.rl_path = 0.0
        self.il_path = 0.0
        self._cycle_rl_path = 0.0
        self._cycle_il_path = 0.0

    @contextmanager
    def rl(self, parameters: Sequence[Tensor]) -> Iterator[None]:
        """Add the step taken inside the block to the path of RL; older steps fade."""
        before = _flat(parameters)
        yield
        length = float(torch.linalg.vector_norm(_flat(parameters) - before))
        self.rl_path *= self._decay
        self.il_path *= self._decay
        self.rl_path += length
        self._cycle_rl_path += length

    @contextmanager
    def il(self, parameters: Sequence[Tensor]) -> Iterator[None]:
        """Add the step taken inside the block to the path of IL."""
        before = _flat(parameters)
        yield
        length = float(torch.linalg.vector_norm(_flat(parameters) - before))
        self.il_path += length
        self._cycle_il_path += length

    @property
    def ratio(self) -> float:
        """Return |path of IL| / |path of RL|; 0 while RL has not moved."""
        return self.il_path / self.rl_path if self.rl_path > 0.0 else 0.0

    def end_cycle(self) -> float | None:
        """Return |path of IL| / |path of RL| since the last call, and begin the next cycle.

        Call it once per imitation event, after its last IL step. None, and the cycle
        continues, if RL has not moved since.
        """
        if self._cycle_rl_path <= 0.0:
            return None
        ratio = self._cycle_il_path / self._cycle_rl_path
        self._cycle_rl_path = self._cycle_il_path = 0.0
        return ratio

    def state_dict(self) -> dict[str, float]:
        """Return the path lengths."""
        return {'rl_path': self.rl_path, 'il_path': self.il_path,
                'cycle_rl_path': self._cycle_rl_path, 'cycle_il_path': self._cycle_il_path}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Continue from saved path lengths."""
        self.rl_path = float(state['rl_path'])
        self.il_path = float(state['il_path'])
        self._cycle_rl_path = float(state['cycle_rl_path'])
        self._cycle_il_path = float(state['cycle_il_path'])


def _flat(parameters: Sequence[Tensor]) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in parameters])
