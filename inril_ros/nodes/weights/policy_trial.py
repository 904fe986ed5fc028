# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Builds the network of a new version and tries it on frames of demonstrations.

Weights can be finite, complete and of the right shapes and still be wrong: of another task, or
after a divergence. Their actions on the same frames with the same noise then differ widely.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.artifact import build_policy, from_raw, load_policy, schema_hash
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.policies.trial import actions_on, blank_frame
from inril_ros.nodes.weights.acting_versions import Acting
from inril_ros.robot.contract.contract import Contract
from inril_ros.transport.weights.manifest import Manifest, WeightsRefused
from inril_ros.transport.weights.tensors import WireTensor


@dataclass(frozen=True)
class TriedPolicy:
    """A network that was tried.

    Attributes:
        policy: The network.
        actions: (N, T, A) Its normalised actions on the frames.
        change: Root mean square difference to the actions of the network that acted meanwhile.
    """

    policy: Policy
    actions: np.ndarray
    change: float


class PolicyTrial:
    """Makes networks of weights that have arrived.

    Args:
        frames: The frames; None: a blank one.
        limit: Largest accepted root mean square change of actions; 0: no limit.
        acting: Returns the acting version; None: there is none.
    """

    def __init__(self, contract: Contract, frames: Observations | None, limit: float,
                 acting: Callable[[], Acting | None]) -> None:
        self._contract = contract
        self._frames = frames
        self._limit = limit
        self._acting = acting

    def load_from_disk(self, folder: Path) -> TriedPolicy:
        """Return a network from a folder."""
        return self._try(
            load_policy(folder, rotations=bool(self._contract.former_hash)), None)

    def load(self, manifest: Manifest, received: dict[str, WireTensor]) -> TriedPolicy:
        """Return the network of a version; called in the loading thread.

        Raises:
            WeightsRefused: The tensors are not those of the manifest, or the trial fails.
        """
        tensors = from_raw({name: (tensor.dtype, tensor.shape, tensor.data)
                            for name, tensor in received.items()})
        if schema_hash(tensors) != manifest.schema_hash:
            raise WeightsRefused('names, shapes or types are not what the manifest says')
        acting = self._acting()
        return self._try(build_policy(manifest.model_config, tensors, take=True),
                         None if acting is None else acting.product.actions)

    def _try(self, policy: Policy, before: np.ndarray | None) -> TriedPolicy:
        """Infer on the frames.

        Args:
            policy: A network that doesn't act yet.
            before: (N, T, A) Actions of the acting network on the frames.

        Raises:
            WeightsRefused: Sizes are not this robot's, or actions are not finite or differ too
                much.
        """
        sizes = (policy.config.observation_size, policy.config.action_size)
        wanted = (self._contract.observation_size, self._contract.action_size)
        if sizes != wanted:
            raise WeightsRefused(f'sizes (O, A) are {sizes}, the contract has {wanted}')
        shape = self._contract.image_shape
        if policy.config.image_shape != shape:
            raise WeightsRefused(f'images (C, H, W, 3) are {policy.config.image_shape}, '
                                 f'the contract has {shape}')
        if self._frames is None:
            before = None  # actions on a blank frame show only whether they are finite
        actions = actions_on(policy, self._frames or blank_frame(policy.config))
        return TriedPolicy(policy, actions, check_actions(before, actions, self._limit))


def action_change(before: np.ndarray, after: np.ndarray) -> float:
    """Return the root mean square change of normalised actions (N, T, A)."""
    return float(np.sqrt(np.mean(np.square(
        np.asarray(after, np.float64) - np.asarray(before, np.float64)))))


def check_actions(before: np.ndarray | None, after: np.ndarray, limit: float) -> float:
    """Return how much the actions changed (root mean square); 0 without acting weights.

    A residual decides step by step, the clone that it began with by chunks. So T may differ; the
    steps that both decide on are compared.

    Args:
        before: (N, T, A) Normalised actions of the acting weights; None: there are none.
        after: (N, T, A) Normalised actions of the new weights.
        limit: Largest accepted change; 0: no limit.

    Raises:
        WeightsRefused: The new actions are not finite, or changed by more than the limit.
    """
    if not np.isfinite(after).all():
        raise WeightsRefused('the network gives actions that are not finite')
    if before is None:
        return 0.0
    steps = min(before.shape[1], after.shape[1])
    change = action_change(before[:, :steps], after[:, :steps])
    if 0 < limit < change:
        raise WeightsRefused(f'actions on demonstrated frames change by {change:.2f} (root mean '
                             f'square, normalised), {limit:.2f} is allowed')
    return change
