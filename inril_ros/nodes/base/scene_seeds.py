# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Seeds of a simulated scene's resets: chosen by a parameter, or the node's own sequence."""

from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from inril_ros.nodes.base.parameters import Parameter

NEXT_SEED = Parameter('next_seed', -1, 'seed of the next reset; -1: the next of an own sequence',
                      read_only=False, minimum=-1, maximum=2 ** 62)


class SceneSeeds:
    """The seeds, one per reset.

    Args:
        node: Node with the parameter ``NEXT_SEED``, which holds for one reset.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._sequence = 0

    def draw(self) -> int:
        """Return the seed of the next reset."""
        chosen = self._node.get_parameter(NEXT_SEED.name).value
        if chosen >= 0:
            self._node.set_parameters([RosParameter(NEXT_SEED.name, value=-1)])
            return chosen
        self._sequence += 1
        return self._sequence
