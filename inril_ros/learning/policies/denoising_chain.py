# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A diffusion policy whose last denoising steps are a Gaussian policy.

After Ren et al. 2024 (DPPO): each denoising step draws from a Gaussian, so that the probability
of the sample and its gradient are known. Only the last K' steps are fine-tuned; a frozen copy of
the clone takes the steps before them.
"""
from __future__ import annotations

from dataclasses import dataclass
import math

import torch
from torch import Tensor

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.diffusion import cosine_alpha_bar, ddim_grid, DiffusionPolicy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.policy import Decision, Memory, Policy

LOWEST_LOG_PROBABILITY = -5.0
HIGHEST_LOG_PROBABILITY = 2.0
"""Range of the log density of one number (DPPO), for safety: noise of 3 sigma is inside."""

_LARGEST_NOISE = 3.0
_EVALUATION_STD = 1e-3


@dataclass(frozen=True)
class DenoisingTables:
    """Coefficients (N,) of the denoising steps of a policy, from the noisiest to the cleanest.

    The mean of the next chunk is `from_clean` * predicted clean chunk + `from_noisy` * chunk.
    """

    steps: Tensor
    """int64, the step that is passed to the network."""
    signal: Tensor
    noise: Tensor
    from_clean: Tensor
    from_noisy: Tensor
    std: Tensor
    """Standard deviation of the step; 0 at the last one."""


def denoising_tables(alpha_bar: Tensor, steps: Tensor, eta: float) -> DenoisingTables:
    """Return the coefficients of a chain over some of K denoising steps.

    `alpha_bar` (K,) are shares of signal variance; `steps` (N,) fall to 0. With eta = 1 and all K
    steps the chain is the posterior of DDPM (Ho et al. 2020); with eta = 0 it is deterministic
    (Song et al. 2021, equation 12 for any eta).
    """
    here = alpha_bar[steps]
    following = torch.cat([alpha_bar[steps[1:]], alpha_bar.new_ones(1)])
    variance = eta ** 2 * (1.0 - following) / (1.0 - here) * (1.0 - here / following)
    direction = (1.0 - following - variance).clamp(min=0.0).sqrt()
    from_noisy = direction / (1.0 - here).sqrt()
    return DenoisingTables(
        steps, here.sqrt().float(), (1.0 - here).sqrt().float(),
        (following.sqrt() - from_noisy * here.sqrt()).float(), from_noisy.float(),
        variance.sqrt().float())


class DenoisingChainPolicy(Policy):
    """A chunk per decision, by all K steps of DDPM or by a few of DDIM.

    Extras of a decision, when exploring, are the chunks before, between and after the K'
    fine-tuned steps (K' + 1, T, A), then the log probability of each of these steps (K',) under
    the weights that drew it. Otherwise there are none: such decisions are not learned from.
    """

    def __init__(self, config: ModelConfig) -> None:
        """Make an untrained policy; see `start_from`."""
        super().__init__()
        self.config = config
        self.tuned = DiffusionPolicy(config)
        self.frozen = DiffusionPolicy(config).requires_grad_(False)
        alpha_bar = cosine_alpha_bar(config.denoising_steps)
        steps = (ddim_grid(config.denoising_steps, config.sampling_steps) if config.chain_ddim
                 else torch.arange(config.denoising_steps - 1, -1, -1))
        self.number = len(steps)
        self._add_tables('exploring', denoising_tables(alpha_bar, steps, 1.0))
        self._add_tables('greedy', denoising_tables(
            alpha_bar, steps, 0.0 if config.chain_ddim else 1.0))

    def _add_tables(self, prefix: str, tables: DenoisingTables) -> None:
        # Buffers, so that they move with the weights; not saved, since they follow from the sizes.
        for name, table in vars(tables).items():
            self.register_buffer(f'{prefix}_{name}', table, persistent=False)

    def _tables(self, explore: bool) -> DenoisingTables:
        prefix = 'exploring' if explore else 'greedy'
        return DenoisingTables(*[getattr(self, f'{prefix}_{name}')
                                 for name in DenoisingTables.__dataclass_fields__])

    def start_from(self, clone: DiffusionPolicy) -> None:
        """Copy the weights of a cloned policy, for all denoising steps."""
        self.tuned.load_state_dict(clone.state_dict())
        self.frozen.load_state_dict(clone.state_dict())

    @property
    def cloned(self) -> DiffusionPolicy:
        """Return the fine-tuned network."""
        return self.tuned

    @property
    def extras_size(self) -> int:
        """Return the size of a chain and its log probabilities."""
        return self._chain_size + self.config.chain_steps

    @property
    def _chain_size(self) -> int:
        config = self.config
        return (config.chain_steps + 1) * config.chunk_length * config.action_size

    def unpack(self, extras: Tensor) -> tuple[Tensor, Tensor]:
        """Return the chains (B, K' + 1, T, A) and log probabilities (B, K') of extras (B, D)."""
        shape = (self.config.chain_steps + 1, self.config.chunk_length, self.config.action_size)
        return (extras[:, :self._chain_size].unflatten(1, shape), extras[:, self._chain_size:])

    # ---- acting ----------------------------------------------------------------------------

    @torch.no_grad()
    def decide(self, observations: Observations, memory: Memory, generator: torch.Generator,
               explore: bool) -> Decision:
        """Return one chunk per lane; when exploring, each step's noise has a floor."""
        tables = self._tables(explore)
        size, device = len(observations), observations.device
        shape = (size, self.config.chunk_length, self.config.action_size)

        def noise() -> Tensor:
            return torch.randn(shape, generator=generator, device=generator.device).to(device)

        chunks = noise()
        features = {network: network.encoder(observations)
                    for network in (self.frozen, self.tuned)}
        first_tuned = self.number - self.config.chain_steps
        chain, log_probabilities = [chunks], []
        for position in range(self.number):
            network = self.tuned if position >= first_tuned else self.frozen
            rows = torch.full((size,), position, device=device)
            mean = _step_mean(network, tables, features[network], chunks, rows)
            std = self._std(tables, rows, explore)
            chunks = mean + std * noise().clamp(-_LARGEST_NOISE, _LARGEST_NOISE)
            if position < first_tuned:
                chain = [chunks]
            elif explore:
                chain.append(chunks)
                log_probabilities.append(mean_log_probability(chunks, mean, std))
        extras = chunks.new_zeros(size, 0)
        if explore:
            extras = torch.cat([torch.stack(chain, dim=1).flatten(1),
                                torch.stack(log_probabilities, dim=1)], dim=1)
        return Decision(chunks.clamp(-1.0, 1.0), extras)

    def _std(self, tables: DenoisingTables, rows: Tensor, explore: bool) -> Tensor:
        """Return the standard deviations (B, 1, 1) of the steps at these positions (B,)."""
        std = tables.std[rows].view(-1, 1, 1)
        if explore:
            return std.clamp(min=self.config.chain_std)
        if self.config.chain_ddim:
            return std
        # Samples of the clone as it was trained: without noise at the last step.
        last = (rows == self.number - 1).view(-1, 1, 1)
        return torch.where(last, torch.zeros_like(std), std.clamp(min=_EVALUATION_STD))

    # ---- learning --------------------------------------------------------------------------

    def log_probability(self, observations: Observations, before: Tensor, after: Tensor,
                        indices: Tensor) -> Tensor:
        """Return the mean log density (B,) of fine-tuned steps, differentiable in `tuned`.

        `before` and `after` are the chunks (B, T, A) before and after each step, `indices` (B,)
        are in 0 .. K' - 1, where 0 is the noisiest fine-tuned step.
        """
        mean, std = self.step_gaussian(self.tuned, observations, before, indices)
        return mean_log_probability(after, mean, std)

    def step_gaussian(self, network: DiffusionPolicy, observations: Observations, before: Tensor,
                      indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean (B, T, A) and std (B, 1, 1) of fine-tuned steps, by one of the networks."""
        tables = self._tables(explore=True)
        rows = indices + self.number - self.config.chain_steps
        mean = _step_mean(network, tables, network.encoder(observations), before, rows)
        return mean, self._std(tables, rows, explore=True)

    def divergence_from_clone(self, observations: Observations, before: Tensor,
                              indices: Tensor) -> Tensor:
        """Return the KL divergence of fine-tuned steps from the cloned ones, a scalar.

        Averaged over the numbers of a chunk, as log probabilities are; differentiable in `tuned`.
        """
        mean, std = self.step_gaussian(self.tuned, observations, before, indices)
        with torch.no_grad():
            cloned, _ = self.step_gaussian(self.frozen, observations, before, indices)
        return (0.5 * ((mean - cloned) / std).square()).mean()

    def imitation_loss(self, observations: Observations, chunks: Tensor,
                       generator: torch.Generator) -> Tensor:
        """Return the denoising loss at the fine-tuned steps, differentiable in `tuned`.

        At the other steps the frozen network acts: imitation there would train weights for steps
        at which they are never used.
        """
        tuned_steps = self.exploring_steps[self.number - self.config.chain_steps:]
        choice = torch.randint(len(tuned_steps), (len(observations),), generator=generator,
                               device=generator.device).to(tuned_steps.device)
        return self.tuned.loss_at(observations, chunks, tuned_steps[choice], generator)


def _step_mean(network: DiffusionPolicy, tables: DenoisingTables, features: Tensor,
               chunks: Tensor, rows: Tensor) -> Tensor:
    """Return the mean (B, T, A) of the chunks after the steps at these positions (B,)."""
    predicted = network.predict_noise(chunks, tables.steps[rows], features)
    signal, noise, from_clean, from_noisy = (
        table[rows].view(-1, 1, 1)
        for table in (tables.signal, tables.noise, tables.from_clean, tables.from_noisy))
    clean = ((chunks - noise * predicted) / signal).clamp(-1.0, 1.0)
    return from_clean * clean + from_noisy * chunks


def mean_log_probability(chunks: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return the log density (B,) of chunks (B, T, A), clamped per value, averaged over T and A.

    The average, not the sum, keeps ratios near 1 for every size of a chunk (DPPO).
    """
    densities = -0.5 * ((chunks - mean) / std).square() - std.log() - 0.5 * math.log(2 * math.pi)
    return densities.clamp(LOWEST_LOG_PROBABILITY, HIGHEST_LOG_PROBABILITY).mean(dim=(1, 2))


def fine_tuned(clone: DiffusionPolicy, config: ModelConfig) -> DenoisingChainPolicy:
    """Return a policy of kind 'dppo' that starts as a copy of a cloned one."""
    with torch.random.fork_rng(devices=[]):  # its random weights are replaced
        policy = DenoisingChainPolicy(config)
    policy.start_from(clone)
    return policy
