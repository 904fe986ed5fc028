# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The search for one good noise of a frozen diffusion policy: a baseline that learns nothing.

Each of some random noises ("tickets") is used in whole episodes, and those with the most
successes stay for the next round (successive halving), until one is left. That one acts. Training
episodes use the noise that is tried, all others the best one so far: that of the highest share of
successes, with one success and one failure added to each.

After Patil et al. 2026, who try all noises equally often.
"""
from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
import math
from typing import Any

import numpy as np
import torch
from torch import nn, Tensor

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.host import diffusion_clone, Host
from inril_ros.learning.hosts.settings.without_rl import NoiseSearchConfig
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.policies.steered import TicketPolicy, with_tickets
from inril_ros.learning.replay import Origin
from inril_ros.learning.saved_state import load_modules, module_tensors, required


class NoiseSearch(Host[None]):
    """Chooses the noise of a TicketPolicy.

    There are no updates, and so no imitation, which is counted in them.
    """

    config: NoiseSearchConfig
    policy: TicketPolicy

    def __init__(self, config: NoiseSearchConfig, pretrained: Policy,
                 random: np.random.Generator, generator: torch.Generator,
                 device: torch.device) -> None:
        """Begin with a copy of a cloned policy, which draws its noise until an episode ended.

        Raises:
            ValueError: The cloned policy is no diffusion policy.
        """
        base = diffusion_clone(pretrained, 'noise_search')
        policy = with_tickets(base, replace(pretrained.config, kind='ticket'))
        super().__init__(config, policy.to(device), random, generator, device)
        self.config = config
        self._noises = torch.randn((config.tickets, *policy.tried.shape), generator=generator)
        self._tries = np.zeros(config.tickets, np.int64)
        self._successes = np.zeros(config.tickets, np.int64)
        self._round = 0
        self._left = list(range(config.tickets))
        self._choose()

    # ---- experience: an episode counts for the noise that all its decisions began with

    def remember(self, episode: Episode, origin: Origin) -> None:
        """Count the outcome of an own episode for its noise; go on to the next noise."""
        number = self._number(episode)
        if origin is Origin.DEMONSTRATION or number is None:
            return
        self._tries[number] += 1
        self._successes[number] += episode.success
        if len(self._left) > 1 and all(self._tries[each] >= self._wanted for each in self._left):
            stay = max(1, math.floor(self.config.kept_share * len(self._left)))
            self._left = sorted(self._left, key=lambda each: -self._shares[each])[:stay]
            self._round += 1
        self._choose()

    @staticmethod
    def _number(episode: Episode) -> int | None:
        """Return the noise of an episode; None: it had none, several, or a person's help."""
        if not episode.extras.size or episode.intervened.any():
            return None
        numbers = np.unique(episode.extras[:, 0])
        return int(numbers[0]) if len(numbers) == 1 and numbers[0] >= 0 else None

    @property
    def _wanted(self) -> int:
        """Return the episodes of each noise that the present round ends with."""
        return self.config.episodes_each * (self._round + 1)

    @property
    def _shares(self) -> np.ndarray:
        return (self._successes + 1) / (self._tries + 2)

    def _choose(self) -> None:
        """Try the noise with the fewest episodes of those left; act with the best one."""
        tried = min(self._left, key=lambda each: self._tries[each])
        tested = [each for each in self._left if self._tries[each]]
        best = max(tested, key=lambda each: self._shares[each]) if tested else -1
        policy = self.policy
        policy.tried.copy_(self._noises[tried])
        policy.numbers.copy_(torch.tensor([tried, best]))
        if best >= 0:
            policy.best.copy_(self._noises[best])

    def updates_due(self, env_steps: int) -> int:
        """Return 0: nothing is learned."""
        return 0

    # ---- what a host has, and this one has not

    @property
    def warming_up(self) -> bool:
        """Return whether no noise was tried yet."""
        return not self._tries.any()

    @property
    def iterations(self) -> int:
        """Return the rounds that are over."""
        return self._round

    def draw(self) -> None:
        """Return nothing: there are no updates."""

    def critic_update(self, batch: None) -> dict[str, float]:
        """Raise an error: there are no updates."""
        raise RuntimeError('the host noise_search takes no updates')

    @property
    def critic_parameters(self) -> list[nn.Parameter]:
        """Return nothing."""
        return []

    def forget(self, numbers: Set[int]) -> None:
        """Keep what was counted, which needs no file."""

    # ---- checkpoints

    def state_dict(self, replay: bool = True) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the noises, and what was counted."""
        return ({**module_tensors(policy=self.policy), 'noises': self._noises},
                {'tries': self._tries.tolist(), 'successes': self._successes.tolist(),
                 'left': self._left, 'round': self._round})

    def load_state_dict(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        load_modules(tensors, policy=self.policy)
        self._noises = required(tensors, 'noises')
        self._tries = np.array(document['tries'], np.int64)
        self._successes = np.array(document['successes'], np.int64)
        self._left, self._round = list(document['left']), int(document['round'])
