# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The host with a Gaussian actor and critics, small, and with a few episodes."""
from __future__ import annotations

import numpy as np
import torch
from torch import nn, Tensor

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.gaussian_actor_critic import GaussianActorCritic
from inril_ros.learning.hosts.settings.actor_critic import GaussianActorCriticConfig
from inril_ros.learning.policies.gaussian import GaussianPolicy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.replay import Origin

MODEL = ModelConfig(observation_size=2, action_size=1, chunk_length=2, state_noise=0.0,
                    kind='gaussian', actor_width=16)
CONFIG = GaussianActorCriticConfig(warmup_steps=0, warmup_updates=2, batch=16, critic_width=16)


def make(config: GaussianActorCriticConfig = CONFIG, model: ModelConfig = MODEL,
         seed: int = 0) -> GaussianActorCritic:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = GaussianPolicy(model)
    return GaussianActorCritic(config, policy, np.random.default_rng(seed),
                torch.Generator().manual_seed(seed), torch.device('cpu'))


def episode(seed: int, success: bool = True, steps: int = 12) -> Episode:
    random = np.random.default_rng(seed)
    rewards = np.zeros(steps)
    rewards[-1] = success
    return Episode(random.normal(size=(steps + 1, 2)), random.uniform(-1, 1, (steps, 1)),
                   rewards, terminated=success, success=success)


def filled(config: GaussianActorCriticConfig = CONFIG, seed: int = 0) -> GaussianActorCritic:
    host = make(config, seed=seed)
    host.remember(episode(100), Origin.DEMONSTRATION)
    for number in range(4):
        host.remember(episode(number, success=bool(number % 2)), Origin.ONLINE)
    return host


def weights(module: nn.Module) -> list[Tensor]:
    return [tensor.clone() for tensor in module.state_dict().values()]


def changed(before: list[Tensor], module: nn.Module) -> bool:
    return any(not torch.equal(a, b) for a, b in zip(before, module.state_dict().values()))
