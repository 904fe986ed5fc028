# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The host that edits proposals: target, loss of the edits, what changes when, that it learns."""
from __future__ import annotations

from dataclasses import replace

from actor_updates import update
import numpy as np
import pytest
import torch
from torch import nn, Tensor

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.expo import EXPO
from inril_ros.learning.hosts.settings.off_policy import EXPOConfig
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.gaussian import GaussianPolicy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.replay import Origin

MODEL = ModelConfig(observation_size=2, action_size=1, chunk_length=2, state_noise=0.0,
                    actor_width=16, critic_width=16, denoising_steps=4, sampling_steps=2)
CONFIG = EXPOConfig(warmup_steps=0, warmup_updates=2, batch=16, candidates=3, target_candidates=3,
                    critic_members=4, edit_width=16, edit_bound=0.2)
SEEN = Observations(torch.randn(6, 2, generator=torch.Generator().manual_seed(2)))


def cloned(model: ModelConfig = MODEL, seed: int = 0) -> BestOfN:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BestOfN(model)


def make(config: EXPOConfig = CONFIG, model: ModelConfig = MODEL) -> EXPO:
    return EXPO(config, cloned(model), np.random.default_rng(0),
                torch.Generator().manual_seed(0), torch.device('cpu'))


def episode(seed: int, success: bool, steps: int = 12) -> Episode:
    random = np.random.default_rng(seed)
    return Episode(random.normal(size=(steps + 1, 2)), random.uniform(-1, 1, (steps, 1)),
                   (np.arange(steps) == steps - 1) * success, success, success)


def filled(config: EXPOConfig = CONFIG) -> EXPO:
    host = make(config)
    host.remember(episode(100, True), Origin.DEMONSTRATION)
    for number in range(4):
        host.remember(episode(number, bool(number % 2)), Origin.ONLINE)
    return host


def disturb(host: EXPO) -> None:
    """Make edits and values differ from zero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        nn.init.normal_(host.policy.editor.network[-1].weight)
        nn.init.normal_(host.policy.critic.values.value.weight)
        nn.init.normal_(host.target.values.value.weight)


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tensors(module: nn.Module) -> list[Tensor]:
    return [tensor.clone() for tensor in module.state_dict().values()]


def changed(before: list[Tensor], module: nn.Module) -> bool:
    return any(not torch.equal(a, b) for a, b in zip(before, module.state_dict().values()))


# ---- before and after warm-up --------------------------------------------------------------


def test_it_acts_exactly_as_the_clone_until_the_critics_have_warmed_up() -> None:
    host, clone = filled(), cloned()
    optimiser = torch.optim.Adam(host.actor_parameters, lr=1e-3)
    editor = tensors(host.policy.editor)
    update(host, optimiser)
    assert host.warming_up and not changed(editor, host.policy.editor)
    assert torch.equal(host.policy.act(SEEN, generator()), clone.act(SEEN, generator()))
    update(host, optimiser)
    assert not host.warming_up and changed(editor, host.policy.editor)
    assert int(host.policy.candidates) == 3
    assert not torch.equal(host.policy.act(SEEN, generator()), clone.act(SEEN, generator()))


def test_without_a_critic_it_stays_the_clone() -> None:
    host, clone = filled(replace(CONFIG, **CONFIG.control_changes('no_critic', 0.0))), cloned()
    optimiser = torch.optim.Adam(host.actor_parameters, lr=1e-3)
    for _ in range(5):
        update(host, optimiser)
    assert torch.equal(host.policy.act(SEEN, generator()), clone.act(SEEN, generator()))


# ---- one update ----------------------------------------------------------------------------


def test_the_target_is_the_best_of_proposals_and_edits_by_the_drawn_critics() -> None:
    host = filled(replace(CONFIG, lowest_value=-100.0, highest_value=100.0))
    disturb(host)
    batch = host.draw()
    assert len(set(batch.members)) == 2
    targets, by_edits = host.target_values(batch), 0
    features = host.target.encoder(batch.next_observations)
    seen = host.policy.editor.encoder(batch.next_observations)
    for row in range(16):
        values = {}
        for j in range(4):  # three proposals, and what was executed
            base = batch.next_candidates[row, j]
            with torch.no_grad():
                mean, log_std = host.policy.editor(seen[row:row + 1], base[None])
            edit = (mean + log_std.exp() * batch.next_noise[row, j]).tanh()[0]
            for name, chunk in (('base', base), ('edit', (base + 0.2 * edit).clamp(-1, 1))):
                each = host.target(features[row:row + 1], chunk[None])[:, 0]
                values[name, j] = min(float(each[member]) for member in batch.members)
        best = max(values, key=values.__getitem__)
        by_edits += best[0] == 'edit'
        expected = float(batch.returns[row] + batch.discounts[row] * values[best])
        assert float(targets[row]) == pytest.approx(expected, abs=1e-4)
    assert 0 < by_edits < 16


def test_bootstrapped_values_stay_in_the_range_of_possible_returns() -> None:
    host = filled()
    batch = host.draw()
    for bias, value in ((50.0, 1.0), (-50.0, 0.0)):
        host.target.values.value.bias.data.fill_(bias)
        torch.testing.assert_close(
            host.target_values(batch), batch.returns + value * batch.discounts)


def test_all_critics_are_drawn_in_turn() -> None:
    host = filled()
    assert {member for _ in range(40) for member in host.draw().members} == {0, 1, 2, 3}


def test_the_proposals_that_are_edited_are_those_of_the_observation() -> None:
    batch = filled().draw()
    distances = (batch.candidates - batch.proposals.unsqueeze(1)).abs().flatten(2).amax(dim=2)
    assert (distances.amin(dim=1) == 0).all()
    assert len(distances.argmin(dim=1).unique()) > 1


@pytest.mark.parametrize('changes', [{}, {'pessimism': 0.7}, {'kl_weight': 3.0},
                                     {'initial_temperature': 0.0}])
def test_the_edit_actor_maximises_value_and_entropy(changes: dict) -> None:
    config = replace(CONFIG, warmup_updates=0, **{'initial_temperature': 0.5, **changes})
    host = filled(config)
    disturb(host)
    host._updates = 1
    batch = host.draw()
    with torch.no_grad():
        critic, editor = host.policy.critic, host.policy.editor
        mean, log_std = editor(editor.encoder(batch.observations), batch.proposals)
        edits = (mean + log_std.exp() * batch.noise).tanh()
        values = critic(critic.encoder(batch.observations),
                        (batch.proposals + 0.2 * edits).clamp(-1, 1))
        normal = torch.distributions.Normal(mean, log_std.exp())
        density = normal.log_prob(edits.double().atanh().float()) - (1 - edits.square()).log()
        expected = -(values.mean(dim=0) - config.pessimism * values.std(dim=0)).mean()
        expected += config.initial_temperature * density.sum(dim=(1, 2)).mean()
        expected += config.kl_weight * 0.5 * edits.square().mean()
    torch.testing.assert_close(host.actor_loss(batch).detach(), expected, atol=2e-3, rtol=1e-3)


def test_the_temperature_falls_while_there_is_more_entropy_than_its_target() -> None:
    for target, falls in ((-3.0, True), (0.6, False)):
        host = filled(replace(CONFIG, warmup_updates=0, initial_temperature=0.5,
                              target_entropy=target))
        optimiser = torch.optim.Adam(host.actor_parameters, lr=1e-5)
        logged = [update(host, optimiser) for _ in range(4)]
        assert (logged[-1]['temperature'] < 0.5) == falls
        assert abs(logged[-1]['entropy'] + 0.5) < 0.3  # of the standard deviation at the start


def test_rl_changes_only_the_edits_and_imitation_only_the_proposals() -> None:
    host = filled(replace(CONFIG, warmup_updates=0))
    update(host, torch.optim.Adam(host.actor_parameters, lr=1e-3))
    disturb(host)
    batch = host.draw()
    host.critic_update(batch)
    before = {name: tensors(getattr(host.policy, name)) for name in ('actor', 'critic', 'editor')}
    loss = host.actor_loss(batch)
    gradients = torch.autograd.grad(loss, host.actor_parameters)
    assert all(gradient.any() for gradient in gradients)
    torch.optim.Adam(host.actor_parameters, lr=1e-3).step()
    host.finish(batch)
    assert not changed(before['actor'], host.policy.actor)
    assert not changed(before['critic'], host.policy.critic)
    imitated = {id(part) for part in host.imitation_parameters}
    assert not imitated & {id(part) for part in (*host.actor_parameters, *host.critic_parameters)}


def test_objectives_are_compared_at_an_edited_chunk() -> None:
    host = filled()
    disturb(host)
    chunks = torch.zeros(6, 2, 1)
    to_imitate, to_improve = host.action_gradients(SEEN, chunks, generator())
    random = generator()
    proposed = host.policy.propose(SEEN, 1, random)
    edited = host.policy.extended(SEEN, proposed, random)[:, 1].detach()
    assert not torch.equal(edited, proposed[:, 0])
    torch.testing.assert_close(to_imitate, edited)
    features = host.policy.critic.encoder(SEEN)
    ahead = edited - 1e-3 * to_improve.sign()
    with torch.no_grad():
        better, here = (host.policy.critic(features, each).mean(dim=0)
                        for each in (ahead, edited))
    assert (better >= here).all()


# ---- many updates --------------------------------------------------------------------------


def test_edits_reach_a_better_action_than_any_proposal() -> None:
    # Episodes of one step, the best action is 0.45; what the clone proposes ends at 0.3.
    config = replace(CONFIG, warmup_updates=200, batch=64, critic_learning_rate=2e-3,
                     positive_share=0.0)
    host = make(config, replace(MODEL, chunk_length=1))
    random = np.random.default_rng(0)
    for _ in range(300):
        proposed = random.uniform(-0.1, 0.3, (2, 3, 1, 1)).astype(np.float32)
        action = np.clip(proposed[0, 0] + random.normal(0.0, 0.2, (1, 1)), -1, 1)
        host.replay.add(Episode(np.zeros((2, 2)), action, 1.0 - np.abs(action[:, 0] - 0.45),
                                True, False), proposed, Origin.ONLINE)
    optimiser = torch.optim.Adam(host.actor_parameters, lr=2e-3)
    for _ in range(600):
        update(host, optimiser)
    seen = Observations(torch.zeros(40, 2))
    proposals = torch.rand(40, 3, 1, 1, generator=generator()) * 0.4 - 0.1
    with torch.no_grad():
        candidates = host.policy.extended(seen, proposals, generator(2))
        best = host.policy.worth(host.policy.critic.encoder(seen), candidates).argmax(dim=1)
    chosen = candidates[torch.arange(40), best, 0, 0]
    assert (best >= 3).float().mean() > 0.8
    assert float((chosen - 0.45).abs().mean()) < 0.5 * float(
        (proposals.amax(dim=1)[:, 0, 0] - 0.45).abs().mean())
    assert float(chosen.mean()) > 0.3


# ---- what is refused -----------------------------------------------------------------------


def test_policies_other_than_diffusion_are_refused() -> None:
    policy = GaussianPolicy(replace(MODEL, kind='gaussian'))
    with pytest.raises(ValueError, match='expo needs a cloned diffusion policy'):
        EXPO(CONFIG, policy, np.random.default_rng(0), torch.Generator(), torch.device('cpu'))


@pytest.mark.parametrize('change', [
    {'edit_bound': 0.0}, {'target_members': 5}, {'edit_initial_std': 0.9}, {'candidates': 0}])
def test_impossible_numbers_are_refused(change: dict) -> None:
    with pytest.raises(ValueError, match='EXPOConfig'):
        replace(CONFIG, **change)
