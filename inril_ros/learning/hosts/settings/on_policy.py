# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the on-policy hosts: those of both, and of each one."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inril_ros.learning.configuration import check_range
from inril_ros.learning.hosts.settings.host_config import ActorSteps, HostConfig


@dataclass(frozen=True)
class OnPolicyConfig(HostConfig):
    """Settings of the PPO hosts. Each host sets and explains those that have no default here."""

    BOUNDS = {
        'rollout_steps': (1, 10_000_000), 'epochs': (1, 1000), 'batch': (2, 1_000_000),
        'gamma': (0.0, 1.0), 'trace': (0.0, 1.0), 'clip': (1e-6, 10.0),
        'target_divergence': (1e-6, 1e6), 'warmup_iterations': (0, 1_000_000),
        'critic_width': (8, 2048), 'critic_blocks': (1, 8), 'critic_learning_rate': (1e-8, 1.0),
        'heldout_share': (0.0, 0.5), 'actor_learning_rate': (1e-8, 1.0)}

    rollout_steps: int
    epochs: int
    batch: int
    clip: float
    target_divergence: float
    scale_rewards: bool
    warmup_iterations: int
    heldout_share: float
    actor_learning_rate: float
    actor_gradient_clip: float | None
    gamma: float = 0.99
    """Discount per decision: a chunk (DPPO, Gym) or a step (ours; ResiP 0.999 for episodes of
    1000 steps)."""
    trace: float = 0.95
    """Lambda of generalised advantage estimation (DPPO, ResiP)."""
    critic_width: int = 256
    critic_blocks: int = 1
    """Residual blocks of the critic; it has 2 * blocks + 1 layers (DPPO)."""
    critic_learning_rate: float = 1e-3
    """AdamW without weight decay (DPPO; ResiP 5e-3)."""
    shuffled_advantages: bool = False
    """A control: advantages are dealt to decisions at random, so RL has no signal."""

    @property
    def actor_steps(self) -> ActorSteps:
        """Return the settings of the actor's optimiser."""
        return ActorSteps(self.actor_learning_rate, self.actor_gradient_clip)

    def control_changes(self, control: str, weight: float) -> dict[str, Any] | None:
        """Return the settings that a control replaces."""
        if control == 'shuffled_advantages':
            return {'shuffled_advantages': True}
        return super().control_changes(control, weight)


@dataclass(frozen=True)
class DPPOConfig(OnPolicyConfig):
    """Settings of the host. "Ours" are tuned on Meta-World with small rollouts."""

    BOUNDS = {**OnPolicyConfig.BOUNDS, 'chain_gamma': (0.0, 1.0), 'clip_growth': (1e-3, 20.0),
              'clone_weight': (0.0, 1e3)}

    chain_steps: int = 5
    """K', the last denoising steps that are fine-tuned (ours; DPPO 10 of 20, 5 of 5 with DDIM)."""
    chain_std: float = 0.1
    """Smallest standard deviation of a denoising step while learning (DPPO)."""
    chain_ddim: bool = False
    """Act by the model's DDIM steps instead of all K DDPM steps (DPPO does on FurnitureBench)."""
    rollout_steps: int = 3840
    """Environment steps per iteration, at least; episodes are never cut (ours)."""
    epochs: int = 5
    """Passes over a rollout (DPPO 5 to 10)."""
    batch: int = 480
    """Samples per RL update, of which a decision gives K' (ours, a tenth of a rollout)."""
    chain_gamma: float = 0.99
    """Discount of the advantage per denoising step before the last one (DPPO)."""
    clip: float = 0.05
    """Largest distance of the ratio from 1 at the last denoising step. Ours: DPPO's 0.01 is for
    rollouts of 75,000 samples, with 5,000 it clips most of them."""
    first_clip: float = 0.05
    """The same at the first fine-tuned denoising step (DPPO 0.001; ours: the same for all)."""
    clip_growth: float = 3.0
    """How late the clip range grows from `first_clip` to `clip` (DPPO)."""
    target_divergence: float = 1.0
    """An iteration ends early above this estimate of the KL divergence (DPPO)."""
    scale_rewards: bool = True
    """Divide rewards by the running standard deviation of their discounted sum (DPPO)."""
    warmup_iterations: int = 2
    """Iterations in which the critic alone learns (DPPO)."""
    heldout_share: float = 0.15
    """Share of the episodes of a rollout that RL never trains on, to measure alignment, a cycle of
    the controller model, or the RL gradient that imitation between iterations must not harm. All
    are trained on if 0, or if none of these is done, as without imitation. Ours."""
    clone_weight: float = 0.0
    """Weight of the KL divergence between the fine-tuned and the cloned denoising steps in the
    actor's loss: a control, off by default."""
    actor_learning_rate: float = 1e-4
    """DPPO."""
    actor_gradient_clip: float | None = None
    """Largest norm of the actor's gradient; null: not clipped (DPPO)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, 'first_clip', 1e-6, self.clip)

    def control_changes(self, control: str, weight: float) -> dict[str, Any] | None:
        """Return the settings that a control replaces."""
        if control == 'kl_to_pretrained':
            return {'clone_weight': weight}
        return super().control_changes(control, weight)


@dataclass(frozen=True)
class ResidualPPOConfig(OnPolicyConfig):
    """Settings of the host. "Ours" are tuned on Meta-World with small rollouts."""

    BOUNDS = {**OnPolicyConfig.BOUNDS, 'residual_std': (1e-3, 2.0),
              'critic_gradient_clip': (1e-6, 1e9)}

    residual_width: int = 128
    residual_layers: int = 2
    """Hidden layers of the correction (ResiP 2 of 256)."""
    residual_scale: float = 0.3
    """Action = base action + scale * residual, in normalised actions (ours; ResiP's 0.1 is too
    slow for 100,000 steps)."""
    residual_std: float = 0.37
    """Standard deviation of the residual while learning, before scaling: exp(-1) (ResiP)."""
    rollout_steps: int = 4000
    """Environment steps per iteration, at least; episodes are never cut (ours)."""
    epochs: int = 10
    """Passes over a rollout (ours; ResiP 50 of one batch)."""
    batch: int = 1000
    """Steps per RL update (ours, a quarter of a rollout)."""
    clip: float = 0.2
    """Largest distance of the ratio from 1 (ResiP)."""
    target_divergence: float = 0.1
    """An iteration ends early above this estimate of the KL divergence (ResiP)."""
    scale_rewards: bool = False
    """Divide rewards by the running standard deviation of their discounted sum (ours: off)."""
    warmup_iterations: int = 1
    """Iterations in which the critic alone learns (ours)."""
    critic_gradient_clip: float = 1.0
    """Largest norm of the critic's gradient (ResiP)."""
    heldout_share: float = 0.0
    """Share of the episodes of a rollout that RL never trains on, as reference batches. Without
    effect in a session: imitation and RL share no parameters to compare gradients of."""
    actor_learning_rate: float = 1e-3
    """Learning rate of the correction, Adam (ours; ResiP 3e-4)."""
    actor_gradient_clip: float | None = 1.0
    """Largest norm of the correction's gradient; null: not clipped (ResiP)."""
