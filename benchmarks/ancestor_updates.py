# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The updates of DPPO's public code (github.com/irom-princeton/dppo), to compare with ours.

It contains none of that code: it imports the classes from a checkout and calls them as their
training loops do. Three of its algorithms have a counterpart here: DPPO, IDQL and RLPD. Sizes and
batches are those of ours in `host_speed.py`; the data is random.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
import sys

import numpy as np
import torch

TORCH = {'device': 'cpu'}


@dataclass(frozen=True)
class Sizes:
    """Sizes that both sides share."""

    observation: int
    action: int
    chunk: int
    width: int
    batch: int
    denoising_steps: int = 20
    chain_steps: int = 5
    critics: int = 5
    critic_steps: int = 2


@dataclass(frozen=True)
class Update:
    """One update of an algorithm, and how many parameters it trains."""

    step: Callable[[], None]
    parameters: int


def import_from(folder: Path) -> None:
    """Make the classes of a checkout importable.

    Raises:
        FileNotFoundError: The folder is no checkout.
    """
    if not (folder / 'model' / 'diffusion' / 'diffusion_ppo.py').is_file():
        raise FileNotFoundError(f'{folder} is no checkout of github.com/irom-princeton/dppo')
    sys.path.insert(0, str(folder))


def _rows(sizes: Sizes, number: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        'observations': random.normal(size=(number, 1, sizes.observation)).astype(np.float32),
        'next': random.normal(size=(number, 1, sizes.observation)).astype(np.float32),
        'chunks': random.uniform(-1, 1, (number, sizes.chunk, sizes.action)).astype(np.float32),
        'rewards': random.random(number).astype(np.float32),
        'terminated': (random.random(number) < 0.05).astype(np.float32)}


def _sampled(rows: dict[str, np.ndarray], batch: int) -> dict[str, torch.Tensor]:
    indices = np.random.choice(len(rows['rewards']), batch)
    return {name: torch.from_numpy(values[indices]) for name, values in rows.items()}


def _count(*modules: torch.nn.Module) -> int:
    return sum(part.numel() for module in modules for part in module.parameters()
               if part.requires_grad)


def _diffusion_network(sizes: Sizes) -> torch.nn.Module:
    from model.diffusion.mlp_diffusion import DiffusionMLP

    return DiffusionMLP(
        action_dim=sizes.action, horizon_steps=sizes.chunk, cond_dim=sizes.observation,
        time_dim=32, mlp_dims=[sizes.width] * 3, activation_type='Mish', residual_style=True)


def dppo(sizes: Sizes) -> Update:
    """Return a minibatch of DPPO: actor and critic."""
    from model.common.critic import CriticObs
    from model.diffusion.diffusion_ppo import PPODiffusion

    model = PPODiffusion(
        gamma_denoising=0.99, clip_ploss_coef=0.05, clip_ploss_coef_base=0.05,
        actor=_diffusion_network(sizes),
        critic=CriticObs(sizes.observation, [256] * 3, residual_style=True),
        ft_denoising_steps=sizes.chain_steps, horizon_steps=sizes.chunk,
        obs_dim=sizes.observation, action_dim=sizes.action,
        denoising_steps=sizes.denoising_steps, randn_clip_value=3, **TORCH)
    actor = torch.optim.AdamW(model.actor_ft.parameters(), lr=1e-4, weight_decay=0)
    critic = torch.optim.AdamW(model.critic.parameters(), lr=1e-3, weight_decay=0)
    number = 960
    rows = _rows(sizes, number)
    state = torch.from_numpy(rows['observations'])
    chains = torch.randn(number, sizes.chain_steps + 1, sizes.chunk, sizes.action)
    returns, values, advantages = torch.randn(3, number)
    with torch.no_grad():
        old = model.get_logprobs({'state': state}, chains).view(
            number, sizes.chain_steps, sizes.chunk, sizes.action)

    def step() -> None:
        pairs = torch.randperm(number * sizes.chain_steps)[:sizes.batch]
        rows, steps = torch.unravel_index(pairs, (number, sizes.chain_steps))
        policy, entropy, value, *_ = model.loss(
            {'state': state[rows]}, chains[rows, steps], chains[rows, steps + 1], steps,
            returns[rows], values[rows], advantages[rows], old[rows, steps],
            reward_horizon=sizes.chunk)
        loss = policy + 0.0 * entropy + 0.5 * value
        actor.zero_grad()
        critic.zero_grad()
        loss.backward()
        actor.step()
        critic.step()

    return Update(step, _count(model.actor_ft, model.critic))


def idql(sizes: Sizes) -> Update:
    """Return one update of IDQL: value, critics, targets, and the actor's diffusion loss."""
    from model.common.critic import CriticObs, CriticObsAct
    from model.diffusion.diffusion_idql import IDQLDiffusion

    model = IDQLDiffusion(
        actor=_diffusion_network(sizes), critic_v=CriticObs(sizes.observation, [sizes.width] * 2),
        critic_q=CriticObsAct(sizes.observation, [sizes.width] * 2, sizes.action, sizes.chunk),
        horizon_steps=sizes.chunk, obs_dim=sizes.observation, action_dim=sizes.action,
        denoising_steps=sizes.denoising_steps, randn_clip_value=3, **TORCH)
    actor = torch.optim.AdamW(model.actor.parameters(), lr=1e-4, weight_decay=0)
    value = torch.optim.AdamW(model.critic_v.parameters(), lr=1e-3, weight_decay=0)
    critic = torch.optim.AdamW(model.critic_q.parameters(), lr=1e-3, weight_decay=0)
    rows = _rows(sizes, 4000)

    def apply(optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    def step() -> None:
        batch = _sampled(rows, sizes.batch)
        now, following = {'state': batch['observations']}, {'state': batch['next']}
        apply(value, model.loss_critic_v(now, batch['chunks']))
        apply(critic, model.loss_critic_q(
            now, following, batch['chunks'], batch['rewards'], batch['terminated'], 0.99))
        model.update_target_critic(0.005)
        apply(actor, model.loss(batch['chunks'], now))

    return Update(step, _count(model.actor, model.critic_v, model.critic_q))


def rlpd(sizes: Sizes) -> Update:
    """Return one update of RLPD: some critic steps, then actor and temperature."""
    from model.common.critic import CriticObsAct
    from model.common.mlp_gaussian import Gaussian_MLP
    from model.rl.gaussian_rlpd import RLPD_Gaussian

    model = RLPD_Gaussian(
        actor=Gaussian_MLP(
            action_dim=sizes.action, horizon_steps=sizes.chunk, cond_dim=sizes.observation,
            mlp_dims=[sizes.width] * 3, tanh_output=False),
        critic=CriticObsAct(sizes.observation, [sizes.width] * 2, sizes.action, sizes.chunk,
                            activation_type='ReLU', use_layernorm=True, double_q=False),
        n_critics=sizes.critics, horizon_steps=sizes.chunk, tanh_output=True, **TORCH)
    actor = torch.optim.AdamW(model.network.parameters(), lr=1e-4, weight_decay=0)
    critics = torch.optim.AdamW(model.ensemble_params.values(), lr=5e-4, weight_decay=0)
    log_alpha = torch.zeros((), requires_grad=True)
    temperature = torch.optim.Adam([log_alpha], lr=3e-4)
    offline, online = _rows(sizes, 2000), _rows(sizes, 4000)

    def apply(optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    def step() -> None:
        alpha = log_alpha.exp().item()
        for _ in range(sizes.critic_steps):
            half = sizes.batch // 2
            parts = _sampled(offline, half), _sampled(online, half)
            batch = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
            now = {'state': batch['observations']}
            apply(critics, model.loss_critic(
                now, {'state': batch['next']}, batch['chunks'], batch['rewards'],
                batch['terminated'], 0.99, alpha))
            model.update_target_critic(0.01)
        apply(actor, model.loss_actor(now, alpha))
        apply(temperature, model.loss_temperature(now, log_alpha.exp(), -16.0))

    critic_size = sum(part.numel() for part in model.ensemble_params.values())
    return Update(step, _count(model.network) + critic_size)


UPDATES: dict[str, Callable[[Sizes], Update]] = {'dppo': dppo, 'idql': idql, 'rlpd': rlpd}
