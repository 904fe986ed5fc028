# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rules for each host in a session: counters, separation, exact resume, controls."""
from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from inril_ros.learning.experience import Episode, Transition
from inril_ros.learning.hosts.settings.actor_critic import (
    DSRLConfig,
    GaussianActorCriticConfig,
    ResidualSACConfig,
)
from inril_ros.learning.hosts.settings.off_policy import EXPOConfig, IDQLConfig
from inril_ros.learning.hosts.settings.on_policy import DPPOConfig, ResidualPPOConfig
from inril_ros.learning.hosts.settings.without_rl import VerifierConfig
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies import artifact
from inril_ros.learning.policies.catalogue import make_policy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig

SMALL = {'warmup_steps': 40, 'warmup_updates': 6, 'batch': 16}
HOSTS: dict[str, Any] = {
    'idql': IDQLConfig(**SMALL, candidates=3, target_candidates=2),
    'expo': EXPOConfig(**SMALL, candidates=3, target_candidates=2, critic_members=3),
    'dsrl': DSRLConfig(**SMALL, critic_width=16, critic_members=3),
    'verifier': VerifierConfig(**SMALL, updates_per_step=1.0, candidates=3, longest_outcome=30),
    'actor_critic': GaussianActorCriticConfig(**SMALL, critic_width=16),
    'residual_sac': ResidualSACConfig(**SMALL, critic_width=16),
    'dppo': DPPOConfig(chain_steps=3, rollout_steps=80, epochs=2, batch=24, critic_width=16,
                       warmup_iterations=1, heldout_share=0.4),
    'residual_ppo': ResidualPPOConfig(rollout_steps=80, epochs=2, warmup_iterations=1,
                                      critic_width=16),
}
DEVICES = ['cpu', pytest.param('cuda', marks=pytest.mark.skipif(
    not torch.cuda.is_available(), reason='no CUDA device here'))]
SHARED = ('actor_critic', 'dppo')
ITERATES = ('dppo', 'residual_ppo')


def demonstration(number: int, steps: int = 12) -> Episode:
    random = np.random.default_rng(number)
    return Episode(random.normal(size=(steps + 1, 3)), random.uniform(-1, 1, (steps, 2)),
                   np.eye(steps)[-1], True, True)


DEMONSTRATIONS = [demonstration(number) for number in range(5)]


@cache
def pretrained(host: str) -> Policy:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return make_policy(ModelConfig(
            3, 2, kind='gaussian' if host == 'actor_critic' else 'best_of_n', chunk_length=4,
            denoising_steps=6, sampling_steps=3, actor_width=16, critic_width=16))


def settings(host: str, **changes: Any) -> SessionConfig:
    unit = {'unit': 'iteration', 'm': 1, 'il_steps': 12} if host in ITERATES else {'m': 3}
    changes = {'imitation_batch': 16, 'alignment_every': 1, **unit, **changes}
    return SessionConfig(host=HOSTS[host], **changes)


def session(host: str, seed: int = 0, device: str = 'cpu', **changes: Any) -> FineTuningSession:
    return FineTuningSession(settings(host, **changes), pretrained(host), DEMONSTRATIONS, seed,
                             device, heldout=(2,))


def act(made: FineTuningSession, number: int, steps: int = 20) -> list[Transition]:
    """Let the policy act for an episode with random observations."""
    random = np.random.default_rng(100 + number)
    generator = torch.Generator().manual_seed(number)
    observation = random.normal(size=3).astype(np.float32)
    # The acting policy is on the CPU, as on a robot, wherever the learner is.
    tensors, config, _ = made.export()
    policy = artifact.build_policy(config, tensors)
    memory, pieces, tick, success = policy.begin(1), [], 0, number % 2 == 0
    while tick < steps:
        with torch.no_grad():
            decision = policy.decide(
                Observations(torch.from_numpy(observation)[None]), memory, generator, True)
        actions = decision.actions[0].numpy()[:steps - tick]
        observations = np.concatenate(
            [observation[None], random.normal(size=(len(actions), 3))]).astype(np.float32)
        observation, ends = observations[-1], tick + len(actions) == steps
        pieces.append(Transition(
            f'episode {number}', tick, observations, actions.clip(-1, 1),
            np.array([0.0] * (len(actions) - 1) + [float(ends and success)]),
            np.ones(len(actions)), ends and success, ends and not success, ends and success,
            extras=decision.extras[0].numpy()))
        tick += len(actions)
    return pieces


def learn(made: FineTuningSession, episodes: range, updates: int = 10**9) -> list[dict]:
    logged: list[dict] = []
    for number in episodes:
        for transition in act(made, number):
            made.ingest(transition)
        while made.updates_due and len(logged) < updates:
            logged.append(made.update())
    return logged


def saved(made: FineTuningSession) -> tuple[bytes, str]:
    tensors, document = made.state_dict()
    return artifact.to_bytes(tensors), document


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('host', HOSTS)
def test_the_ratio_is_counted_and_every_number_stays_finite(host: str, device: str) -> None:
    made = session(host, device=device)
    assert {parameter.device.type for parameter in made.policy.parameters()} == {device}
    logged = learn(made, range(12))
    assert len(logged) == made.rl_updates >= 6
    expected = 12 * made.host.iterations if host in ITERATES else made.rl_updates // 3
    assert made.il_updates == expected > 0
    assert logged[-1]['ratio'] == made.il_updates / made.rl_updates
    assert all(np.isfinite(value) for entry in logged for value in entry.values())
    assert logged[-1]['dose'] > 0
    tensors, config, _ = made.export()
    assert artifact.build_policy(config, tensors).config.kind == made.policy.config.kind


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('host', HOSTS)
@pytest.mark.parametrize('stop', [0, 1, 5, 9])
def test_a_stopped_and_resumed_session_equals_an_uninterrupted_one(
    host: str, stop: int, device: str,
) -> None:
    whole, first = session(host, device=device), session(host, device=device)
    learn(whole, range(10))
    learn(first, range(stop))
    data, document = saved(first)
    second = session(host, seed=9, device=device)
    second.load_state_dict(artifact.from_bytes(data), document)
    assert saved(second) == (data, document)
    learn(second, range(stop, 10))
    assert saved(second) == saved(whole)


@pytest.mark.parametrize('host', HOSTS)
def test_a_stop_between_updates_changes_nothing_either(host: str) -> None:
    whole, first = session(host), session(host)
    learn(first, range(6), updates=7)
    data, document = saved(first)
    second = session(host, seed=9)
    second.load_state_dict(artifact.from_bytes(data), document)
    learn(whole, range(6), updates=7)
    for made in (second, whole):
        while made.updates_due:
            made.update()
    assert saved(second) == saved(whole)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device here')
@pytest.mark.parametrize('host', HOSTS)
def test_a_session_of_a_gpu_continues_on_the_cpu(host: str) -> None:
    first, second = session(host, device='cuda'), session(host, seed=9)
    learn(first, range(6))
    data, document = saved(first)
    second.load_state_dict(artifact.from_bytes(data), document)
    assert saved(second) == (data, document)
    learn(second, range(6, 10))
    assert second.rl_updates > first.rl_updates


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device here')
@pytest.mark.parametrize('host', HOSTS)
def test_gpu_and_cpu_learn_the_same(host: str) -> None:
    made = {device: session(host, device=device) for device in ('cpu', 'cuda')}
    played = [act(made['cpu'], number) for number in range(5)]
    logged: dict[str, list[dict]] = {}
    for device, each in made.items():
        for transition in (piece for episode in played for piece in episode):
            each.ingest(transition)
        logged[device] = [each.update() for _ in range(4) if each.updates_due]
    assert logged['cpu']
    for on_cpu, on_cuda in zip(logged['cpu'], logged['cuda'], strict=True):
        assert on_cuda == pytest.approx(on_cpu, rel=2e-2, abs=2e-3, nan_ok=True)


@pytest.mark.parametrize('host', HOSTS)
def test_imitation_changes_only_its_own_parameters(host: str) -> None:
    made = session(host)
    learn(made, range(8))
    imitated = {id(parameter) for parameter in made.host.imitation_parameters}
    rl = [*made.host.critic_parameters,
          *(p for p in made.host.actor_parameters if id(p) not in imitated)]
    before = [parameter.detach().clone() for parameter in rl]
    moved = [parameter.detach().clone() for parameter in made.host.imitation_parameters]
    made.interleaver.steps.il(made.interleaver._il_gradient()[0], None)
    assert rl and all(torch.equal(a, b) for a, b in zip(before, rl))
    assert any(not torch.equal(a, b) for a, b in zip(moved, made.host.imitation_parameters))
    shared = bool(imitated & {id(parameter) for parameter in made.host.actor_parameters})
    assert shared == (host in SHARED)


@pytest.mark.parametrize('host', HOSTS)
def test_rl_only_takes_no_imitation_step(host: str) -> None:
    made = session(host, m=None)
    logged = learn(made, range(8))
    assert made.il_updates == 0 and not any('il_loss' in entry for entry in logged)


NOTHING_MEASURED = {'alignment_every': 0, 'separation': 'none'}


@pytest.mark.parametrize(('changes', 'held_out'), [
    ({}, True), ({'m': None}, False), ({'control': 'kl_to_pretrained'}, False),
    (NOTHING_MEASURED, False), ({**NOTHING_MEASURED, 'separation': 'protect_il'}, False),
    ({**NOTHING_MEASURED, 'separation': 'protect_rl'}, True),
    ({**NOTHING_MEASURED, 'alignment_every': 1}, True),
    ({**NOTHING_MEASURED, 'schedule': 'model', 'm': 2, 'm_min': 1.0}, True)], ids=str)
def test_episodes_are_held_out_only_where_something_is_measured_with_them(
        changes: dict[str, Any], held_out: bool) -> None:
    made = session('dppo', **changes)
    learn(made, range(6))
    rollouts = made.host.rollouts
    assert rollouts.iterations > 0
    assert (len(rollouts.training) < len(rollouts.decisions.rewards)) == held_out
    assert bool(made.host.reference_batches()) == held_out


@pytest.mark.parametrize('host', SHARED)
def test_alignment_is_measured_where_parameters_are_shared_and_changes_nothing(host: str) -> None:
    measured, blind = session(host), session(host, alignment_every=0)
    seen = [entry for entry in learn(measured, range(16)) if 'alignment_inner' in entry]
    learn(blind, range(16))
    assert len(seen) >= 2
    for name in ('raw_cosine', 'il_snr', 'rl_snr', 'sign_conflict', 'il_to_rl', 'pooled_t',
                 'rl_decrease', 'rl_smoothness'):
        assert all(np.isfinite(entry[f'alignment_{name}']) for entry in seen)
    # By layer too, under the policy's parameter names.
    shared = {id(parameter) for parameter in measured.host.actor_parameters}
    layers = {name.rpartition('.')[0] or name
              for name, parameter in measured.policy.named_parameters() if id(parameter) in shared}
    assert len(layers) > 1 and all(f'alignment_layer/{layer}/t' in seen[-1] for layer in layers)
    pool = measured.interleaver.probe.pool
    assert len(pool._needed) == len(pool) == len(seen)
    assert artifact.to_bytes(measured.export()[0]) == artifact.to_bytes(blind.export()[0])


@pytest.mark.parametrize('host', ['idql', 'expo', 'residual_sac'])
def test_separate_networks_are_compared_by_their_effect_on_the_action(host: str) -> None:
    seen = [entry['alignment_action_cosine'] for entry in learn(session(host), range(8))
            if 'alignment_action_cosine' in entry]
    assert seen and all(-1.0 <= value <= 1.0 for value in seen)


@pytest.mark.parametrize('host', HOSTS)
@pytest.mark.parametrize('changes', [
    {'schedule': 'random', 'm': 4}, {'schedule': 'dose', 'm': 4}, {'schedule': 'anchor', 'm': 4},
    {'schedule': 'alignment', 'm': 4}, {'schedule': 'model', 'm': 4},
    {'separation_metric': 'adam'}, {'separation': 'none'}, {'separation_per_tensor': True},
    {'separation': 'protect_il', 'separation_always': True}, {'shared_adam': True},
    {'control': 'parameter_noise'}, {'control': 'bc_regularised'}, {'control': 'frozen_actor'},
    {'control': 'no_critic'}, {'control': 'kl_to_pretrained'},
    {'control': 'shuffled_advantages'}, {'control': 'shuffled_rewards'}], ids=str)
def test_every_setting_runs_and_resumes_or_is_refused(host: str, changes: dict) -> None:
    needs_shared = (changes.get('schedule') in ('alignment', 'model') or 'shared_adam' in changes
                    or changes.get('control') == 'bc_regularised')
    wrong = {'kl_to_pretrained': ('idql', 'residual_ppo', 'dsrl', 'verifier'),
             'shuffled_advantages': ('idql', 'expo', 'actor_critic', 'residual_sac', 'dsrl',
                                     'verifier'),
             'shuffled_rewards': ITERATES}.get(changes.get('control', ''), ())
    if needs_shared and host not in SHARED or host in wrong:
        with pytest.raises(ValueError, match='share|does not exist'):
            session(host, **changes)
        return
    if changes.get('m') == 4 and host in ITERATES:  # of which this test has few
        changes = {**changes, 'm': 2, 'm_min': 1.0}
    whole, first = session(host, **changes), session(host, **changes)
    episodes = 20 if host in ITERATES else 8
    learn(whole, range(episodes))
    learn(first, range(5))
    data, document = saved(first)
    second = session(host, seed=9, **changes)
    second.load_state_dict(artifact.from_bytes(data), document)
    learn(second, range(5, episodes))
    assert saved(second) == saved(whole)
    if 'schedule' in changes:
        assert whole.il_updates > 0


@pytest.mark.parametrize('host', HOSTS)
def test_a_frozen_actor_stays_the_clone(host: str) -> None:
    made = session(host, control='frozen_actor')
    before = {name: tensor.clone() for name, tensor in made.policy.state_dict().items()
              if 'critic' not in name and name != 'candidates'}
    learn(made, range(8))
    after = made.policy.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_noise_in_place_of_imitation_has_the_length_of_the_imitation_step() -> None:
    made, noisy = session('actor_critic'), session('actor_critic', control='parameter_noise')
    for each in (made, noisy):
        learn(each, range(4))
    il, _ = made.interleaver._il_gradient()
    before = [p.detach().clone() for p in noisy.host.actor_parameters]
    path = noisy.interleaver.dose.il_path
    noisy.interleaver.steps.il(il, None)
    step = torch.cat([(a - b).flatten() for a, b in zip(before, noisy.host.actor_parameters)])
    expected = noisy.interleaver.dose.il_path - path
    assert float(step.detach().norm()) == pytest.approx(expected, rel=1e-3)
    direction = torch.cat([part.flatten() for part in il])
    assert abs(float(torch.cosine_similarity(step, direction, dim=0))) < 0.3


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match='m: the schedule'):
        replace(settings('idql'), m=None, schedule='random')
    with pytest.raises(ValueError, match='schedule anchor: needs .*--heldout-share 0.2'):
        FineTuningSession(settings('idql', schedule='anchor', m=4), pretrained('idql'),
                          DEMONSTRATIONS, 0, 'cpu')
    with pytest.raises(ValueError, match='gaussian'):
        FineTuningSession(settings('actor_critic'), pretrained('idql'), DEMONSTRATIONS, 0, 'cpu')
