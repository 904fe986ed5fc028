# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which episodes a session remembers, as tensors of a checkpoint, and remembering them again."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from inril_ros.learning.hosts.host import Host
from inril_ros.learning.interleave.sources import ImitationMemory
from inril_ros.learning.replays.step_replay import Stored
from inril_ros.learning.saved_state import required
from inril_ros.learning.stored.experience_store import Recalled


def pack_stored(memory: Sequence[int], stored: Sequence[Stored],
                ) -> tuple[dict[str, Tensor], NDArray[np.int64]]:
    """Return which episodes are remembered, as tensors, and all their numbers in rising order.

    Args:
        memory: Numbers of those that imitation remembers.
        stored: Those that RL remembers.
    """
    replay = np.array(sorted((each.number, each.order) for each in stored),
                      np.int64).reshape(-1, 2)
    imitated = np.array(memory, np.int64)
    return ({'stored.memory': torch.from_numpy(imitated),
             'stored.replay': torch.from_numpy(replay)}, np.union1d(imitated, replay[:, 0]))


def recall(tensors: Mapping[str, Tensor], experience: Iterable[Recalled], memory: ImitationMemory,
           host: Host) -> list[str]:
    """Remember the episodes of `pack_stored` again, in the order in which they were experienced.

    Args:
        tensors: What `pack_stored` returned.
        experience: The episodes, as far as they can be read.
        memory: The empty memory of imitation.
        host: The host, without episodes.

    Returns:
        Sentences about episodes that the host can't remember because data is missing.

    Raises:
        ValueError: The tensors do not say what to remember.
    """
    imitated = set(required(tensors, 'stored.memory').tolist())
    pairs = required(tensors, 'stored.replay')
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype != torch.int64:
        raise ValueError('the saved session has a tensor stored.replay of another shape or type')
    orders, left_out = dict(pairs.tolist()), []
    for episode, origin, context in experience:
        if episode.number in imitated:
            memory.add(episode, origin)
        if episode.number in orders and not host.recall(
                episode, context, origin, orders[episode.number]):
            left_out.append(f'episode {episode.number} ({episode.steps} steps): what the host '
                            'stored with its observations is missing')
    return left_out
