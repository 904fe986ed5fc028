# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A node under test and a node outside of it, which share a process and an executor."""

import rclpy
from rclpy.executors import SingleThreadedExecutor


class NodePair:
    """Runs and ends both; a subclass makes ``context``, ``node`` and ``outside``."""

    def join(self):
        """Let one executor serve both nodes."""
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.executor.add_node(self.outside)

    def close(self):
        self.node.trigger_shutdown()
        self.executor.shutdown()
        self.node.destroy_node()
        self.outside.destroy_node()
        rclpy.shutdown(context=self.context)
