# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Weights on the wire: the policy's process accepts only complete versions of its own run.

The test plays the learner and the robot; the policy node is a process. Its chunks show which
weights act: they equal those that the same weights give in this process.
"""

from dataclasses import replace
import json
from pathlib import Path
import re
import signal
import subprocess
import sys

from played_arm import CONTRACT, Player, processes, RUN
from policy_bench import Bench, LARGE, made, SMALL, Version
import pytest
import torch

from inril_ros.graph.domain import reserve_domain
from inril_ros.learning.policies.artifact import schema_hash, to_bytes
from inril_ros.transport.weights.manifest import cut


@pytest.fixture(scope='module')
def bench(tmp_path_factory):
    """Return a policy started without a model, after the first version was published."""
    folder = tmp_path_factory.mktemp('policy')
    with reserve_domain() as domain, Player(domain) as player:
        bench = Bench(player)
        bench.domain = int(domain)
        bench.first = made(LARGE, 0)
        bench.send(Version.of(bench.first))
        with processes(folder, domain, policy_node={}) as supervisor:
            player.check = supervisor.check
            bench.log = supervisor.log_path('policy_node')
            player.wait_ready('policy_node')
            bench.wait_version(1)
            yield bench


@pytest.fixture(autouse=True)
def still_running(bench):
    """Check that the process survives all messages."""
    yield
    bench.player.check()


def test_a_late_joiner_gets_the_weights_that_were_sent_before(bench):
    assert len(cut(to_bytes(bench.first.state_dict()))) > 2
    assert bench.status.run_id == RUN and bench.status.ready
    bench.check_acts_with(bench.first, 1)


@pytest.mark.parametrize('config', [SMALL, LARGE, replace(SMALL, critic_members=3)])
def test_a_good_version_acts_whatever_its_size(bench, config):
    policy = made(config, 1)
    policy.candidates.fill_(3)  # the critic chooses too
    number = bench.send(Version.of(policy))
    bench.wait_version(number)
    bench.check_acts_with(policy, number)
    assert bench.status.verify_seconds > 0 and bench.status.swap_seconds > 0


def with_values(value):
    policy = made(SMALL, 2)
    with torch.no_grad():
        for parameter in policy.actor.network.parameters():
            parameter.fill_(value)
    return Version.of(policy)


def with_fields(**fields):
    return Version.of(made(SMALL, 2), **fields)


def one_value_wrong():
    content = bytearray(to_bytes(made(LARGE, 2).state_dict()))
    content[-2] ^= 1
    return replace(Version.of(made(LARGE, 2)), content=bytes(content))


def without_a_tensor():
    tensors = made(SMALL, 2).state_dict()
    del tensors['actor.encoder.normaliser.mean']
    return Version.of_content(to_bytes(tensors), schema_hash=schema_hash(tensors),
                              model_config=SMALL.to_json())


def no_tensors():
    return Version.of_content(b'no safetensors' * 9, schema_hash='0' * 64,
                              model_config=SMALL.to_json())


def model(text):
    return with_fields(model_config=text)


def changed(**sizes):
    return json.dumps({**json.loads(SMALL.to_json()), **sizes})


REFUSED = {
    'wrong hash': (one_value_wrong, 'not have the hash'),
    'other contract': (
        lambda: with_fields(contract_hash='f' * 64), f'f{{12}}, this is {CONTRACT.hash[:12]}'),
    'other run': (lambda: with_fields(run_id='another'), f'run another is not the run {RUN}'),
    'wrong size': (lambda: with_fields(total_size=7), 'bytes, the manifest says 7'),
    'wrong number of pieces': (lambda: with_fields(chunk_count=2), '2 pieces for'),
    'too large': (lambda: with_fields(total_size=2 ** 40), 'bytes, 1..512000000 are allowed'),
    'wrong schema': (lambda: with_fields(schema_hash='0' * 64), 'not what the manifest says'),
    'not a number': (lambda: with_values(float('nan')), 'weights are not finite: actor.network'),
    'infinite': (lambda: with_values(float('inf')), 'weights are not finite: actor.network'),
    'actions overflow': (lambda: with_values(3e38), 'actions that are not finite'),
    'a tensor missing': (without_a_tensor, 'actor.encoder.normaliser.mean is missing'),
    'no tensors': (no_tensors, 'no valid safetensors'),
    'other architecture': (lambda: model(replace(SMALL, actor_width=16).to_json()), 'do not fit'),
    'other arm': (lambda: Version.of(made(replace(SMALL, observation_size=7, action_size=2), 2)),
                  r'\(7, 2\), the contract has \(4, 3\)'),
    'no JSON': (lambda: model('import os'), 'is no JSON'),
    'no mapping': (lambda: model('[1, 2]'), 'expected a mapping'),
    'nothing': (lambda: model(''), 'is no JSON'),
    'unknown key': (lambda: model(changed(depth=3)), r"unknown keys \['depth'\]"),
    'wrong type': (lambda: model(changed(chunk_length='four')), 'chunk_length: expected int'),
    'too wide': (lambda: model(changed(actor_width=10 ** 9)), 'actor_width: 1000000000 is not in'),
    'beyond a float': (lambda: model(changed(std_floor=10 ** 400)), 'too large'),
    'too deep': (lambda: model('[' * 100_000), 'recursion'),
}


@pytest.mark.parametrize('name', REFUSED)
def test_refused_weights_are_reported_with_the_reason_and_change_nothing(bench, name):
    make, reason = REFUSED[name]
    number = bench.status.weights_version
    assert re.search(reason, bench.refusal(make()))
    assert bench.status.refusal in bench.log.read_text()
    _, chunks = bench.act()
    assert [chunk.weights_version for chunk in chunks] == [number]
    assert bench.status.weights_version == number and bench.status.ready


@pytest.mark.parametrize('behind', [0, 1])
def test_a_version_that_is_not_newer_is_refused(bench, behind):
    number = bench.send(with_fields())
    bench.wait_version(number)
    reason = bench.refusal(Version.of(made(SMALL, 3)), number - behind)
    assert f'version {number - behind} is not newer than {number}' in reason
    bench.check_acts_with(made(SMALL, 2), number)


def test_without_a_piece_the_old_version_acts_until_the_piece_arrives(bench):
    old = bench.send(with_fields())
    bench.wait_version(old)
    policy = made(LARGE, 4)
    version = Version.of(policy)
    new = bench.send(version, without=1)
    bench.check_acts_with(made(SMALL, 2), old)
    assert bench.status.weights_version == old
    bench.send_piece(version, new, 1)
    bench.wait_version(new)
    bench.check_acts_with(policy, new)


def test_a_version_whose_piece_is_lost_is_overtaken_by_the_next(bench):
    bench.send(Version.of(made(LARGE, 4)), without=0)
    policy = made(LARGE, 5)
    number = bench.send(Version.of(policy))
    bench.wait_version(number)
    bench.check_acts_with(policy, number)


def test_a_learner_killed_while_sending_changes_nothing_and_the_next_is_accepted(bench):
    old = bench.send(with_fields())
    bench.wait_version(old)
    half = next(bench.numbers)
    learner = subprocess.Popen(
        [sys.executable, Path(__file__).parents[1] / 'half_a_version.py', str(bench.domain),
         str(half)], stdout=subprocess.PIPE, text=True)
    try:
        assert learner.stdout.readline() == 'asked\n'
        bench.check_acts_with(made(SMALL, 2), old)
    finally:
        learner.kill()
    assert learner.wait() == -signal.SIGKILL
    bench.check_acts_with(made(SMALL, 2), old)
    policy = made(LARGE, 13)
    number = bench.send(Version.of(policy))
    bench.wait_version(number)
    bench.check_acts_with(policy, number)


def test_a_version_damaged_in_transfer_can_be_sent_again(bench):
    number = next(bench.numbers)
    assert 'not have the hash' in bench.refusal(one_value_wrong(), number)
    policy = made(LARGE, 2)
    bench.send(Version.of(policy), number)
    bench.wait_version(number)
    bench.check_acts_with(policy, number)


def test_versions_that_arrive_in_an_episode_act_from_the_next_chunk_on(bench):
    policies = [made(config, 6) for config in (LARGE, SMALL, LARGE, SMALL)]
    old = bench.status.weights_version
    refused = bench.status.refused
    episode = bench.begin(len(policies) + 1)
    bench.decide(episode, 0)
    for index, policy in enumerate(policies, start=1):
        number = bench.send(Version.of(policy))
        bench.wait_version(number)
        bench.decide(episode, index)
    versions = [chunk.weights_version for chunk in bench.made_in(episode)]
    assert versions == [old, *range(number - len(policies) + 1, number + 1)]
    assert bench.status.refused == refused


def test_the_last_of_many_versions_at_once_acts_in_the_end(bench):
    refused = bench.status.refused
    for seed in range(10):
        number = bench.send(Version.of(made(SMALL, seed)))
    bench.wait_version(number)
    bench.check_acts_with(made(SMALL, 9), number)
    assert bench.status.refused == refused
