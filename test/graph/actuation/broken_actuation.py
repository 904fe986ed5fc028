# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An actuation node with a bug, for tests of its behaviour after an error.

broken_actuation.py once|always|SECONDS ...: after 8 ticks of an episode a callback raises, and
with ``always`` everything after that which would compute a command raises too; or the node's clock
is set forward by so many seconds.
"""

import sys

from inril_ros.nodes import actuation_node
from inril_ros.nodes.base.node_process import run
from inril_ros.robot.motion.command_path import CommandPath


class BrokenPath(CommandPath):
    """Raises an error after some ticks."""

    def tick(self, seen):
        if self.tick_number >= 8 and (seen.values is not None or sys.argv[1] == 'always'):
            raise RuntimeError('broken on purpose')
        return super().tick(seen)


class JumpingNode(actuation_node.ActuationNode):
    """Has a clock that jumps."""

    set_by = 0

    def now(self):
        if hasattr(self, '_path') and self._path.tick_number >= 8:
            self.set_by = round(float(sys.argv[1]) * 1e9)
        return super().now() + self.set_by


if sys.argv[1] in ('once', 'always'):
    actuation_node.CommandPath = BrokenPath
    made = actuation_node.ActuationNode
else:
    made = JumpingNode
sys.exit(run(made, actuation_node.PARAMETERS, '', sys.argv[2:]))
