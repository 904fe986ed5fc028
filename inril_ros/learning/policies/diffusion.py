# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A diffusion policy over chunks of actions, which is cloned and proposes candidates.

Ho et al. 2020 (epsilon prediction), Nichol and Dhariwal 2021 (cosine schedule), Song et al. 2021
(DDIM), Chi et al. 2023 (chunks of actions).
"""
from __future__ import annotations

import math

import torch
from torch import nn, Tensor
from torch.nn import functional

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.encoder import ObservationEncoder
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.networks import ResidualMLP, TimeEmbedding


class DiffusionPolicy(nn.Module):
    """p(chunk | observation) by denoising. Random numbers come only from the given generator."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = ObservationEncoder(config)
        self.time_embedding = TimeEmbedding(config.time_embedding_size)
        chunk_size = config.chunk_length * config.action_size
        self.network = ResidualMLP(
            chunk_size + config.time_embedding_size + self.encoder.size,
            chunk_size, config.actor_width, config.actor_blocks)
        alpha_bar = cosine_alpha_bar(config.denoising_steps)
        self.register_buffer('signal', alpha_bar.sqrt().float(), persistent=False)
        self.register_buffer('noise', (1.0 - alpha_bar).sqrt().float(), persistent=False)
        self._ddim_steps = ddim_grid(config.denoising_steps, config.sampling_steps).tolist()

    def predict_noise(self, chunks: Tensor, steps: Tensor, features: Tensor) -> Tensor:
        """Return the predicted noise (B, T, A) in chunks (B, T, A) at denoising steps (B,)."""
        inputs = torch.cat([chunks.flatten(1), self.time_embedding(steps), features], dim=-1)
        return self.network(inputs).view_as(chunks)

    def loss(self, observations: Observations, chunks: Tensor,
             generator: torch.Generator) -> Tensor:
        """Return the denoising loss, a scalar: mean squared error of the predicted noise.

        Observations of B rows are not normalised; chunks (B, T, A) in [-1, 1] are imitated.
        """
        steps = torch.randint(self.config.denoising_steps, (len(observations),),
                              generator=generator, device=generator.device)
        return self.loss_at(observations, chunks, steps.to(observations.device), generator)

    def loss_at(self, observations: Observations, chunks: Tensor, steps: Tensor,
                generator: torch.Generator) -> Tensor:
        """Return the same loss at given denoising steps (B,)."""
        device = observations.device
        noise = torch.randn(chunks.shape, generator=generator, device=generator.device).to(device)
        signal_rate = self.signal[steps].view(-1, 1, 1)
        noise_rate = self.noise[steps].view(-1, 1, 1)
        predicted = self.predict_noise(signal_rate * chunks + noise_rate * noise, steps,
                                       self.encoder(observations, generator))
        return functional.mse_loss(predicted, noise)

    @torch.no_grad()
    def sample(self, observations: Observations, generator: torch.Generator,
               number: int = 1) -> Tensor:
        """Return `number` chunks per row by DDIM (eta 0), (B * number, T, A) in [-1, 1]."""
        features = self.encoder(observations).repeat_interleave(number, dim=0)
        shape = (len(features), self.config.chunk_length, self.config.action_size)
        x = torch.randn(shape, generator=generator, device=generator.device)
        return self.denoise(features, x.to(observations.device))

    @torch.no_grad()
    def denoise(self, features: Tensor, x: Tensor) -> Tensor:
        """Return the chunks (B, T, A) in [-1, 1] that DDIM (eta 0) makes of noise (B, T, A).

        `features` (B, F) are encoded observations. Nothing is random in it.
        """
        followers = self._ddim_steps[1:] + [None]
        for step, next_step in zip(self._ddim_steps, followers):
            steps = torch.full((len(x),), step, device=x.device)
            predicted = self.predict_noise(x, steps, features)
            clean = ((x - self.noise[step] * predicted) / self.signal[step]).clamp(-1.0, 1.0)
            if next_step is None:
                return clean
            # The noise between the clipped chunk and x: both must agree.
            predicted = (x - self.signal[step] * clean) / self.noise[step]
            x = self.signal[next_step] * clean + self.noise[next_step] * predicted
        raise AssertionError('sampling_steps is at least 1')


def cosine_alpha_bar(steps: int) -> Tensor:
    """Return the share of signal variance after each of K steps, (K,) float64 (cosine, s .008)."""
    def share(progress: Tensor) -> Tensor:
        return torch.cos((progress + 0.008) / 1.008 * math.pi / 2) ** 2
    progress = torch.arange(steps, dtype=torch.float64)
    betas = 1.0 - share((progress + 1) / steps) / share(progress / steps)
    return torch.cumprod(1.0 - betas.clamp(max=0.999), dim=0)


def ddim_grid(denoising_steps: int, sampling_steps: int) -> Tensor:
    """Return the denoising steps of DDIM, evenly spaced from K - 1 down to 0, (N,) int64."""
    return torch.linspace(denoising_steps - 1, 0, sampling_steps).round().long()
