# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Writes ``docs/reference/parameters.md`` from the nodes' tables of parameters.

python -m inril_ros.nodes.parameter_document > docs/reference/parameters.md
"""

from inril_ros.nodes import (
    actuation_node,
    conductor_node,
    gazebo_node,
    learner_node,
    mock_arm_node,
    policy_node,
    recorder_node,
    reward_node,
    sim_node,
    teleop_node,
)
from inril_ros.nodes.base.parameters import COMMON, markdown_table

NODES = (actuation_node, policy_node, reward_node, recorder_node, learner_node, teleop_node,
         sim_node, gazebo_node, mock_arm_node, conductor_node)


def document() -> str:
    """Return the text of the document."""
    parts = ['# Node parameters',
             'Made by `python -m inril_ros.nodes.parameter_document`; a test keeps it current.',
             '## All nodes', markdown_table(COMMON)]
    for module in NODES:
        name = module.__name__.rpartition('.')[2]
        parts += [f'## {name}', (module.__doc__ or '').split('\n')[0],
                  markdown_table(module.PARAMETERS)]
    return '\n\n'.join(parts) + '\n'


if __name__ == '__main__':
    print(document(), end='')
