# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`inril up` runs the graph of a stage: output by node, ends with Ctrl-C, reports failures."""

import os
import re
import signal
import uuid

from command_line import refused
import pytest
from running_command import Command
from small_run import copy_after, TASK

from inril_ros.graph.domain import reserve_domain
from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.robot.episode import Purpose

NODES = {'simulate': ['sim_node'],
         'record': ['sim_node', 'actuation_node', 'recorder_node', 'teleop_node']}


@pytest.fixture(scope='module')
def run(finished, tmp_path_factory):
    """Return a copy of the run, for the logs of this module's graphs."""
    return copy_after(finished.run_dir, tmp_path_factory.mktemp('up') / 'run', 'pretrain')


def lines_by_node(output):
    """Return the output of each node, by the name at the beginning of the line."""
    output_of = {}
    for name, text in re.findall(r'^ *(\w+_node) (.+)$', output, flags=re.MULTILINE):
        output_of.setdefault(name, []).append(text)
    return output_of


def up(folder, stage, run, *more):
    return Command(folder, 'up', stage, '--run-dir', run, *more)


@pytest.mark.parametrize('stage', ['simulate', 'record'])
def test_the_nodes_of_a_stage_run_until_ctrl_c(stage, run, tmp_path):
    with up(tmp_path, stage, run) as command:
        command.wait_running(lambda: f'{stage} is up' in command.stdout, 'the word that it is up')
        command.wait_running(lambda: all(map(command.node, NODES[stage])), 'all nodes')
        command.signal(signal.SIGINT)
        assert command.finish() == 0
        command.wait_gone()
    assert command.stdout.endswith(f'{stage} is stopped\n')
    assert set(lines_by_node(command.stdout)) == set(NODES[stage])
    assert {path.stem for path in (run / 'logs' / f'up_{stage}').iterdir()} == set(NODES[stage])


def test_a_running_graph_plays_episodes_and_its_nodes_end_with_0(run, tmp_path):
    with reserve_domain() as domain, up(
            tmp_path, 'evaluate', run, '--domain', domain) as command:
        with Conductor('', TASK, domain) as conductor:
            conductor.wait_ready(('sim_node', 'actuation_node', 'policy_node'))
            result = conductor.run_episode(
                str(uuid.uuid4()), Purpose.EVALUATION, seed=1, scene_seed=2)
            assert result.ticks > 0
        command.signal(signal.SIGINT)
        assert command.finish() == 0
        command.wait_gone()
    assert 'Traceback' not in command.stdout + command.stderr
    assert 'SIGKILL' not in command.stdout + command.stderr


def test_a_node_that_dies_ends_the_graph(run, tmp_path):
    with up(tmp_path, 'record', run) as command:
        pid = command.wait_running(lambda: command.node('teleop_node'), 'teleop_node')
        os.kill(pid, signal.SIGKILL)
        assert command.finish() == 1
        command.wait_gone()
    assert 'teleop_node was ended by SIGKILL' in command.stderr
    assert str(run / 'logs' / 'up_record' / 'teleop_node.log') in command.stderr


def test_for_an_unknown_stage_the_known_ones_are_listed(run):
    error = refused('up', 'party', '--run-dir', run)
    assert 'simulate, record, evaluate, finetune' in error
