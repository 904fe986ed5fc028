# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Transitions as they travel, turned into what is learned from, and checked on the way."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from inril_ros.data.frames.transition_images import decoded_images, PackedImages
from inril_ros.learning.experience import observed_rows
from inril_ros.learning.experience import Transition as Experience
from inril_ros.msg import EpisodeEvent, ExecutedAction, Transition
from inril_ros.nodes.base.serialised_messages import read_message
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.rules import MOST_REWARD
from inril_ros.transport.journal.journal import read_journal


def journaled(folder: Path) -> Iterator[Transition]:
    """Return the transitions in a journal in order; what is damaged is left out."""
    for _, record in read_journal(folder):
        yield read_message(record, Transition)


def to_experience(message: Transition, contract: Contract) -> Experience:
    """Return the experience in a message.

    A row of observations that is NaN says that there was no valid observation at its tick.

    Raises:
        ValueError: Its sizes do not fit each other or the contract, or values aren't finite
            or too large.
    """
    steps = message.steps
    sizes = (message.observation_size, message.action_size)
    if sizes != (contract.observation_size, contract.action_size):
        raise ValueError(f'sizes (O, A) are {sizes}, the contract has '
                         f'{(contract.observation_size, contract.action_size)}')
    observations = np.array(message.observations, np.float32).reshape(steps + 1, sizes[0])
    executed = np.array(message.executed, np.float32).reshape(steps, sizes[1])
    rewards = np.array(message.rewards, np.float32).reshape(steps)
    extras = np.array(message.extras, np.float32)
    known = observations[observed_rows(observations)]
    for name, values in (('observations', known), ('executed', executed),
                         ('rewards', rewards), ('extras', extras)):
        if not np.isfinite(values).all():
            raise ValueError(f'{name} are not finite')
    if np.abs(rewards).max(initial=0.0) > MOST_REWARD:
        raise ValueError(f'a reward is {rewards[np.abs(rewards).argmax()]:g}, beyond '
                         f'{MOST_REWARD:g}')
    source = np.array(message.source, np.uint8).reshape(steps)
    images = decoded_images(packed_images(message), steps + 1, contract)
    return Experience(
        episode_id=message.episode_id, first_tick=message.first_tick, observations=observations,
        actions=contract.normalise_action(executed), rewards=rewards, source=source,
        intervened=source == ExecutedAction.TELEOP, extras=extras, images=images,
        terminated=message.terminated, truncated=message.truncated,
        success=message.outcome == EpisodeEvent.SUCCESS)


def packed_images(message: Transition) -> PackedImages:
    """Return the images of a transition as they were sent."""
    return PackedImages(
        bytes(message.image_data), list(message.image_sizes), list(message.image_rows))
