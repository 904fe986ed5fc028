# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`inril up`: a stage's graph until Ctrl-C, for machines without `ros2 launch`."""

import os
import signal

from running_command import Command, refused, until

NODES = ('sim_node', 'actuation_node', 'policy_node')


def started(command):
    """Wait until every node has said something under its own name."""
    until(lambda: all(f'{name} ' in command.stdout for name in NODES) and all(
        command.node(name) for name in NODES), lambda: f'{command.stdout}\n{command.stderr}')


def test_it_stays_up_until_ctrl_c_and_leaves_nothing(copied, tmp_path):
    with Command(tmp_path, 'up', 'evaluate', '--run-dir', copied) as command:
        started(command)
        command.signal(signal.SIGINT)
        assert command.finish() == 130
        command.wait_gone()
    assert 'Traceback' not in command.stderr


def test_it_fails_when_a_node_dies_and_says_which(copied, tmp_path):
    with Command(tmp_path, 'up', 'evaluate', '--run-dir', copied) as command:
        started(command)
        os.kill(command.node('policy_node'), signal.SIGKILL)
        assert command.finish() == 1
        command.wait_gone()
    assert 'policy_node' in command.stderr
    assert 'policy_node.log' in command.stderr


def test_an_unknown_stage_is_refused(copied, tmp_path):
    message = refused(tmp_path, 'up', 'evaluation', '--run-dir', copied)
    assert 'evaluate' in message
