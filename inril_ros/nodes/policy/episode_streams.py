# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The observations and ticks of the policy node, which rest while it has nothing to act on.

A robot stands still for most of a day, and reading its state a hundred times a second for nothing
costs as much as acting. Once a second some messages are read all the same, so that what is wrong
with them is known before an episode begins.
"""

from collections.abc import Callable, Sequence

from rclpy.subscription import Subscription

from inril_ros.nodes.base.batches import RestingObservations
from inril_ros.nodes.base.managed_node import ManagedNode


class EpisodeStreams:
    """Serves a node's observations, and calls it at each tick, while an episode runs.

    Args:
        streams: The subscriptions.
        tick: Called at each tick in real time.
    """

    def __init__(
        self, node: ManagedNode, streams: Sequence[Subscription], tick: Callable[[], None],
    ) -> None:
        self._tick = tick
        self._observations = RestingObservations(node, streams)
        self._ticks = None if node.lockstep else node.create_timer(node.contract.period, tick)
        self.rest()

    def rest(self) -> None:
        """No episode runs any more."""
        if self._ticks is not None:
            self._ticks.cancel()
        self._observations.rest()

    def look(self) -> None:
        """Read the newest messages though no episode runs."""
        self._observations.look()

    def prepare(self) -> None:
        """An episode will run soon."""
        self._observations.rouse()

    def begin(self) -> None:
        """An episode runs from now on: the first tick is at once."""
        self.prepare()
        if self._ticks is not None:
            self._ticks.reset()
            self._tick()
