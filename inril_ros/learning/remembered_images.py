# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is remembered of an episode's images: pixels, or what frozen networks make of them.

Where fine-tuning keeps the image networks (`ModelConfig.image_frozen`), each frame is put through
them once, when its episode enters the memories, and an update costs about what one from states
costs. All encoders of a host begin with the networks of the clone, so what the clone's make of a
frame serves them all. On the disk episodes keep their pixels: after a restart the same networks
make the same of them again. What acts reads pixels.
"""
from __future__ import annotations

from dataclasses import replace

import torch

from inril_ros.learning.experience import Episode
from inril_ros.learning.policies.artifact import content_hash, to_bytes
from inril_ros.learning.policies.encoder import ObservationEncoder


def remembered_episode(episode: Episode, encoder: ObservationEncoder,
                       device: torch.device) -> Episode:
    """Return an episode as it is remembered for an encoder on a device.

    If its image networks are frozen, `images` are what they give, (N + 1, C, P) float32.
    """
    images = encoder.images
    if images is None or not images.frozen or episode.images is None:
        return episode
    pooled = images.pooled(torch.tensor(episode.images, device=device)).cpu().numpy()
    pooled.setflags(write=False)  # so that the episode takes it without a copy
    return replace(episode, images=pooled)


def frozen_images_hash(encoder: ObservationEncoder) -> str | None:
    """Return the SHA-256 of the weights of frozen image networks, or None if none are frozen."""
    if encoder.images is None or not encoder.images.frozen:
        return None
    return content_hash(to_bytes({
        f'{index}.{name}': tensor for index, part in enumerate(encoder.images.frozen_parts)
        for name, tensor in part.state_dict().items()}))
