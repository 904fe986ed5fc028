# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""EXPO: the best of a cloned diffusion policy's proposals and of their edits by a small actor.

IDQL chooses among what the diffusion policy proposes; here an actor also learns to move each
proposal, by at most a bound, to where the critics value it more. One RL update is a gradient step
on the critics, then one on the edit actor and one on the temperature:

    y = R + discount * clip(max over candidates of min over 2 random critics of Qbar(o', c)),
    candidates: p_j and clip(p_j + bound * e_j),  e_j ~ edit actor(o', p_j),
                p_j the proposals at o', and what was executed there
    edit actor: max  mean_e Q(o, clip(p + bound * e)) - alpha log p(e | o, p)

After Dong et al. 2025 (EXPO) and 2026 (EXPO-FT), adapted to small budgets: chunks of T actions;
proposals are cached with the observations, because drawing them again in each update costs more
than the update, and edited anew each time; edits begin with mean 0 and little noise; values are
clipped to the range of possible returns.

RL moves the edits, imitation the proposals: separate networks, so there is no gradient to
separate. The edit actor sees the proposal that it edits, so cached ones remain valid examples.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import nn, Tensor

from inril_ros.learning.hosts.host import diffusion_clone
from inril_ros.learning.hosts.idql import CriticBatch, IDQL
from inril_ros.learning.hosts.settings.off_policy import EXPOConfig
from inril_ros.learning.hosts.values.temperature import Temperature
from inril_ros.learning.policies.edited import EditedPolicy, with_editor
from inril_ros.learning.policies.networks import trainable
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.saved_state import prefixed, unprefixed


@dataclass(frozen=True, kw_only=True)
class EditBatch(CriticBatch):
    """What one RL update learns from, random numbers included."""

    next_noise: Tensor
    """(B, J, T, A), of the edits at the next observations."""
    proposals: Tensor
    """(B, T, A), one of the candidates at each observation, to be edited."""
    noise: Tensor
    """(B, T, A), of their edits."""


class EXPO(IDQL):
    """Improves an EditedPolicy. The imitated actor proposes, the RL actor edits."""

    config: EXPOConfig
    policy: EditedPolicy

    def __init__(self, config: EXPOConfig, pretrained: Policy, random: np.random.Generator,
                 generator: torch.Generator, device: torch.device) -> None:
        """Begin with a copy of a cloned policy, which acts without edits until warmed up.

        Raises:
            ValueError: The cloned policy is no diffusion policy.
        """
        clone = diffusion_clone(pretrained, 'expo')
        model = replace(
            pretrained.config, kind='edited', critic_members=config.critic_members,
            pessimism=config.pessimism, residual_scale=config.edit_bound,
            residual_width=config.edit_width, residual_layers=config.edit_layers,
            gaussian_initial_std=config.edit_initial_std)
        super().__init__(config, with_editor(clone, model, generator), random, generator, device)
        self._edit_size = model.chunk_length * model.action_size
        self.temperature = Temperature(
            config.initial_temperature, config.target_entropy * self._edit_size,
            config.temperature_learning_rate, device)
        self._edits: tuple[Tensor, Tensor] | None = None  # of this update, and their log density

    # ---- one RL update: draw, critic_update (idql.py) towards target_values, actor_loss

    def draw(self) -> EditBatch:
        """Return rows of the replay, and all random numbers."""
        drawn = super().draw()
        rows, number = drawn.candidates.shape[:2]
        chosen = torch.randint(number, (rows,), generator=self._generator)
        proposals = drawn.candidates[torch.arange(rows), chosen.to(self._device)]
        known = {field.name: getattr(drawn, field.name) for field in fields(CriticBatch)}
        return EditBatch(
            **known, next_noise=self._noise(drawn.next_candidates.shape),
            proposals=proposals, noise=self._noise(proposals.shape))

    def _noise(self, shape: torch.Size) -> Tensor:
        return torch.randn(shape, generator=self._generator).to(self._device)

    @torch.no_grad()
    def target_values(self, batch: EditBatch) -> Tensor:
        """Return the regression targets y, (B,)."""
        candidates = self.policy.with_edits(
            batch.next_observations, batch.next_candidates, batch.next_noise)
        return super().target_values(replace(batch, next_candidates=candidates))

    def actor_loss(self, batch: EditBatch) -> Tensor | None:
        """Return the loss of the edit actor; None while the critics warm up."""
        if self.warming_up:
            return None
        policy, config = self.policy, self.config
        # Worth of the edited proposals
        features = policy.editor.encoder(batch.observations, self._generator)
        edited, edits, log_density = policy.editor.edit(features, batch.proposals, batch.noise)
        with torch.no_grad():
            features = policy.critic.encoder(batch.observations)
        loss = -policy.worth(features, edited.unsqueeze(1)).mean()
        # Entropy
        if config.initial_temperature:
            loss = loss + self.temperature.alpha * log_density.mean()
        # Regulariser: KL divergence from the proposals
        if config.kl_weight:
            loss = loss + config.kl_weight * 0.5 * edits.square().mean()
        self._edits = edits.detach(), log_density.detach()
        return loss

    def finish(self, batch: EditBatch) -> dict[str, float]:
        """Move the target network and the temperature; return what to log of the edits."""
        super().finish(batch)
        if self._edits is None:
            return {}
        (edits, log_density), self._edits = self._edits, None
        self.temperature.update(log_density)
        return {'edit': self.config.edit_bound * float(edits.abs().mean()),
                'entropy': -float(log_density.mean()) / self._edit_size,
                'temperature': float(self.temperature.alpha)}

    # ---- parameters and checkpoints --------------------------------------------------------

    @property
    def actor_parameters(self) -> list[nn.Parameter]:
        """Return the edit actor's parameters."""
        return trainable(self.policy.editor)

    def _network_state(self) -> dict[str, Tensor]:
        return {**super()._network_state(),
                **prefixed('temperature', self.temperature.state_dict())}

    def _load_network_state(self, tensors: Mapping[str, Tensor]) -> None:
        super()._load_network_state(tensors)
        self.temperature.load_state_dict(unprefixed('temperature', tensors))
