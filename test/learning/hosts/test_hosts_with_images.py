# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Each host learns from states, images and both; gradients reach the right image encoders."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from inril_ros.learning.experience import Episode, Transition
from inril_ros.learning.hosts.dppo import DPPO
from inril_ros.learning.hosts.expo import EXPO
from inril_ros.learning.hosts.gaussian_actor_critic import GaussianActorCritic
from inril_ros.learning.hosts.idql import IDQL
from inril_ros.learning.hosts.residual_ppo import ResidualPPO
from inril_ros.learning.hosts.residual_sac import ResidualSAC
from inril_ros.learning.hosts.settings.actor_critic import (
    GaussianActorCriticConfig,
    ResidualSACConfig,
)
from inril_ros.learning.hosts.settings.names import CONFIGS
from inril_ros.learning.hosts.settings.off_policy import EXPOConfig, IDQLConfig
from inril_ros.learning.hosts.settings.on_policy import DPPOConfig, ResidualPPOConfig
from inril_ros.learning.joining import join_transitions
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.artifact import build_policy, load_policy, save_policy
from inril_ros.learning.policies.catalogue import make_policy
from inril_ros.learning.policies.encoder import ObservationEncoder
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.pretrain import imitation_pairs
from inril_ros.learning.remembered_images import frozen_images_hash, remembered_episode
from inril_ros.learning.replay import Origin
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig

ACTIONS, STEPS = 2, 10
OFF_POLICY = {'warmup_steps': 0, 'warmup_updates': 1, 'batch': 8}
ON_POLICY = {'rollout_steps': 4 * STEPS, 'batch': 8, 'warmup_iterations': 0, 'critic_width': 16}

HOSTS = {
    'idql': (IDQL, IDQLConfig(**OFF_POLICY, candidates=2, target_candidates=2)),
    'expo': (EXPO, EXPOConfig(
        **OFF_POLICY, candidates=2, target_candidates=2, critic_members=2, edit_width=16)),
    'actor_critic': (GaussianActorCritic, GaussianActorCriticConfig(
        **OFF_POLICY, critic_width=16, critic_members=2)),
    'residual_sac': (ResidualSAC, ResidualSACConfig(
        **OFF_POLICY, critic_width=16, critic_members=2, residual_width=16)),
    'dppo': (DPPO, DPPOConfig(**ON_POLICY, chain_steps=2)),
    'residual_ppo': (ResidualPPO, ResidualPPOConfig(**ON_POLICY, residual_width=16)),
}
SHARED = {'actor_critic', 'dppo'}
"""Hosts in which RL and imitation move the same network."""
SEEING = ['images', 'both']


def model_of(name: str, seen: str) -> ModelConfig:
    return ModelConfig(
        1 if seen == 'images' else 3, ACTIONS, kind=CONFIGS[name].POLICY_KIND,
        chunk_length=2, denoising_steps=4, sampling_steps=2, actor_width=16, critic_width=16,
        cameras=0 if seen == 'state' else 2, image_height=16, image_width=16, image_channels=8,
        image_stages=1, image_blocks=1, image_features=4, image_shift=1)


def observed(model: ModelConfig, rows: int, seed: int) -> tuple:
    """Return states and images; for a model that uses images alone the state is zero."""
    random = np.random.default_rng(seed)
    state = random.normal(size=(rows, model.observation_size)).astype(np.float32)
    if model.image_shape is None:
        return state, None
    if model.observation_size == 1:
        state[:] = 0.0
    return state, random.integers(0, 256, (rows, *model.image_shape), dtype=np.uint8)


def demonstration(model: ModelConfig, seed: int) -> Episode:
    state, images = observed(model, STEPS + 1, seed)
    actions = np.random.default_rng(seed).uniform(-1, 1, (STEPS, ACTIONS))
    return Episode(state, actions, np.arange(STEPS) == STEPS - 1, True, True, images=images)


def acted(policy: Policy, seed: int) -> list[Transition]:
    """Return the transitions of a policy's episode; every second one succeeds."""
    model = policy.config
    state, images = observed(model, STEPS + 1, seed)
    generator, memory = torch.Generator().manual_seed(seed), policy.begin(1)
    pieces, tick, success = [], 0, bool(seed % 2)
    while tick < STEPS:
        now = slice(tick, tick + 1)
        decision = policy.decide(
            Observations.from_arrays(state[now], None if images is None else images[now], 'cpu'),
            memory, generator, True)
        after = min(tick + policy.decision_steps, STEPS)
        inside, end = slice(tick, after + 1), after == STEPS
        pieces.append(Transition(
            str(seed), tick, state[inside], decision.actions[0, :after - tick].numpy(),
            np.arange(tick, after) == (STEPS - 1 if success else -1),
            np.zeros(after - tick, np.uint8), terminated=end and success,
            truncated=end and not success, success=end and success,
            extras=decision.extras[0].numpy(),
            images=None if images is None else images[inside]))
        tick = after
    return pieces


def cloned(name: str, seen: str, **changes: object) -> Policy:
    """Return a policy as after cloning, with the scale of observations."""
    model = replace(model_of(name, seen), **changes)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        policy = make_policy(model)
    policy.cloned.encoder.normaliser.fit(observed(model, 50, 1)[0])
    return policy


def empty_host(name: str, seen: str, **changes: object) -> object:
    kind, config = HOSTS[name]
    return kind(config, cloned(name, seen, **changes), np.random.default_rng(0),
                torch.Generator().manual_seed(0), torch.device('cpu'))


def host_with_experience(name: str, seen: str, **changes: object) -> object:
    host = empty_host(name, seen, **changes)
    for seed in range(2):
        remember(host, demonstration(host.policy.config, seed), Origin.DEMONSTRATION)
    for seed in range(4):
        remember(host, join_transitions(acted(host.policy, seed)), Origin.ONLINE)
    assert host.updates_due(4 * STEPS) > 0
    return host


def remember(host: object, episode: Episode, origin: Origin) -> None:
    host.remember(remembered_episode(
        episode, host.policy.cloned.encoder, torch.device('cpu')), origin)


def step(parameters: list, loss: torch.Tensor) -> None:
    """Take a step along a loss like the session: no other parameter changes."""
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients):
            if gradient is not None:
                parameter -= 0.1 * gradient / gradient.norm().clamp(min=1e-12)


def update(host: object) -> None:
    """Take one RL update and one IL update."""
    batch = host.draw()
    host.critic_update(batch)
    loss = host.actor_loss(batch)
    if loss is not None:
        assert torch.isfinite(loss)
        step(host.actor_parameters, loss)
    host.finish(batch)
    imitate(host)


def imitate(host: object) -> None:
    observations, chunks = imitation_pairs([demonstration(host.policy.config, 0)], 2)
    loss = host.imitation_loss(observations, chunks, torch.Generator().manual_seed(1))
    assert torch.isfinite(loss)
    step(host.imitation_parameters, loss)
    host.after_imitation()


class EncoderChanges:
    """Finds the image encoders, of critic, actor or imitation, that changed between two calls."""

    def __init__(self, host: object) -> None:
        parts = [*vars(host).values(), *vars(getattr(host, 'critics', host)).values()]
        names = {id(parameter): name for part in parts if isinstance(part, nn.Module)
                 for name, parameter in part.named_parameters()}
        self._of = {
            (role, part): [p for p in getattr(host, f'{role}_parameters')
                           if f'.images.{part}.' in f'.{names[id(p)]}']
            for role in ('critic', 'actor', 'imitation') for part in ('trunks', 'heads')}
        self._before: dict = {}
        self.moved('trunks'), self.moved('heads')

    def moved(self, part: str) -> set[str]:
        """Return the owners of trunks, or heads, that have changed since the last call."""
        moved = set()
        for (role, each), parameters in self._of.items():
            if each != part:
                continue
            before = self._before.get((role, each), [])
            if any(not torch.equal(old, new) for old, new in zip(before, parameters)):
                moved.add(role)
            self._before[role, each] = [p.detach().clone() for p in parameters]
        return moved


@pytest.mark.parametrize('seen', ['state', *SEEING])
@pytest.mark.parametrize('name', HOSTS)
def test_a_host_learns_from_its_inputs_and_its_policy_is_restored_from_a_folder(
        name: str, seen: str, tmp_path: object) -> None:
    host = host_with_experience(name, seen)
    before = {key: value.clone() for key, value in host.policy.state_dict().items()}
    for _ in range(2):
        update(host)
    assert any(not torch.equal(value, before[key])
               for key, value in host.policy.state_dict().items())
    save_policy(tmp_path / 'model', host.policy)
    loaded = load_policy(tmp_path / 'model')
    state, images = observed(host.policy.config, 16, 9)

    def decided(policy: object, images: np.ndarray | None) -> torch.Tensor:
        decision = policy.decide(Observations.from_arrays(state, images, 'cpu'), policy.begin(16),
                                 torch.Generator().manual_seed(2), False)
        assert decision.actions.shape == (16, policy.decision_steps, ACTIONS)
        assert decision.actions.abs().max() <= 1.0
        return decision.actions

    assert torch.equal(decided(loaded, images), decided(host.policy, images))
    if seen != 'state':
        # Another image gives another action, except where a barely trained policy is at +-1.
        assert not torch.equal(decided(host.policy, 255 - images), decided(host.policy, images))


@pytest.mark.parametrize('frozen', [False, True])
@pytest.mark.parametrize('seen', SEEING)
@pytest.mark.parametrize('name', HOSTS)
def test_each_objective_changes_its_own_image_encoders(name: str, seen: str, frozen: bool) -> None:
    host = host_with_experience(name, seen, image_frozen=frozen)
    update(host)  # the head of a correction starts at zero, and passes no gradient
    eyes = EncoderChanges(host)

    def check(expected: set[str]) -> None:
        assert eyes.moved('heads') == expected
        assert eyes.moved('trunks') == (set() if frozen else expected)

    actor = {'actor', 'imitation'} if name in SHARED else {'actor'}
    batch = host.draw()
    host.critic_update(batch)
    check({'critic'})
    loss = host.actor_loss(batch)
    assert (loss is None) == (name == 'idql')
    if loss is not None:
        step(host.actor_parameters, loss)
        check(actor)
    host.finish(batch)
    check(set())
    imitate(host)
    check(actor | {'imitation'} if name in SHARED else {'imitation'})


@pytest.mark.parametrize('name', HOSTS)
def test_critics_start_with_the_image_encoder_of_the_clone(name: str) -> None:
    host = empty_host(name, 'both')
    critic = {'idql': lambda: host.policy.critic, 'expo': lambda: host.policy.critic,
              'actor_critic': lambda: host.critics.critic,
              'residual_sac': lambda: host.critics.critic}.get(name, lambda: host.critic)()
    clone = host.policy.cloned.encoder.state_dict()
    for key, value in critic.encoder.state_dict().items():
        assert torch.equal(value, clone[key]), key


@pytest.mark.parametrize('name', HOSTS)
def test_all_networks_of_a_host_see_by_the_frozen_image_networks_of_the_clone(name: str) -> None:
    host = host_with_experience(name, 'both', image_frozen=True)
    for _ in range(2):
        update(host)
    parts = [*vars(host).values(), *vars(getattr(host, 'critics', host)).values()]
    encoders = {id(module): module for part in parts if isinstance(part, nn.Module)
                for module in part.modules() if isinstance(module, ObservationEncoder)}
    hashes = {frozen_images_hash(encoder) for encoder in encoders.values()}
    assert len(encoders) > 1 and hashes == {frozen_images_hash(
        cloned(name, 'both', image_frozen=True).cloned.encoder)}


def learn(session: FineTuningSession, transitions: list[Transition]) -> list[dict]:
    logged = []
    for transition in transitions:
        assert session.ingest(transition)
        while session.updates_due:
            logged.append(session.update())
    return logged


@pytest.mark.parametrize('device', ['cpu', pytest.param('cuda', marks=pytest.mark.skipif(
    not torch.cuda.is_available(), reason='no CUDA device here'))])
@pytest.mark.parametrize('frozen', [False, True])
@pytest.mark.parametrize('name', HOSTS)
def test_a_session_with_images_continues_where_it_was_saved(
        name: str, frozen: bool, device: str) -> None:
    config = SessionConfig(host=HOSTS[name][1], m=2, imitation_batch=8)

    def begun(seed: int) -> FineTuningSession:
        demonstrations = [demonstration(model_of(name, 'both'), index) for index in range(4)]
        return FineTuningSession(config, cloned(name, 'both', image_frozen=frozen),
                                 demonstrations, seed, device, heldout=(2,))

    whole, first, second = begun(0), begun(0), begun(9)
    tensors, model, _ = whole.export()
    acting = build_policy(model, tensors)  # on the CPU, as on a robot
    pieces = [piece for seed in range(4) for piece in acted(acting, seed)]
    middle = len(pieces) - 2  # of the last episode
    learn(first, pieces[:middle])
    tensors, document = first.state_dict()
    second.load_state_dict(tensors, document)
    learn(second, pieces[middle:])
    logged = learn(whole, pieces)
    assert len(logged) > 6
    assert all('il_loss' in entry for entry in logged[1::2])
    assert np.isfinite(whole.heldout_il_loss())
    (expected, document), (found, found_document) = whole.state_dict(), second.state_dict()
    assert found_document == document
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert torch.equal(found[key], value), key


@pytest.mark.parametrize('name', HOSTS)
def test_images_that_the_model_does_not_use_are_not_kept(name: str) -> None:
    both, state = model_of(name, 'both'), cloned(name, 'state')
    session = FineTuningSession(
        SessionConfig(host=HOSTS[name][1]), state, [demonstration(both, 0)], 0, 'cpu')
    for piece in acted(session.policy, 1):
        session.ingest(replace(piece, images=observed(both, piece.steps + 1, 0)[1]))
    assert session.intake.episodes == 1
    assert not [key for key in session.state_dict()[0] if 'images' in key]


def test_a_saved_session_copies_what_changes_and_images_only_once(
        monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of('idql', 'both')
    session = FineTuningSession(
        SessionConfig(host=HOSTS['idql'][1]), cloned('idql', 'both'),
        [demonstration(model, seed) for seed in range(5)], 0, 'cpu')
    memory = session.memory.state_dict()
    monkeypatch.setattr(session.memory, 'state_dict', lambda: memory)
    tensors, _ = session.state_dict()
    copied = {name for name, array in memory.items()
              if array.size and tensors[f'memory.{name}'].data_ptr() != array.ctypes.data}
    assert copied == {name for name, array in memory.items() if array.size} - {'images'}


def test_experience_without_the_images_that_the_model_needs_is_refused() -> None:
    blind, seeing = demonstration(model_of('idql', 'state'), 0), cloned('idql', 'both')
    expected = r'images of \(C, H, W, 3\) = None, the model \(2, 16, 16, 3\)'
    with pytest.raises(ValueError, match=f'demonstration 0 has {expected}'):
        FineTuningSession(SessionConfig(), seeing, [blind], 0, 'cpu')
    session = FineTuningSession(SessionConfig(), seeing, [demonstration(seeing.config, 0)], 0,
                                'cpu')
    with pytest.raises(ValueError, match=f"transition of episode '1' has {expected}"):
        session.ingest(replace(acted(seeing, 1)[0], images=None))
    assert session.intake.transitions == session.intake.open_episodes == 0
