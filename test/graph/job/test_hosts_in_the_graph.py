# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Hosts that need extras of how actions were drawn also learn through the running graph."""

import json

import command_line
from inril_ros.msg import Transition
import pytest
from rclpy.serialization import deserialize_message
from running_command import succeeded
from small_run import finetune_arguments, read
import yaml

from inril_ros.transport.journal.journal import read_journal

SETTINGS = {
    'dppo': {'m': 1, 'unit': 'iteration', 'il_steps': 4, 'imitation_batch': 32, 'host': {
        'name': 'dppo', 'rollout_steps': 250, 'batch': 100, 'epochs': 2, 'chain_steps': 3,
        'warmup_iterations': 0}},
    'expo': {'imitation_batch': 32, 'host': {
        'name': 'expo', 'warmup_steps': 150, 'warmup_updates': 30, 'batch': 32,
        'updates_per_step': 0.25}},
    'residual_sac': {'imitation_batch': 32, 'host': {
        'name': 'residual_sac', 'warmup_steps': 150, 'warmup_updates': 30, 'batch': 32,
        'updates_per_step': 0.25}},
    'actor_critic': {'imitation_batch': 32, 'host': {
        'name': 'actor_critic', 'warmup_steps': 150, 'warmup_updates': 30, 'batch': 32,
        'updates_per_step': 0.25}},
}
EXTRAS = ('dppo', 'residual_sac')  # a chain of denoising steps, an action of the base policy


@pytest.mark.parametrize('host', ['dppo', *(
    pytest.param(host, marks=pytest.mark.long)
    for host in ('expo', 'residual_sac', 'actor_critic'))])
def test_a_host_learns_through_the_graph(host, recorded, tmp_path):
    run, settings = recorded, tmp_path / 'settings.yaml'
    settings.write_text(yaml.safe_dump(SETTINGS[host]), encoding='utf-8')
    command_line.succeeded('pretrain', run, '--clone-steps', 300, '--config', settings,
              '--device', 'cpu')
    succeeded(tmp_path, *finetune_arguments(run, settings, '--m', 1, steps=700))
    succeeded(tmp_path, 'evaluate', run, '--model', 'finetuned', '--episodes', 1)
    assert read(run / 'evaluations' / 'finetuned.json')['n'] == 1
    result = read(run / 'finetune' / 'result.json')
    assert result['config']['host']['name'] == host
    assert result['rl_updates'] > 0 and result['il_updates'] > 0
    assert result['versions']['applied'] > 1 and result['versions']['refused'] == 0
    records = [deserialize_message(raw, Transition)
               for _, raw in read_journal(run / 'finetune' / 'journal')]
    assert len(records) == result['transitions']['ingested'] > 0
    (size,) = {len(record.extras) for record in records}
    assert (size > 0) == (host in EXTRAS)
    if host == 'actor_critic':  # the one whose two gradients meet often enough to be compared here
        last = [json.loads(line) for line in
                (run / 'finetune' / 'metrics.jsonl').read_text().splitlines()][-1]
        assert last['m'] == 1.0 and 0.0 < last['sign_conflict'] < 1.0
