# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A small session, and the episodes that it learns from."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from inril_ros.learning.experience import Episode, Transition
from inril_ros.learning.hosts.settings.off_policy import IDQLConfig
from inril_ros.learning.policies import artifact
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig

MODEL = ModelConfig(observation_size=3, action_size=2, actor_width=16, critic_width=16)
HOST = IDQLConfig(updates_per_step=0.5, warmup_steps=60, warmup_updates=10, batch=16, candidates=4,
                  target_candidates=2)
CONFIG = SessionConfig(host=HOST, imitation_batch=16, m=3, dose_window=7, episode_cut=None)


def episode(number: int, steps: int = 20, success: bool = True) -> Episode:
    random = np.random.default_rng(number)
    rewards = np.zeros(steps)
    rewards[-1] = success
    return Episode(random.normal(size=(steps + 1, 3)), random.uniform(-1, 1, (steps, 2)), rewards,
                   success, success)


DEMONSTRATIONS = [episode(number) for number in range(5)]


def pretrained() -> BestOfN:
    torch.manual_seed(3)
    return BestOfN(MODEL)


def session(seed: int = 0, heldout: tuple[int, ...] = (2,), **changes: Any) -> FineTuningSession:
    return FineTuningSession(replace(CONFIG, **changes), pretrained(), DEMONSTRATIONS, seed, 'cpu',
                             heldout)


def transitions(number: int, steps: int = 20, success: bool | None = None) -> list[Transition]:
    """Return an episode cut into decisions of 4 steps (every second one succeeds)."""
    success = number % 2 == 0 if success is None else success
    whole = episode(100 + number, steps, success)
    cut = []
    for first in range(0, steps, 4):
        after = min(first + 4, steps)
        last = after == steps
        cut.append(Transition(
            f'episode {number}', first, whole.observations[first:after + 1],
            whole.actions[first:after], whole.rewards[first:after], np.zeros(after - first),
            last and success, last and not success, last and success))
    return cut


def learn(made: FineTuningSession, numbers: range) -> list[dict[str, float]]:
    """Ingest episodes, and take all updates as soon as they are due."""
    logged = []
    for number in numbers:
        for transition in transitions(number):
            made.ingest(transition)
            while made.updates_due:
                logged.append(made.update())
    return logged


def saved(made: FineTuningSession) -> tuple[bytes, str]:
    tensors, document = made.state_dict()
    return artifact.to_bytes(tensors), document
