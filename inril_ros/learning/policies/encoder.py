# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From observations to the features of a network.

Each network has its own encoder: gradients of the critic never change the actor's features, and
imitation never changes the critic's.
"""
from __future__ import annotations

import torch
from torch import nn, Tensor

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.image_encoder import ImageEncoder
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.normaliser import Normaliser


class ObservationEncoder(nn.Module):
    """Observations of B rows -> features (B, F): the normalised state, then those of the images.

    `size` is F. A model without cameras ignores images. There is always a state; a policy that
    uses images alone has a constant one (a single 0).

    Call it with a generator where a gradient step follows (cloning, actor and critic losses),
    without one for acting, targets and measurements. For several candidates encode once and
    repeat the features, not the observations, because images take most of the time.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.normaliser = Normaliser(config.observation_size, config.std_floor,
                                     config.observation_clip, config.observation_bound)
        self.state_noise = config.state_noise
        self.images = ImageEncoder(config) if config.cameras else None
        self.size = config.observation_size + (self.images.size if self.images else 0)
        self.freeze(config.image_frozen)

    def forward(self, observations: Observations,
                generator: torch.Generator | None = None) -> Tensor:
        """Return the features (B, F).

        A generator adds noise to the states and shifts the images at random for learning (see
        `random_shift`). None leaves both as they are.

        Raises:
            ValueError: The model has cameras, and images are missing or have another shape.
        """
        state = self.normaliser(observations.state)
        if generator is not None and self.state_noise:
            noise = torch.randn(state.shape, generator=generator, device=generator.device)
            state = state + self.state_noise * noise.to(state.device)
        if self.images is None:
            return state
        if observations.images is None:
            raise ValueError(f'the model has {len(self.images.heads)} cameras, '
                             'the observations have no images')
        return torch.cat([state, self.images(observations.images, generator)], dim=-1)

    def freeze(self, frozen: bool) -> None:
        """Exclude the image networks from learning, or include them; see ModelConfig."""
        if self.images is not None:
            self.images.freeze(frozen)

    @property
    def remembered_shape(self) -> tuple[int, ...] | None:
        """Return the shape of what is remembered of the images of one observation.

        (C, H, W, 3), the pixels; (C, P) if the image networks are frozen (see
        `remembered_images`); None without cameras.
        """
        if self.images is None:
            return None
        return self.images.pooled_shape if self.images.frozen else self.images.image_shape

    def adopt(self, other: ObservationEncoder) -> None:
        """Copy the weights of an encoder of the same model.

        A critic begins with the normaliser and the image networks of the cloned actor.
        """
        self.load_state_dict(other.state_dict())
