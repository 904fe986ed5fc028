# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The weights of a session, published as numbered versions."""

from inril_ros.learning.policies.artifact import schema_hash, to_raw
from inril_ros.learning.session import FineTuningSession
from inril_ros.msg import PolicyStatus
from inril_ros.nodes.weights.sender import WeightsSender
from inril_ros.transport.weights.tensors import wire_tensors


class VersionPublisher:
    """Publishes each state of the weights once, unless a robot needs it again.

    Args:
        session: The session whose weights are published.
        sender: The publishers.
    """

    def __init__(self, session: FineTuningSession, sender: WeightsSender) -> None:
        self._session, self._sender = session, sender
        self._published_step = -1

    @property
    def version(self) -> int:
        """The last version, 0 before the first."""
        return self._sender.version

    def publish(self, again: bool = False) -> bool:
        """Publish the present weights.

        Args:
            again: Even if they have been published.

        Returns:
            Whether a version was published.
        """
        tensors, config, step = self._session.export()
        if step == self._published_step and not again:
            return False
        self._published_step = step
        self._sender.send(wire_tensors(to_raw(tensors)), config, schema_hash(tensors), step)
        return True

    def publish_if_requested(self) -> bool:
        """Publish again if a robot lacks tensors that were left out; return whether."""
        return self._sender.wants_all and self.publish(again=True)

    def on_policy_status(self, status: PolicyStatus, robot: str) -> bool:
        """Publish again if a robot acts with a later version; return whether.

        A restored checkpoint may be older than the last version: numbers go on from that one.
        """
        return self._sender.on_policy_status(status, robot) and self.publish(again=True)
