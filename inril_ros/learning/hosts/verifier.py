# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Best of n by a verifier: a baseline without reinforcement learning.

A verifier learns from episodes of the clone how each of them ended,

    Q(o, c) towards gamma^k for a success after k further steps, and towards 0 for a failure,

and then chooses among the clone's proposals. Nothing is bootstrapped, and a time-out is a failure:
the values are those of the clone, so the choice is one step of improvement over it and no more.
What IDQL gains beyond this, with the same networks and proposals, is the work of its targets and
of its imitation. (Compare the outcome verifiers of Cobbe et al. 2021 for text.)
"""
from __future__ import annotations

import torch
from torch import Tensor

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.idql import CriticBatch, IDQL
from inril_ros.learning.hosts.settings.without_rl import VerifierConfig
from inril_ros.learning.replays.window_replay import WindowReplay


class Verifier(IDQL):
    """Improves a BestOfN policy. Its critics are the verifier."""

    config: VerifierConfig

    def check(self, what: str, episode: Episode) -> None:
        """Raise a ValueError if the end of an episode would not count at its beginning."""
        super().check(what, episode)
        if episode.steps > self.config.longest_outcome:
            raise ValueError(f'{what} has {episode.steps} steps, and the host verifier looks '
                             f'{self.config.longest_outcome} steps ahead: set longest_outcome to '
                             'at least the longest episode')

    def _empty_replay(self) -> WindowReplay:
        model, config = self.policy.config, self.config
        return WindowReplay(model.observation_size, model.action_size, model.chunk_length,
                            config.target_candidates, config.gamma,
                            self.policy.cloned.encoder.remembered_shape, config.replay_capacity,
                            horizon=config.longest_outcome)

    @torch.no_grad()
    def target_values(self, batch: CriticBatch) -> Tensor:
        """Return the discounted rewards until the end of each episode, (B,)."""
        return batch.returns
