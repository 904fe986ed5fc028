# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the off-policy hosts whose actor follows the gradient of critics."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inril_ros.learning.hosts.settings.host_config import ActorSteps
from inril_ros.learning.hosts.settings.off_policy import OffPolicyConfig


@dataclass(frozen=True)
class ActorCriticConfig(OffPolicyConfig):
    """Settings of the hosts whose actor follows the gradient of an ensemble of critics."""

    BOUNDS = {
        **OffPolicyConfig.BOUNDS, 'critic_steps': (1, 100), 'positive_share': (0.0, 0.99),
        'pessimism': (0.0, 100.0),
        'actor_learning_rate': (1e-8, 1.0), 'bc_weight': (0.0, 1e6), 'kl_weight': (0.0, 1e6)}

    critic_steps: int = 2
    """Gradient steps on the critics per RL update, each on a batch of its own. With
    updates_per_step this is the ratio of updates to data: 1 here, 20 in RLPD."""
    replay_capacity: int = 300_000
    """Own environment steps that are remembered (ResFiT)."""
    critic_width: int = 128
    """RLPD: 256."""
    critic_layers: int = 2
    pessimism: float = 0.0
    """Standard deviations of the ensemble that the actor subtracts from its mean; RLPD: 0."""
    actor_learning_rate: float = 1e-4
    """RLPD: 3e-4."""
    actor_gradient_clip: float | None = None
    bc_weight: float = 0.0
    """Weight of the imitation loss on demonstrations inside the actor's loss: the classical
    alternative to interleaving (a control)."""
    kl_weight: float = 0.0
    """Weight of KL(policy | clone), per dimension, inside the actor's loss (a control)."""

    @property
    def actor_steps(self) -> ActorSteps:
        """Return the settings of the actor's optimiser."""
        return ActorSteps(self.actor_learning_rate, self.actor_gradient_clip)

    def control_changes(self, control: str, weight: float) -> dict[str, Any] | None:
        """Return the settings that a control replaces."""
        if control == 'kl_to_pretrained':
            return {'kl_weight': weight}
        return super().control_changes(control, weight)


@dataclass(frozen=True)
class GaussianActorCriticConfig(ActorCriticConfig):
    """Settings of actor_critic, ours, tuned on Meta-World; for those of RLPD see RLPDConfig."""

    BOUNDS = {**ActorCriticConfig.BOUNDS, 'initial_temperature': (0.0, 100.0),
              'temperature_learning_rate': (0.0, 1.0)}
    POLICY_KIND = 'gaussian'

    initial_temperature: float = 0.0
    """Weight of the entropy at the start; 0: no entropy term at all."""
    temperature_learning_rate: float = 3e-4
    """Adam (RLPD); 0: the temperature stays."""
    target_entropy: float = -1.0
    """Per action dimension of a chunk. A standard deviation of 0.1 has -0.9."""
    entropy_in_target: bool = False
    """Whether the value of the next state contains its entropy."""


@dataclass(frozen=True)
class RLPDConfig(GaussianActorCriticConfig):
    """Settings of rlpd: those that Ball et al. 2023 published for sparse rewards (Adroit).

    What still differs: Q is of chunks of T actions and bootstraps after them (a model with
    `chunk_length: 1` has single actions); the actor begins as a clone, also in the first steps,
    which the paper takes at random, its network is a residual block behind the clone's
    normaliser, and its standard deviation has the bounds of the model; LayerNorm has no learned
    scale, and values start near 0. Imitation between the updates is ours, too; `m: null` is RL
    only. While no person intervenes, half of each batch are own rows, as published.
    """

    updates_per_step: float = 1.0
    warmup_steps: int = 5000
    warmup_updates: int = 0
    batch: int = 256
    critic_steps: int = 20
    demonstration_share: float = 0.5
    critic_learning_rate: float = 3e-4
    polyak: float = 0.005
    lowest_value: float | None = None
    highest_value: float | None = None
    replay_capacity: int = 1_000_000
    critic_width: int = 256
    critic_layers: int = 3
    """2 for locomotion."""
    critic_members: int = 10
    actor_learning_rate: float = 3e-4
    exploration_scale: float = 0.0
    """The policy explores by its own samples."""
    initial_temperature: float = 1.0
    target_entropy: float = -0.5
    entropy_in_target: bool = False
    """True for locomotion, where rewards are dense."""


@dataclass(frozen=True)
class ResidualSACConfig(ActorCriticConfig):
    """Settings of the host. 'ResFiT' marks the paper's; the others are ours, on Meta-World."""

    BOUNDS = {**ActorCriticConfig.BOUNDS, 'horizon': (1, 1000), 'target_noise': (0.0, 1.0),
              'residual_scale': (1e-6, 2.0)}

    horizon: int = 4
    """n, environment steps until the critic bootstraps; ResFiT: 5."""
    target_noise: float = 0.05
    """Standard deviation of the noise on the next action: values must not be sharp (TD3)."""
    guard: bool = True
    """Whether the next action is the base's where the critics prefer that (as IBRL, Hu et al.
    2024, bootstraps from the better of two proposals)."""
    residual_scale: float = 0.5
    """Largest correction; ResFiT: 0.1 to 0.2."""
    residual_width: int = 256
    residual_layers: int = 2
    actor_learning_rate: float = 3e-4
    """ResFiT: 1e-6, with millions of updates."""
    bc_weight: float = 0.0
    """Weight of the squared error to demonstrated actions inside the actor's loss (a control)."""
    kl_weight: float = 0.0
    """Weight of KL(policy | base) inside the actor's loss, per dimension, as if both were
    Gaussian with the residual scale as their standard deviation (a control)."""
    exploration_scale: float = 0.3
    """Scale of the noise that is added to actions; see ExplorationConfig."""


@dataclass(frozen=True)
class DSRLConfig(ActorCriticConfig):
    """Settings of the host. 'DSRL' marks the paper's, of robomimic; the others are ours."""

    BOUNDS = {**ActorCriticConfig.BOUNDS, 'noise_bound': (1e-3, 2.0),
              'noise_initial_std': (0.03, 2.0), 'noise_critic_members': (1, 20),
              'initial_temperature': (0.0, 100.0), 'temperature_learning_rate': (0.0, 1.0)}

    noise_bound: float = 1.5
    """Largest magnitude of the noise that the actor gives (DSRL)."""
    noise_initial_std: float = 0.8
    """Standard deviation of the noise at the start, before squashing and in units of the bound.
    It makes about the noise that the clone was sampled with."""
    warmup_steps: int = 1000
    """DSRL: 1501 decisions of four steps."""
    critic_members: int = 5
    """DSRL: 2, whose minimum is the target, with 2048 units each."""
    noise_critic_members: int = 2
    """DSRL. They take one gradient step per RL update; DSRL: 10 per 20 of the critics."""
    actor_learning_rate: float = 3e-4
    """DSRL."""
    initial_temperature: float = 1e-3
    """Weight of the entropy at the start; 0: no entropy term at all. DSRL: 1, with 20 updates per
    step for it to fall."""
    temperature_learning_rate: float = 3e-3
    """Adam; 0: the temperature stays."""
    target_entropy: float = 0.0
    """Of the noise in units of its bound, per dimension (DSRL)."""
    demonstration_share: float = 0.25
    """DSRL: 0, own experience alone."""
    exploration_scale: float = 0.0
    """The actor explores by its own samples."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bc_weight or self.kl_weight:
            raise ValueError('DSRLConfig: bc_weight and kl_weight must be 0, because the noise '
                             'actor is compared with no demonstration and no clone')

    def control_changes(self, control: str, weight: float) -> dict[str, Any] | None:
        """Return the settings that a control replaces; nothing draws the noise to the clone's."""
        if control == 'kl_to_pretrained':
            return None
        return super().control_changes(control, weight)
