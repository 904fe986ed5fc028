# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The sizes of a model, from which the network for a set of tensors is built.

The acting process receives them as JSON, so each number is bounded before anything is allocated.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
import json
from typing import Any

from inril_ros.learning.configuration import BoundedConfig, from_mapping
from inril_ros.learning.plugins.registry import checked_class, plugin, POLICIES
from inril_ros.learning.policies.image_settings import (
    check_image_settings,
    image_shape,
    image_sizes,
)

MOST_CANDIDATES = 256
"""Upper bound of `candidates`: received weights must not decide how much is allocated."""

KINDS = ('best_of_n', 'dppo', 'edited', 'gaussian', 'residual', 'steered', 'ticket')
"""The built-in kinds of policy."""


@dataclass(frozen=True)
class ModelConfig(BoundedConfig):
    """Sizes of a diffusion policy with a chunk critic. Defaults are ours, tuned on Meta-World."""

    BOUNDS = {
        'observation_size': (1, 4096), 'action_size': (1, 64), 'chunk_length': (1, 64),
        'denoising_steps': (2, 1000), 'sampling_steps': (1, 100), 'actor_width': (8, 2048),
        'actor_blocks': (1, 8), 'time_embedding_size': (4, 256), 'critic_width': (8, 2048),
        'critic_layers': (1, 6), 'critic_members': (1, 20), 'refine_steps': (0, 20),
        'refine_chunks': (1, MOST_CANDIDATES), 'refine_radius': (0.0, 2.0),
        'std_floor': (1e-6, 1e3), 'state_noise': (0.0, 10.0),
        'observation_clip': (0.1, 1e3), 'residual_width': (8, 2048), 'residual_layers': (1, 6),
        'pessimism': (0.0, 100.0), 'residual_scale': (0.0, 2.0), 'residual_std': (0.0, 2.0),
        'chain_steps': (1, 1000), 'chain_std': (1e-3, 1.0), 'gaussian_initial_std': (1e-4, 10.0),
        'gaussian_lowest_std': (1e-4, 10.0), 'gaussian_highest_std': (1e-4, 10.0),
        'cameras': (0, 8), 'image_height': (8, 512), 'image_width': (8, 512),
        'image_channels': (8, 128), 'image_stages': (1, 4), 'image_blocks': (1, 4),
        'image_features': (1, 1024), 'image_shift': (0, 32)}

    observation_size: int
    """O"""
    action_size: int
    """A"""
    kind: str = 'best_of_n'
    """The kind of policy; see `catalogue`."""
    chunk_length: int = 4
    """T, actions per decision, executed open loop."""
    denoising_steps: int = 20
    """K in training (DPPO's size for state policies)."""
    sampling_steps: int = 5
    """DDIM steps when acting, at most K."""
    actor_width: int = 256
    actor_blocks: int = 1
    """Residual blocks of two layers."""
    time_embedding_size: int = 32
    critic_width: int = 128
    critic_layers: int = 2
    critic_members: int = 2
    """E, the size of the ensemble."""
    pessimism: float = 0.0
    """Standard deviations of the ensemble that a choice between chunks subtracts from its mean."""
    refine_steps: int = 0
    """Steps up the gradient of the critics' worth that the best proposals of a 'best_of_n' policy
    take, to be chosen from beside the proposals themselves; 0: none are refined."""
    refine_chunks: int = 4
    """Proposals that are refined: those that the critics value most."""
    refine_radius: float = 0.15
    """Largest change of a normalised action by refinement."""
    std_floor: float = 0.02
    """Smallest standard deviation of an observation, in the observation's unit."""
    observation_clip: float = 6.0
    """Standard deviations beyond which a normalised observation grows logarithmically."""
    observation_bound: bool = False
    """Whether normalised observations are constant beyond `observation_clip` instead, as in all
    models that were saved before this setting."""
    state_noise: float = 0.1
    """Standard deviation of the noise that is added to normalised states for learning; 0: none.
    From a few demonstrations a policy otherwise learns to act on differences between states that
    mean nothing."""
    residual_width: int = 128
    residual_layers: int = 2
    """Hidden layers of the network that corrects a base policy ('residual', 'edited')."""
    residual_scale: float = 0.3
    """Action = base action + scale * residual; ResiP's 0.1 is too slow for small budgets. Of an
    'edited' policy the bound of edits, of a 'steered' one that of the noise."""
    residual_std: float = 0.37
    """Standard deviation of the residual when exploring, before scaling (ResiP: exp(-1)); 0 for
    hosts that add noise to the action instead."""
    residual_squash: bool = False
    """Whether the residual's mean passes through tanh, so that scale bounds it."""
    chain_steps: int = 5
    """K', the last denoising steps that a 'dppo' policy fine-tunes; at most those it acts by."""
    chain_std: float = 0.1
    """Smallest standard deviation of a denoising step of a 'dppo' policy when exploring (DPPO)."""
    chain_ddim: bool = False
    """Whether a 'dppo' policy acts by `sampling_steps` DDIM steps, not by all K DDPM steps."""
    gaussian_squash: bool = True
    """Whether a 'gaussian' policy is squashed by tanh, with a standard deviation that depends on
    the observation (SAC); else it is plain, with one standard deviation per dimension."""
    gaussian_clone: str = 'mse'
    """How a 'gaussian' policy imitates: mse (of the action without noise) or nll (likelihood)."""
    gaussian_initial_std: float = 0.1
    gaussian_lowest_std: float = 0.03
    gaussian_highest_std: float = 0.5
    """Standard deviation of a 'gaussian' policy, of the edits of an 'edited' one, or of the noise
    of a 'steered' one, before squashing: at the start, and bounds."""

    cameras: int = 0
    """C. 0: the policy uses the state alone, and the fields image_* have no effect."""
    image_height: int = 128
    image_width: int = 128
    """Pixels of each camera's image, H and W."""
    image_channels: int = 32
    """Channels of the first stage, a multiple of 8; each further stage has twice as many.
    ResNet-18 has 64."""
    image_stages: int = 3
    image_blocks: int = 2
    """Stages, and residual blocks per stage. ResNet-18 has 4 of 2; with 3 the last map of a
    128x128 image is 8x8."""
    image_pooling: str = 'spatial_softmax'
    """How a map becomes features: 'spatial_softmax' (positions) or 'spatial_embeddings' (learned
    maps)."""
    image_features: int = 64
    """Features per camera."""
    image_shared: bool = True
    """Whether all cameras share one ResNet; pooling and projection are each camera's own."""
    image_frozen: bool = False
    """Whether fine-tuning keeps the cloned ResNets and poolings, and so computes their result once
    per frame, without random shifts. Projections continue to learn."""
    image_shift: int = 4
    """Pixels by which images are shifted at random for learning (DrQ); 0: no shift. With
    `image_frozen` for cloning alone."""

    def __post_init__(self) -> None:
        kind = config_class(self.kind)
        if not isinstance(self, kind):
            raise ValueError(f'{type(self).__name__}.kind: a policy of kind {self.kind!r} is '
                             f'configured by {kind.__name__}')
        super().__post_init__()
        if self.sampling_steps > self.denoising_steps:
            raise ValueError(f'ModelConfig.sampling_steps: {self.sampling_steps} is more than '
                             f'denoising_steps, {self.denoising_steps}')
        acting_steps = self.sampling_steps if self.chain_ddim else self.denoising_steps
        if self.kind == 'dppo' and self.chain_steps > acting_steps:
            raise ValueError(f'ModelConfig.chain_steps: {self.chain_steps} is more than the '
                             f'{acting_steps} steps that the policy acts by')
        if self.gaussian_clone not in ('mse', 'nll'):
            raise ValueError(f'ModelConfig.gaussian_clone: {self.gaussian_clone!r} is unknown; '
                             "allowed are 'mse' and 'nll'")
        if not (self.gaussian_lowest_std < self.gaussian_highest_std
                and self.gaussian_lowest_std <= self.gaussian_initial_std
                <= self.gaussian_highest_std):
            raise ValueError('ModelConfig: gaussian_lowest_std <= gaussian_initial_std <= '
                             'gaussian_highest_std is needed, with the ends apart')
        if self.time_embedding_size % 2:
            raise ValueError(
                f'ModelConfig.time_embedding_size: {self.time_embedding_size} is odd')
        check_image_settings(self)

    @property
    def image_shape(self) -> tuple[int, int, int, int] | None:
        """Return (C, H, W, 3), the images of one observation, or None without cameras."""
        return image_shape(self)

    def to_json(self) -> str:
        """Return JSON, the same text for the same configuration."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelConfig:
        """Read what `to_json` wrote.

        Raises:
            ValueError: No JSON, unknown or missing keys, wrong types, sizes out of bounds.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f'model configuration is no JSON: {error}') from error
        if isinstance(values, dict):
            values.setdefault('observation_bound', True)
            values.setdefault('state_noise', 0.0)
        kind = values.get('kind', cls.kind) if isinstance(values, dict) else cls.kind
        return from_mapping(config_class(kind), values)


def model_config(kind: str, observation_size: int, action_size: int, settings: Mapping[str, Any],
                 images: tuple[int, int, int, int] | None = None) -> ModelConfig:
    """Return the configuration of a new policy of a kind, built in or of a plug-in.

    Args:
        kind: The kind, which the host that learns decides.
        observation_size: O
        action_size: A
        settings: Its other settings, by their names.
        images: (C, H, W, 3) of an observation; None: there are none.

    Raises:
        ValueError: A setting is wrong, or the plug-in can't be used.
    """
    return from_mapping(config_class(kind), {
        'observation_size': observation_size, 'action_size': action_size, 'kind': kind,
        **image_sizes(images), **settings})


def config_class(kind: Any) -> type[ModelConfig]:
    """Return the class of the configuration of a kind of policy, built in or of a plug-in.

    Raises:
        PluginError: No policy is of this kind, or its plug-in can't be used.
    """
    if isinstance(kind, str) and kind in KINDS:
        return ModelConfig
    found = plugin(POLICIES, kind, 'ModelConfig.kind', KINDS)
    return checked_class(getattr(found, 'config_class', None), ModelConfig, POLICIES, kind)
