# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A dead or frozen node or an interrupt: a clear error, no hang, no process left behind."""

from dataclasses import replace
import json
import os
from pathlib import Path
import re
import signal
import uuid

from inril_ros.msg import ActuationStatus
import pytest
from running_command import Command, succeeded
from small_run import demo_arguments, finetune_arguments, read, TASK

from inril_ros.cli.run.resources import find_configuration
from inril_ros.graph.description import evaluation_graph, GraphOptions
from inril_ros.graph.domain import reserve_domain
from inril_ros.graph.supervisor import Supervisor
from inril_ros.nodes.clients.conductor import Conductor, GraphStalled
from inril_ros.robot.episode import Purpose

ENDLESS = 1_000_000


def kill_and_read(command, node, stage):
    """Kill a node of a stage; return the command's error message."""
    command.wait_progress(stage)
    os.kill(command.node(node), signal.SIGKILL)
    assert command.finish() == 1
    command.wait_gone()
    return command.stderr


def check_death(error, node, stage, run):
    assert f'error: {node} was ended by SIGKILL' in error
    assert 'Traceback' not in error
    log = Path(re.search(r'from (\S+\.log):', error)[1])
    assert log == run / 'logs' / stage / f'{node}.log'
    assert f'inril_ros.nodes.{node}' in log.read_text()


# The supervisor watches all nodes in the same way: two are enough.
@pytest.mark.parametrize('node', ['teleop_node', *(
    pytest.param(node, marks=pytest.mark.long)
    for node in ('sim_node', 'actuation_node'))])
def test_a_dead_node_ends_recording(node, settings, tmp_path):
    run = tmp_path / 'run'
    arguments = list(demo_arguments(run, settings))
    arguments[arguments.index('--demos') + 1] = ENDLESS
    with Command(tmp_path, *arguments) as command:
        error = kill_and_read(command, node, 'record')
    check_death(error, node, 'record', run)


@pytest.mark.parametrize('node', ['learner_node', *(
    pytest.param(node, marks=pytest.mark.long)
    for node in ('sim_node', 'actuation_node', 'policy_node'))])
def test_a_dead_node_ends_fine_tuning(node, cloned, settings, tmp_path):
    arguments = demo_arguments(cloned, settings, steps=ENDLESS)
    with Command(tmp_path, *arguments, '--resume') as command:
        error = kill_and_read(command, node, 'finetune')
    check_death(error, node, 'finetune', cloned)


def kill_recorder(command, stage):
    """Kill the recorder in the middle of a stage, which must end well nevertheless."""
    command.wait_progress(stage)
    os.kill(command.node('recorder_node'), signal.SIGKILL)
    assert command.finish(400) == 0, f'{command.stdout}\n{command.stderr}'
    command.wait_gone()
    told = [line['text'] for line in command.lines() if line['event'] == 'message'
            and 'recorder_node was ended by SIGKILL and is started again' in line['text']]
    assert len(told) == 1


def test_a_dead_recorder_costs_an_episode_and_recording_goes_on(tmp_path):
    run = tmp_path / 'run'
    with Command(tmp_path, 'record', run, '--task', TASK, '--demos', 3, '--json') as command:
        kill_recorder(command, 'record')
    record = read(run / 'recording.json')
    assert record['demonstrations'] == 3 and record['attempts'] > 3


@pytest.mark.long
def test_a_dead_recorder_costs_an_episode_and_fine_tuning_goes_on(cloned, settings, tmp_path):
    with Command(tmp_path, *finetune_arguments(cloned, settings, steps=400)) as command:
        kill_recorder(command, 'finetune')
    result = read(cloned / 'finetune' / 'result.json')
    assert result['env_steps'] >= 400
    assert result['transitions']['acknowledged'] == result['transitions']['journaled']
    episodes = [json.loads(line) for line in
                (cloned / 'finetune' / 'episodes.jsonl').read_text().splitlines()]
    assert 1 <= sum(not episode['saved'] for episode in episodes) <= 2


def test_ctrl_c_stops_everything_and_the_run_can_be_resumed(cloned, settings, tmp_path):
    arguments = finetune_arguments(cloned, settings, steps=400)
    with Command(tmp_path, *arguments) as command:
        command.wait_progress('finetune')
        command.signal(signal.SIGINT)
        assert command.finish() == 130
        command.wait_gone()
    assert '--resume' in command.stderr and 'Traceback' not in command.stderr
    episodes = (cloned / 'finetune' / 'episodes.jsonl').read_text().splitlines()
    assert episodes
    succeeded(tmp_path, *arguments, '--resume')
    assert (cloned / 'finetune' / 'episodes.jsonl').read_text().splitlines()[
        :len(episodes)] == episodes
    assert read(cloned / 'finetune' / 'result.json')['env_steps'] >= 400


def test_a_frozen_node_is_an_error_and_no_hang(finished, tmp_path):
    graph = evaluation_graph(GraphOptions(
        contract=str(finished.run_dir / 'contract.yaml'), run_id='', task=TASK, lockstep=True,
        simulation=str(find_configuration('simulations', 'metaworld')), use_sim_time=True,
        model=str(finished.run_dir / 'pretrained')))
    # The default patience, 20 s, would make this test slow and prove nothing more.
    nodes = tuple(replace(node, parameters={**node.parameters, 'stall_timeout': 4.0})
                  if node.name == 'actuation_node' else node for node in graph.nodes)

    def freeze(status):
        if isinstance(status, ActuationStatus) and status.mode == ActuationStatus.POLICY:
            os.kill(supervisor.process_id('policy_node'), signal.SIGSTOP)

    with reserve_domain() as domain, Supervisor(
        replace(graph, nodes=nodes), tmp_path, domain_id=domain, quiet=True, grace=0.5,
    ) as supervisor, Conductor(
        '', TASK, domain, check=supervisor.check, listen=freeze, most_aborted=0,
    ) as conductor:
        conductor.wait_ready(tuple(node.name for node in nodes))
        with pytest.raises(GraphStalled, match='tick [0-9]+: no action from the policy'):
            for index in range(5):  # a short episode can end before the signal
                conductor.run_episode(str(uuid.UUID(int=index)), Purpose.EVALUATION, index, index)
