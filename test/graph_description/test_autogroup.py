# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A node that has a session of its own gives way to others where nice counts within sessions."""

import os
from pathlib import Path
import time

import pytest

from inril_ros.graph.autogroup import give_way
from inril_ros.graph.description import GraphDescription, NodeDescription
from inril_ros.graph.supervisor import Supervisor

OWN = Path('/proc/self/autogroup')


def test_the_group_gets_the_niceness(tmp_path):
    (tmp_path / '7').mkdir()
    assert not give_way(7, 10, tmp_path), 'a kernel without autogroups'
    assert not (tmp_path / '7' / 'autogroup').exists()
    (tmp_path / '7' / 'autogroup').write_text('')
    assert give_way(7, 10, tmp_path)
    assert (tmp_path / '7' / 'autogroup').read_text() == '10'


@pytest.mark.skipif(not OWN.exists(), reason='this kernel has no autogroups')
def test_a_node_that_is_to_be_nice_is_so_as_a_group(tmp_path):
    def group(process):
        return Path(f'/proc/{process.pid}/autogroup').read_text().split()[-1]

    graph = GraphDescription('test', (
        NodeDescription('learner_node', 'learner_node', niceness=10),
        NodeDescription('policy_node', 'policy_node')))
    with Supervisor(graph, tmp_path, command=lambda node, level: ['sleep', '60']) as supervisor:
        learner, policy = (supervisor._processes[node.path] for node in graph.nodes)
        deadline = time.monotonic() + 20.0
        while os.getpriority(os.PRIO_PROCESS, learner.pid) != 10:  # nice(1) has not begun yet
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert group(learner) == '10' and group(policy) == '0'
