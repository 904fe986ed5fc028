# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""DPPO and residual PPO as hosts: which parameters change when, and that they learn."""
from __future__ import annotations

import copy
from dataclasses import replace
import json

import numpy as np
from on_policy_bench import Bench, BOTH, CLASSES, clone, CONFIGS, flat, MODEL
import pytest
import torch

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.settings.on_policy import DPPOConfig, ResidualPPOConfig
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.gaussian import GaussianPolicy
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.replay import Origin


@BOTH
def test_the_policy_starts_as_the_clone_and_leaves_the_clone_unchanged(name: str) -> None:
    bench = Bench(name)
    cloned = clone()
    bench.act()
    bench.learn()
    fresh = CLASSES[name](CONFIGS[name], cloned, bench.random, bench.generator,
                          torch.device('cpu'))
    assert torch.equal(flat(fresh.policy.cloned), flat(clone().actor))
    assert torch.equal(flat(cloned), flat(clone()))


@BOTH
def test_updates_are_due_when_a_rollout_is_complete_and_only_for_it(name: str) -> None:
    bench = Bench(name)
    bench.act(7)  # 56 of 64 steps
    assert bench.host.updates_due(56) == 0
    bench.act(1)
    assert bench.host.updates_due(64) > 0
    # 6 of 8 episodes are trained on: 24 decisions of 3 samples, or 48 steps; two epochs.
    assert bench.host.updates_due(64) == {'dppo': 2 * (72 // 20), 'residual_ppo': 2 * 3}[name]
    bench.learn()
    assert bench.host.iterations == 1
    assert bench.host.updates_due(64) == 0


@BOTH
def test_demonstrations_are_no_on_policy_experience(name: str) -> None:
    bench = Bench(name)
    for _ in range(20):
        bench.host.remember(bench.episode(), Origin.DEMONSTRATION)
    assert bench.host.updates_due(10**6) == 0


@BOTH
def test_ratios_are_1_before_the_first_update(name: str) -> None:
    bench = Bench(name)
    bench.act()
    batch = bench.host.draw()
    bench.host.critic_update(batch)
    loss = bench.host.actor_loss(batch)
    # At ratio 1 the surrogate is the mean of the (normalised, discounted) advantages.
    advantages = (batch.advantages - batch.advantages.mean()) / batch.advantages.std()
    if name == 'dppo':
        advantages = advantages * 0.99 ** (2 - batch.indices)
    assert float(loss.detach()) == pytest.approx(-float(advantages.mean()), abs=1e-4)
    logged = bench.host.finish(batch)
    assert logged['divergence'] == pytest.approx(0.0, abs=1e-6)
    assert logged['clip_fraction'] == 0.0


@BOTH
def test_the_actor_waits_for_the_critic(name: str) -> None:
    bench = Bench(name, warmup_iterations=1)
    before = bench.weights()
    bench.act()
    critic = flat(bench.host.critic)
    assert bench.host.warming_up
    bench.learn()
    assert torch.equal(bench.weights(), before)
    assert not torch.equal(flat(bench.host.critic), critic)
    assert not bench.host.warming_up
    bench.act()
    bench.learn()
    assert not torch.equal(bench.weights(), before)


@BOTH
def test_an_iteration_ends_early_when_the_policy_moves_too_far(name: str) -> None:
    bench = Bench(name, target_divergence=1e-6, epochs=10, actor_learning_rate=1e-2)
    bench.act()
    logged = bench.learn()
    assert len(logged) == 2  # the first has ratio 1, the second sees the effect of the first
    assert logged[-1]['divergence'] > 1e-6
    assert bench.host.iterations == 1
    bench.act()
    assert bench.host.updates_due(0) > 2


@BOTH
def test_rl_changes_the_parameters_that_the_host_declares(name: str) -> None:
    bench = Bench(name)
    policy = bench.host.policy
    moved = {id(p) for p in bench.host.actor_parameters}
    before = {p_name: p.detach().clone() for p_name, p in policy.named_parameters()}
    bench.act()
    bench.learn()
    for p_name, parameter in policy.named_parameters():
        changed = not torch.equal(parameter, before[p_name])
        assert changed == (id(parameter) in moved), p_name
    assert {id(p) for p in bench.host.critic_parameters}.isdisjoint(moved)


def test_dppo_imitates_with_the_network_that_rl_changes() -> None:
    host = Bench('dppo').host
    assert ([id(p) for p in host.imitation_parameters] == [id(p) for p in host.actor_parameters])


@BOTH
def test_imitation_reaches_no_other_network(name: str) -> None:
    bench = Bench(name)
    host = bench.host
    imitated = {id(p) for p in host.imitation_parameters}
    loss = host.imitation_loss(Observations(torch.randn(16, 2)), torch.rand(16, 2, 1),
                               bench.generator)
    loss.backward()
    host.after_imitation()
    others = [p for p in (*host.policy.parameters(), *host.critic.parameters())
              if id(p) not in imitated]
    assert others
    assert all(p.grad is None for p in others)
    assert all(p.grad is not None for p in host.imitation_parameters)
    if name == 'residual_ppo':
        assert imitated.isdisjoint(id(p) for p in host.actor_parameters)
        assert imitated == {id(p) for p in host.policy.base.parameters()}


def test_an_rl_step_of_residual_ppo_leaves_no_gradient_in_the_base() -> None:
    bench = Bench('residual_ppo')
    bench.act()
    bench.learn()
    assert all(p.grad is None for p in bench.host.policy.base.parameters())


@BOTH
def test_references_are_held_out_episodes_at_ratio_1(name: str) -> None:
    bench = Bench(name)
    bench.act(16)
    host = bench.host
    bench.learn()  # references stay after the iteration, when the policy has changed
    references = host.reference_batches()
    assert len(references) == 2  # 8 episodes in the first rollout, a quarter of them
    trained = host.rollouts.decisions.observations.state[host.rollouts.training]
    seen = [set(map(tuple, batch.observations.state.tolist())) for batch in references]
    assert seen[0].isdisjoint(seen[1])
    assert set(map(tuple, trained.tolist())).isdisjoint(seen[0] | seen[1])
    for batch in references:
        loss = host.actor_loss(batch)
        expected = batch.advantages
        if name == 'dppo':
            expected = expected * 0.99 ** (2 - batch.indices)
        assert float(loss.detach()) == pytest.approx(-float(expected.mean()), abs=1e-5)
        gradient = torch.autograd.grad(loss, host.actor_parameters)
        # The policy gradient: minus the mean of advantage * gradient of the log probability.
        if name == 'dppo':
            log_probabilities = host.policy.log_probability(
                batch.observations, batch.before, batch.after, batch.indices)
        else:
            log_probabilities = host.policy.log_probability(
                batch.residuals, host.policy.correction(batch.observations, batch.base))
        by_hand = torch.autograd.grad(-(expected * log_probabilities).mean(),
                                      host.actor_parameters)
        for found, wanted in zip(gradient, by_hand):
            torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-4)


@BOTH
def test_measuring_on_references_changes_nothing(name: str) -> None:
    benches = [Bench(name), Bench(name)]
    for bench, measured in zip(benches, (False, True)):
        bench.act()
        while bench.host.updates_due(0):
            if measured:
                for batch in bench.host.reference_batches():
                    torch.autograd.grad(bench.host.actor_loss(batch),
                                        bench.host.actor_parameters)
            bench.update()
    assert torch.equal(benches[0].weights(), benches[1].weights())


@BOTH
def test_decisions_of_a_person_are_not_trained_on(name: str) -> None:
    bench = Bench(name, heldout_share=0.0)
    for _ in range(7):
        bench.host.remember(bench.episode(), Origin.ONLINE)
    interrupted = bench.episode(intervened=(2, 3))
    bench.host.remember(interrupted, Origin.ONLINE)
    states = set(map(tuple, bench.host.rollouts.decisions.observations.state.tolist()))
    gone = (2,) if name == 'dppo' else (2, 3)  # first steps of decisions
    assert all(tuple(interrupted.observations[step].tolist()) not in states for step in gone)
    assert tuple(interrupted.observations[4].tolist()) in states


@BOTH
def test_episodes_without_recorded_draws_are_counted_and_left_out(name: str) -> None:
    bench = Bench(name)
    lived = bench.episode()
    bench.host.remember(
        Episode(lived.observations, lived.actions, lived.rewards, True, True), Origin.ONLINE)
    assert bench.host.rollouts.ignored == 1
    assert bench.host.updates_due(10**6) == 0


@BOTH
def test_shuffled_advantages_are_the_same_numbers_for_other_decisions(name: str) -> None:
    plain, sham = Bench(name, heldout_share=0.0), Bench(
        name, heldout_share=0.0, shuffled_advantages=True)
    for bench in (plain, sham):
        bench.act()
    found, wanted = sham.host.rollouts.advantages, plain.host.rollouts.advantages
    assert not torch.equal(found, wanted)
    torch.testing.assert_close(found.sort().values, wanted.sort().values)
    torch.testing.assert_close(sham.host.rollouts.returns, plain.host.rollouts.returns)


@BOTH
@pytest.mark.parametrize('updates', [0, 1, 5])
def test_a_saved_host_continues_bit_for_bit(name: str, updates: int) -> None:
    bench = Bench(name, epochs=3, scale_rewards=True)
    bench.act()
    for _ in range(updates):
        bench.update()
    bench.act(3)  # of the next rollout
    tensors, document = bench.host.state_dict()
    again = Bench(name, epochs=3, scale_rewards=True)
    again.host.load_state_dict({key: value.detach().clone() for key, value in tensors.items()},
                               json.loads(json.dumps(document)))
    again.optimiser.load_state_dict(copy.deepcopy(bench.optimiser.state_dict()))
    again.random.bit_generator.state = bench.random.bit_generator.state
    for generator in ('generator', 'acting'):
        getattr(again, generator).set_state(getattr(bench, generator).get_state())
    again.scenes.bit_generator.state = bench.scenes.bit_generator.state
    logged = []
    for one in (bench, again):
        lines = one.learn()
        one.act(8)
        logged.append(lines + one.learn())
    assert logged[0] == logged[1]
    assert torch.equal(bench.weights(), again.weights())
    assert torch.equal(flat(bench.host.critic), flat(again.host.critic))


@BOTH
def test_only_a_cloned_diffusion_policy_is_accepted(name: str) -> None:
    other: Policy = GaussianPolicy(replace(MODEL, kind='gaussian'))
    with pytest.raises(ValueError, match='kind best_of_n, not of kind gaussian'):
        CLASSES[name](CONFIGS[name], other, np.random.default_rng(0), torch.Generator(),
                      torch.device('cpu'))


@BOTH
def test_the_host_learns_which_actions_are_rewarded(name: str) -> None:
    # Actions change only the reward, so that a decision is worth its own reward.
    changes: dict[str, object] = {
        'rollout_steps': 400, 'heldout_share': 0.0, 'epochs': 4, 'gamma': 0.0}
    changes |= {
        'dppo': {'chain_steps': 5, 'batch': 300, 'clip': 0.2, 'first_clip': 0.2,
                 'actor_learning_rate': 1e-3},
        'residual_ppo': {'batch': 100, 'residual_scale': 1.0, 'actor_learning_rate': 1e-2},
    }[name]
    bench = Bench(name, reward=lambda action: float(action[0]), **changes)

    def mean_action() -> float:
        policy = bench.host.policy
        generator = torch.Generator().manual_seed(0)
        observations = Observations(torch.randn(400, 2, generator=generator))
        return float(policy.decide(observations, policy.begin(400), generator,
                                   explore=False).actions.mean())

    before = mean_action()
    for _ in range(5):
        bench.act(50)
        bench.learn()
    assert mean_action() > before + 0.3


def test_numbers_out_of_range_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match='DPPOConfig.first_clip: 0.1 is not in'):
        DPPOConfig(first_clip=0.1, clip=0.05)
    with pytest.raises(ValueError, match='ResidualPPOConfig.residual_std'):
        ResidualPPOConfig(residual_std=0.0)
    with pytest.raises(ValueError, match='ModelConfig.chain_steps: 11'):
        Bench('dppo', chain_steps=11)
