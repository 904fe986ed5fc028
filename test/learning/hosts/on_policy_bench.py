# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The on-policy hosts with small settings, driven like in a session."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.dppo import DPPO
from inril_ros.learning.hosts.residual_ppo import ResidualPPO
from inril_ros.learning.hosts.settings.on_policy import DPPOConfig, ResidualPPOConfig
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.replay import Origin

MODEL = ModelConfig(observation_size=2, action_size=1, chunk_length=2, actor_width=32,
                    denoising_steps=10, sampling_steps=3)
SMALL = {'rollout_steps': 64, 'warmup_iterations': 0, 'critic_width': 16, 'heldout_share': 0.25}
CONFIGS = {
    'dppo': DPPOConfig(**SMALL, chain_steps=3, epochs=2, batch=20),
    'residual_ppo': ResidualPPOConfig(**SMALL, epochs=2, batch=16, residual_width=16),
}
CLASSES = {'dppo': DPPO, 'residual_ppo': ResidualPPO}
BOTH = pytest.mark.parametrize('name', list(CONFIGS))


def clone(seed: int = 0) -> BestOfN:
    torch.manual_seed(seed)
    return BestOfN(MODEL)


class Bench:
    """A host, driven like in a session."""

    def __init__(self, name: str, reward: Callable[[np.ndarray], float] | None = None,
                 **changes: object) -> None:
        config = replace(CONFIGS[name], **changes)
        self.random = np.random.default_rng(0)
        self.generator = torch.Generator().manual_seed(0)
        self.host = CLASSES[name](config, clone(), self.random, self.generator,
                                  torch.device('cpu'))
        self.optimiser = torch.optim.AdamW(
            self.host.actor_parameters, lr=config.actor_learning_rate, weight_decay=0.0)
        self.acting = torch.Generator().manual_seed(1)
        self.scenes = np.random.default_rng(1)
        self.reward = reward or (lambda action: float(action[0] > 0))

    def episode(self, steps: int = 8, terminated: bool = True,
                intervened: tuple[int, ...] = ()) -> Episode:
        """Return an episode of the policy in a world that ignores its actions."""
        policy = self.host.policy
        memory = policy.begin(1)
        observations = self.scenes.standard_normal((steps + 1, 2)).astype(np.float32)
        starts, extras, actions = [], [], []
        while len(actions) < steps:
            decision = policy.decide(
                Observations(torch.from_numpy(observations[len(actions)][None])), memory,
                self.acting, explore=True)
            starts.append(len(actions))
            extras.append(decision.extras[0].numpy())
            actions += list(decision.actions[0].numpy())
        marks = np.zeros(steps, np.bool_)
        marks[list(intervened)] = True
        actions = np.stack(actions[:steps])
        return Episode(observations, actions, np.array([self.reward(a) for a in actions]),
                       terminated, False, intervened=marks, decision_starts=starts,
                       extras=np.stack(extras))

    def act(self, episodes: int = 8) -> None:
        """Act, and add the episodes to the memory."""
        for index in range(episodes):
            self.host.remember(self.episode(terminated=index % 2 == 0), Origin.ONLINE)

    def update(self) -> dict[str, float]:
        """Take one RL update."""
        batch = self.host.draw()
        logged = self.host.critic_update(batch)
        loss = self.host.actor_loss(batch)
        if loss is not None:
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            logged['actor_loss'] = float(loss.detach())
        return {**logged, **self.host.finish(batch)}

    def learn(self) -> list[dict[str, float]]:
        """Take the updates that are due."""
        logged = []
        while self.host.updates_due(10**6):
            logged.append(self.update())
        return logged

    def weights(self) -> torch.Tensor:
        """Return the acting weights, flat."""
        return flat(self.host.policy)


def flat(module: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])
