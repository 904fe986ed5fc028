# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The storage of an on-policy host: whole episodes, used for one iteration and then dropped.

A rollout is the experience since the last iteration, once it has enough environment steps. An
iteration is a number of epochs over its samples in minibatches. Some episodes of each rollout can
be held out: a gradient on them is free of the noise that the last updates fitted.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.decisions import (
    Decisions,
    decisions_of,
    join_decisions,
    packed,
    unpacked,
)

_FEWEST_TO_HOLD_OUT = 2
"""Episodes that a measurement of alignment needs at least."""


class Rollouts:
    """Collects episodes, then deals the minibatches of one iteration.

    Each decision gives `samples_per_decision` samples; the number of a sample is
    decision * samples_per_decision + index.
    """

    def __init__(self, extras_size: int, samples_per_decision: int, rollout_steps: int,
                 epochs: int, batch: int, heldout_share: float) -> None:
        self._extras_size = extras_size
        self._samples = samples_per_decision
        self._rollout_steps = rollout_steps
        self._epochs = epochs
        self._batch = batch
        self.heldout_share = heldout_share
        self._pending: list[Decisions] = []
        self._pending_steps = 0
        self.iterations = 0
        """Iterations finished."""
        self.ignored = 0
        """Episodes without a decision to learn from."""
        self.decisions: Decisions | None = None
        """The present or last rollout."""
        self.advantages = torch.zeros(0)
        self.returns = torch.zeros(0)
        self._training = torch.zeros(0, dtype=torch.int64)
        self._heldout = torch.zeros(0, dtype=torch.int64)
        self._order = torch.zeros(0, dtype=torch.int64)
        self._dealt = 0
        self._running = False

    def add(self, episode: Episode) -> None:
        """Add an episode of the policy."""
        decisions = decisions_of(episode, self._extras_size) if len(episode.extras) else None
        if decisions is None:
            self.ignored += 1
            return
        self._pending.append(decisions)
        self._pending_steps += episode.steps

    @property
    def complete(self) -> bool:
        """Return whether there is enough experience for an iteration, and none is running."""
        return not self._running and self._pending_steps >= self._rollout_steps

    @property
    def remaining(self) -> int:
        """Return the minibatches that the running iteration has left."""
        return self._epochs * self._per_epoch - self._dealt if self._running else 0

    @property
    def _per_epoch(self) -> int:
        # The last minibatch of an epoch is left out if it is not full: its advantages would be
        # normalised over fewer samples. The next epoch is shuffled again.
        return max(len(self._training) * self._samples // self._batch, 1)

    def begin(self, random: np.random.Generator) -> Decisions:
        """Begin an iteration with all new episodes; then pass advantages to `learn`."""
        self.decisions = join_decisions(self._pending)
        self._pending, self._pending_steps = [], 0
        number = int(self.decisions.episodes.max()) + 1
        heldout = max(round(self.heldout_share * number), _FEWEST_TO_HOLD_OUT)
        if self.heldout_share == 0.0 or heldout > number // 2:
            heldout = 0
        chosen = torch.from_numpy(random.permutation(number)[:heldout])
        out = torch.isin(self.decisions.episodes, chosen)
        self._training, self._heldout = (~out).nonzero().squeeze(1), out.nonzero().squeeze(1)
        self._dealt, self._running = 0, True
        return self.decisions

    def learn(self, advantages: Tensor, returns: Tensor) -> None:
        """Set the advantages and returns (M,) of the decisions that `begin` returned."""
        self.advantages, self.returns = advantages, returns

    @property
    def training(self) -> Tensor:
        """Return the decisions that are trained on, (N,) int64."""
        return self._training

    def deal(self, random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return the present minibatch: decisions (B,) and indices of their samples (B,).

        It stays the same until `advance` is called.

        Raises:
            RuntimeError: No iteration is running.
        """
        if not self._running:
            raise RuntimeError('no rollout is complete: wait until updates are due')
        position = self._dealt % self._per_epoch
        if position == 0 and len(self._order) == 0:
            order = random.permutation(len(self._training) * self._samples)
            self._order = torch.from_numpy(order)
        samples = self._order[position * self._batch:(position + 1) * self._batch]
        return self._training[samples // self._samples], samples % self._samples

    def advance(self, stop: bool) -> bool:
        """Go on to the next minibatch, or `stop`; return whether the iteration is over."""
        self._dealt += 1
        if self._dealt % self._per_epoch == 0 or stop:
            self._order = torch.zeros(0, dtype=torch.int64)
        if self.remaining == 0 or stop:
            self._running = False
            self.iterations += 1
        return not self._running

    def heldout_parts(self, most: int) -> list[tuple[Tensor, Tensor]]:
        """Return the samples of the held-out episodes as `deal` does, in parts by episode.

        There are two to `most` parts; none if nothing was held out.
        """
        if not len(self._heldout):
            return []
        episodes = self.decisions.episodes[self._heldout]
        names = episodes.unique()
        parts = []
        for group in range(min(most, len(names))):
            members = self._heldout[torch.isin(episodes, names[group::most])]
            parts.append((members.repeat_interleave(self._samples),
                          torch.arange(self._samples).repeat(len(members))))
        return parts

    def on_trained_scale(self, advantages: Tensor) -> Tensor:
        """Return advantages (B,) of held-out decisions, normalised like the trained ones.

        Normalised by their own mean and spread, they would contain their own noise twice.
        """
        trained = self.advantages[self._training]
        return (advantages - trained.mean()) / (trained.std() + 1e-8)

    # ---- checkpoints -----------------------------------------------------------------------

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and plain data."""
        tensors = {'advantages': self.advantages, 'returns': self.returns,
                   'training': self._training, 'heldout': self._heldout, 'order': self._order}
        if self.decisions is not None:
            tensors.update(packed('rollout', self.decisions))
        if self._pending:
            tensors.update(packed('pending', join_decisions(self._pending)))
        return tensors, {'pending_steps': self._pending_steps, 'iterations': self.iterations,
                         'ignored': self.ignored, 'dealt': self._dealt, 'running': self._running}

    def load_state_dict(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.decisions = unpacked('rollout', tensors)
        pending = unpacked('pending', tensors)
        self._pending = [] if pending is None else [pending]
        self.advantages, self.returns = tensors['advantages'], tensors['returns']
        self._training, self._heldout = tensors['training'], tensors['heldout']
        self._order = tensors['order']
        self._pending_steps = int(document['pending_steps'])
        self.iterations = int(document['iterations'])
        self.ignored = int(document['ignored'])
        self._dealt = int(document['dealt'])
        self._running = bool(document['running'])
