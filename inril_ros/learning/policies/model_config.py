# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The size of a model, as data: enough to build the network that a set of tensors fits.

The acting process builds a network from this, received over the wire as JSON, so each number is
bounded before anything is allocated.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass
import json

from inril_ros.learning.configuration import from_mapping

MOST_CANDIDATES = 256
"""Upper bound of `candidates`: weights from elsewhere must not decide how much is allocated."""

_BOUNDS: dict[str, tuple[float, float]] = {
    'observation_size': (1, 4096),
    'action_size': (1, 64),
    'chunk_length': (1, 64),
    'denoising_steps': (2, 1000),
    'sampling_steps': (1, 100),
    'actor_width': (8, 2048),
    'actor_blocks': (1, 8),
    'time_embedding_size': (4, 256),
    'critic_width': (8, 2048),
    'critic_layers': (1, 6),
    'critic_members': (1, 20),
    'std_floor': (1e-6, 1e3),
    'observation_clip': (0.1, 1e3),
}


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of a diffusion policy with a chunk critic. Defaults are ours, tuned on Meta-World."""

    observation_size: int
    """O"""
    action_size: int
    """A"""
    chunk_length: int = 4
    """T, actions per decision, executed open loop."""
    denoising_steps: int = 20
    """K of training (DPPO's size for state policies)."""
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
    std_floor: float = 0.02
    """Smallest standard deviation of an observation, in the observation's unit."""
    observation_clip: float = 6.0
    """Largest normalised observation, in standard deviations."""

    def __post_init__(self) -> None:
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f'ModelConfig.{name}: {value} is not in [{low}, {high}]')
        if self.sampling_steps > self.denoising_steps:
            raise ValueError(f'ModelConfig.sampling_steps: {self.sampling_steps} is more than '
                             f'denoising_steps, {self.denoising_steps}')
        if self.time_embedding_size % 2:
            raise ValueError(
                f'ModelConfig.time_embedding_size: {self.time_embedding_size} is odd')

    def to_json(self) -> str:
        """Return the same text for the same configuration."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelConfig:
        """
        Read what `to_json` wrote.

        :raises ValueError: no JSON, unknown or missing keys, wrong types, sizes out of bounds
        """
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f'model configuration is no JSON: {error}') from error
        return from_mapping(cls, values)
