# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two mock arms feed one learner, each with a conductor node, as a launch file starts them."""

from dataclasses import replace

from attending_person import AttendingPerson
from contract_files import with_keys
from played_arm import Player
import pytest
from recorder_learner_lab import SETTINGS
from robot_pair import CHUNK, demonstration
import torch
from typer.testing import CliRunner
import yaml

from inril_ros.cli.main import app
from inril_ros.data.record_files import read_json, read_json_lines, write_json
from inril_ros.data.run.run_directory import new_settings, RunDirectory
from inril_ros.graph.description import finetuning_graph, GraphOptions
from inril_ros.graph.domain import reserve_domain
from inril_ros.graph.run_options import completed
from inril_ros.graph.supervisor import Supervisor
from inril_ros.learning.policies.artifact import save_policy
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.image_settings import image_sizes
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.robot.contract.contract import load_contract

ROBOTS, STEPS = ('left', 'right'), 300


@pytest.fixture
def run(tmp_path):
    """A run with a demonstration and an untrained policy."""
    path = with_keys('mock_arm', tmp_path / 'arm.yaml')
    run = RunDirectory.create(tmp_path / 'run', new_settings('wave', 0, path))
    contract = load_contract(run.contract)
    demonstration(run.demonstrations, contract)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_policy(run.pretrained, BestOfN(ModelConfig(
            observation_size=contract.observation_size, action_size=contract.action_size,
            chunk_length=CHUNK, denoising_steps=4, sampling_steps=2, actor_width=8,
            critic_width=8, critic_layers=1, **image_sizes(contract.image_shape))))
    write_json(run.pretrain_record, {'demonstrations': 1, 'transitions': 12})
    return run


@pytest.mark.long
def test_each_arm_has_records_and_a_report_and_waits_for_its_own_person(run, tmp_path):
    settings = tmp_path / 'settings.yaml'
    settings.write_text(yaml.safe_dump(SETTINGS))
    graph = finetuning_graph(GraphOptions(**completed('finetune', {
        'run': str(run.path), 'robots': ROBOTS, 'mock_arm': True, 'respawn': True,
        'device': 'cpu', 'env_steps': STEPS, 'finetune_config': str(settings)})))
    more = {'policy_node': {'probe_limit': 0.0}, 'learner_node': {'publish_every': 4}}
    graph = replace(graph, nodes=tuple(
        replace(node, parameters={**node.parameters, **more.get(node.executable, {})})
        for node in graph.nodes))
    stopped = []

    def meddle(name, status):
        if name == 'left' and not stopped:
            stopped.append(name)
            person.call('/left/actuation_node/estop', True)
            return True
        return False

    with reserve_domain() as domain, Player(domain) as player, Supervisor(
            graph, tmp_path / 'logs', domain_id=domain, quiet=True) as nodes:
        player.check = nodes.check
        person = AttendingPerson(player, ROBOTS)
        person.meddle = meddle
        player.until(lambda: all(person.last(name).get('state') == 'finished' for name in ROBOTS),
                     lambda: [person.last(name) for name in ROBOTS])
    assert person.asked['left'][:3] == ['release', 'enable', 'resume']
    assert person.asked['right'] == []
    done = CliRunner().invoke(app, ['report', str(run.path)])
    assert done.exit_code == 0, done.output
    learned = 0
    for name in ROBOTS:
        own = RunDirectory.open(run.path, name)
        rows = read_json_lines(own.episodes)
        assert rows and list(own.finished_stages()) == ['finetune']
        assert [row['outcome'] for row in rows].count('aborted') >= (name == 'left')
        learned += sum(row['ticks'] for row in rows if row['saved'])
        assert own.report.exists()
        assert read_json(own.summary)['training_episodes']['number'] == len(rows)
        assert any(own.journal.glob('*.mcap'))
    assert learned >= STEPS
    assert not run.episodes.exists(), 'nobody writes to the records of all'
