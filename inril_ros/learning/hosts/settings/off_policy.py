# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the off-policy hosts that choose among proposals, and of all off-policy ones."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inril_ros.learning.configuration import check_range
from inril_ros.learning.exploration import ExplorationConfig
from inril_ros.learning.hosts.settings.host_config import ActorSteps, HostConfig, MOST_STEPS
from inril_ros.learning.policies.model_config import MOST_CANDIDATES

SAMPLINGS = ('shares', 'positives')
FORMER_SETTINGS: Mapping[str, Any] = {'actor_learning_rate': 3e-4, 'actor_gradient_clip': None}
"""Settings that IDQL once had and that never had an effect. Files with them are still read, and
saved sessions and the hashes of runs keep them."""


@dataclass(frozen=True)
class OffPolicyConfig(HostConfig):
    """Settings of the off-policy hosts. Defaults are ours, tuned on Meta-World."""

    BOUNDS = {
        'gamma': (0.0, 1.0), 'updates_per_step': (0.0, 100.0), 'warmup_steps': (0, 10_000_000),
        'warmup_updates': (0, 10_000_000), 'batch': (2, 65_536), 'positive_share': (0.0, 1.0),
        'demonstration_share': (0.0, 1.0), 'intervention_share': (0.0, 1.0),
        'critic_learning_rate': (1e-8, 1.0), 'polyak': (1e-6, 1.0), 'critic_members': (1, 20),
        'target_members': (1, 20), 'exploration_scale': (0.0, 1.0),
        'replay_capacity': (2, 100_000_000)}

    gamma: float = 0.99
    """Discount per environment step (RLPD)."""
    updates_per_step: float = 0.5
    """RL updates that each environment step allows, after warm-up."""
    warmup_steps: int = 1500
    """Environment steps before the first update, with the cloned policy and exploration noise."""
    warmup_updates: int = 1000
    """RL updates that become due at the end of the warm-up. Until they are done the policy acts
    as it was cloned: an untrained critic chooses at random, and along it an actor would unlearn
    within a few hundred steps. ResFiT: 10,000 gradient steps."""
    batch: int = 128
    """Rows per gradient step on the critics."""
    sampling: str = 'shares'
    """What batches consist of. shares: of demonstrations, of what a person commanded, and else
    of all own rows alike. positives (a control): a share of demonstrations and own successes
    together, else of all own rows. Where outcomes are a matter of chance, values of the latter
    are those of an optimist: an action that succeeds in half of all cases is worth about 2/3."""
    demonstration_share: float = 0.25
    """Share of demonstrations in a batch, however much own data there is; RLPD and ResFiT: 0.5.
    0: the critics learn from own experience alone."""
    intervention_share: float = 0.1
    """Share of own rows that a person commanded a step of. Own rows while there are none."""
    positive_share: float = 0.5
    """Share of demonstrations and own successes in a batch of the sampling positives."""
    critic_members: int = 5
    """E, the size of the ensemble; RLPD: 10."""
    target_members: int = 2
    """Critics, drawn at random for each update, whose minimum is the target (REDQ, RLPD): more
    members do not mean more pessimism."""
    critic_learning_rate: float = 5e-4
    """Adam; RLPD: 3e-4, ResFiT: 1e-4."""
    polyak: float = 0.01
    """Share of the critics that their target networks take per gradient step; RLPD and ResFiT:
    0.005."""
    exploration_scale: float = 0.1
    """Scale of the noise that is added to what the policy draws; see ExplorationConfig. With 0.2
    an actor unlearns more before it learns (seen on one task)."""
    replay_capacity: int = MOST_STEPS
    """Own environment steps that are remembered. Beyond them the oldest episodes are removed, but
    never demonstrations, last of all episodes in which a person commanded a step, and successes
    only as long as those that stay fill a tenth."""
    lowest_value: float | None = 0.0
    highest_value: float | None = 1.0
    """Range of possible returns, which bootstrapped values are clipped to: one reward of 1, at
    success. null: not clipped. Rewards that make other returns possible are refused."""

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = self.lowest_value, self.highest_value
        if low is not None and high is not None and not low < high:
            raise ValueError(f'{type(self).__name__}: lowest_value {self.lowest_value} is not '
                             f'below highest_value {self.highest_value}')
        if self.sampling not in SAMPLINGS:
            raise ValueError(f'{type(self).__name__}.sampling: {self.sampling!r} is unknown; '
                             f'allowed are {SAMPLINGS}')
        if self.demonstration_share + self.intervention_share > 1.0:
            raise ValueError(f'{type(self).__name__}: demonstration_share '
                             f'{self.demonstration_share} and intervention_share '
                             f'{self.intervention_share} are more than 1 together')
        check_range(self, 'target_members', 1, self.critic_members)

    @property
    def remembered_steps(self) -> int:
        """Return how many own environment steps are remembered."""
        return self.replay_capacity

    @property
    def exploration(self) -> ExplorationConfig:
        """Return the noise that the acting process adds to actions."""
        return ExplorationConfig(scale=self.exploration_scale)

    def control_changes(self, control: str, weight: float) -> dict[str, Any] | None:
        """Return the settings that a control replaces; rewards are shuffled by the session."""
        return {} if control == 'shuffled_rewards' else super().control_changes(control, weight)


@dataclass(frozen=True)
class IDQLConfig(OffPolicyConfig):
    """Settings of the host. Defaults are ours, tuned on Meta-World."""

    BOUNDS = {**OffPolicyConfig.BOUNDS, 'actor_average': (0.0, 0.99999),
              'candidates': (1, MOST_CANDIDATES), 'target_candidates': (1, MOST_CANDIDATES),
              'renewed': (0.0, 100.0), 'refine_steps': (0, 20), 'refine_radius': (0.0, 2.0)}

    updates_per_step: float = 1.0
    warmup_steps: int = 1000
    candidates: int = 16
    """Chunks that the critic chooses from when acting; 1: the critic is not asked."""
    target_candidates: int = 4
    """Proposals per visited state, stored with it, that the target's maximum ranges over."""
    renewed: float = 2.0
    """Stored states whose proposals are replaced by new ones, per state that is added."""
    refine_steps: int = 0
    """Steps up the critics' gradient that the best proposals take when acting; see ModelConfig."""
    refine_radius: float = 0.15
    """Largest change of a normalised action by these steps."""
    actor_average: float = 0.995
    """Decay per IL update of the moving average of the actor, which acts and proposes. 0: the
    actor itself. The same as in pre-training."""

    def control_changes(self, control: str, weight: float) -> dict[str, Any] | None:
        """Return the settings that a control replaces."""
        if control == 'no_critic':  # without a choice, the critic has no effect
            return {'candidates': 1}
        return super().control_changes(control, weight)


@dataclass(frozen=True)
class EXPOConfig(IDQLConfig):
    """Settings of the host. 'EXPO' marks the papers'; the others are ours."""

    BOUNDS = {
        **IDQLConfig.BOUNDS, 'pessimism': (0.0, 100.0),
        'edit_bound': (1e-6, 2.0), 'edit_width': (8, 2048), 'edit_layers': (1, 6),
        'edit_initial_std': (0.03, 0.5), 'actor_learning_rate': (1e-8, 1.0),
        'kl_weight': (0.0, 1e6), 'initial_temperature': (0.0, 100.0),
        'temperature_learning_rate': (0.0, 1.0)}

    updates_per_step: float = 0.5
    """EXPO: 20; an update takes about 15 ms of a CPU core."""
    candidates: int = 8
    """Proposals that the critics choose from when acting, beside as many edits (EXPO); 1: the
    critics are not asked and nothing is edited."""
    target_candidates: int = 8
    """Proposals per visited state, cached, that the target's maximum ranges over, beside as many
    edits (EXPO)."""
    critic_members: int = 10
    """E (EXPO)."""
    pessimism: float = 0.0
    """Standard deviations of the ensemble that choice and edit actor subtract from its mean;
    EXPO: 0, and the choice is by the minimum of two random critics."""
    edit_bound: float = 0.1
    """Largest change of a normalised action by an edit; EXPO: 0.05 to 0.2, up to 0.7 for a
    dexterous hand."""
    edit_width: int = 128
    """EXPO: 256."""
    edit_layers: int = 2
    """EXPO: 3."""
    edit_initial_std: float = 0.15
    """Standard deviation of edits at the start, before squashing and in units of the bound; the
    one that meets the target entropy. Later it is between 0.03 and 0.5."""
    actor_learning_rate: float = 3e-4
    """Adam (EXPO)."""
    actor_gradient_clip: float | None = None
    kl_weight: float = 0.0
    """Weight of KL(edited | proposed), per dimension, as if both were Gaussian with the bound as
    their standard deviation (a control)."""
    initial_temperature: float = 1e-3
    """Weight of the entropy at the start; 0: no entropy term at all. EXPO: 1, with hundreds of
    thousands of updates for it to fall."""
    temperature_learning_rate: float = 3e-3
    """Adam; 0: the temperature stays. EXPO's 3e-4 lets the temperature follow the entropy too
    slowly for a few thousand updates."""
    target_entropy: float = -0.5
    """Of an edit in units of the bound, per dimension (EXPO)."""

    @property
    def actor_steps(self) -> ActorSteps:
        """Return the settings of the edit actor's optimiser."""
        return ActorSteps(self.actor_learning_rate, self.actor_gradient_clip)

    def control_changes(self, control: str, weight: float) -> dict[str, Any] | None:
        """Return the settings that a control replaces."""
        if control == 'kl_to_pretrained':
            return {'kl_weight': weight}
        return super().control_changes(control, weight)
