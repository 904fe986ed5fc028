# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The choice of the acting weights, in the policy's process.

Only changed tensors are sent, lost pieces are requested, one learner is accepted, and worse
versions are rolled back.
"""

from dataclasses import replace
import json

from inril_ros.msg import EpisodeEvent, EpisodeRequest
from made_version import make_version
from played_arm import CONTRACT, demonstration_bags, Player, processes, RUN
from policy_bench import Bench, LARGE, made, SMALL, Version
import pytest
from std_srvs.srv import SetBool
import torch

from inril_ros.graph.domain import reserve_domain
from inril_ros.learning.policies.artifact import (
    content_hash,
    load_policy,
    save_policy,
    schema_hash,
    to_bytes,
)
from inril_ros.transport.weights.tensors import read_tensors, rounded

REFERENCE = 8


@pytest.fixture(scope='module')
def bench(tmp_path_factory):
    """Return a policy with a model from disk, and demonstrations to test weights on."""
    folder = tmp_path_factory.mktemp('gate')
    with reserve_domain() as domain, Player(domain) as player:
        bench = Bench(player)
        save_policy(folder / 'model', made(SMALL, 0))
        parameters = {
            'model': str(folder / 'model'), 'rollback_reference': REFERENCE, 'probe_limit': 0.9,
            'demonstrations': str(demonstration_bags(folder / 'demonstrations')),
            'held_versions': str(folder / 'held'),
            'stale_warning_updates': 100, 'stale_hold_updates': 1000}
        with processes(folder, domain, policy_node=parameters) as supervisor:
            player.check = supervisor.check
            bench.log, bench.held = supervisor.log_path('policy_node'), folder / 'held'
            player.wait_ready('policy_node')
            bench.player.until(lambda: bench.status.ready, lambda: f'{bench.status}')
            yield bench


def sent_by(learner, policy, known=(), half=False):
    """Return weights as made by the package's learner, without known tensors."""
    tensors = read_tensors(to_bytes(policy.state_dict()))
    version = make_version(
        rounded(tensors) if half else tensors, known, version=0, parent_version=0,
        learner_step=0, run_id=RUN, contract_hash=CONTRACT.hash, learner_id=learner,
        model_config=policy.config.to_json(), schema_hash=schema_hash(policy.state_dict()))
    fields = dict(vars(version.manifest))
    del fields['version']
    return Version(version.content, fields)


def hashes(policy):
    return {tensor.hash for tensor in read_tensors(to_bytes(policy.state_dict())).values()}


def with_another_actor(policy):
    """Return a policy that differs from another one in one tensor."""
    other = made(policy.config, 0)
    other.load_state_dict(policy.state_dict())
    with torch.no_grad():
        next(other.actor.network.parameters()).mul_(1.01)
    return other


def taken(bench, version):
    number = bench.send(version)
    bench.wait_version(number)
    return number


def set_pin(bench, value, service='pin_version'):
    client = bench.player._node.create_client(SetBool, f'policy_node/{service}')
    bench.player.until(client.service_is_ready, lambda: 'the service')
    answer = client.call_async(SetBool.Request(data=value))
    bench.player.until(answer.done, lambda: 'an answer')
    assert answer.result().success
    return answer.result().message


def test_only_changed_tensors_are_sent_and_the_whole_version_acts(bench):
    first = made(LARGE, 1)
    number = taken(bench, sent_by('a', first))
    bench.check_acts_with(first, number)
    second = with_another_actor(first)
    version = sent_by('a', second, known=hashes(first))
    assert len(version.content) < 0.1 * len(to_bytes(second.state_dict()))
    number = taken(bench, version)
    bench.check_acts_with(second, number)
    assert 0 < bench.status.action_change < 0.9


def test_omitted_tensors_that_the_policy_does_not_have_are_requested(bench):
    policy = made(SMALL, 3)
    bench.requests.clear()
    reason = bench.refusal(sent_by('a', with_another_actor(policy), known=hashes(policy)))
    assert 'left out as unchanged and are not here' in reason
    bench.player.until(lambda: bench.requests, lambda: 'a request')
    assert bench.requests[0].complete and bench.requests[0].run_id == RUN


def test_half_the_bytes_act_as_the_rounded_weights(bench):
    policy = made(SMALL, 4)
    number = taken(bench, sent_by('a', policy, half=True))
    expected = made(SMALL, 4)
    with torch.no_grad():
        for parameter in expected.parameters():
            if parameter.ndim > 1:
                parameter.copy_(parameter.bfloat16().float())
    bench.check_acts_with(expected, number)


def test_a_missing_piece_is_requested(bench):
    policy, before = made(LARGE, 5), bench.status.refused
    version = sent_by('a', policy)
    bench.requests.clear()
    number = bench.send(version, without=1)
    bench.player.until(lambda: bench.requests, lambda: 'a request')
    request = bench.requests[0]
    assert (request.version, list(request.chunk_indices)) == (number, [1]) and not request.complete
    bench.send_piece(version, number, 1)
    bench.wait_version(number)
    bench.check_acts_with(policy, number)
    assert bench.status.refused == before


def test_a_damaged_version_is_requested_once(bench):
    version = sent_by('a', made(SMALL, 6))
    damaged = bytearray(version.content)
    damaged[-1] ^= 1
    bench.requests.clear()
    number = next(bench.numbers)
    assert 'not have the hash' in bench.refusal(replace(version, content=bytes(damaged)), number)
    bench.player.until(lambda: bench.requests, lambda: 'a request')
    assert (bench.requests[0].version, list(bench.requests[0].chunk_indices)) == (number, [])
    bench.send(version, number)
    bench.wait_version(number)


def test_weights_with_very_different_actions_are_refused(bench):
    policy = made(SMALL, 7)
    with torch.no_grad():
        for parameter in policy.actor.network.parameters():
            parameter.fill_(1e3)
    number, version = next(bench.numbers), sent_by('a', policy)
    assert 'actions on demonstrated frames change by' in bench.refusal(version, number)
    assert bench.status.refused_version < number  # it was requested once more
    bench.refusal(version, number)
    assert bench.status.refused_version == number


def test_a_second_learner_is_refused_until_the_first_is_dead(bench):
    first = taken(bench, sent_by('a', made(SMALL, 8)))
    refused, policy = bench.status.refused, made(SMALL, 9)
    number = bench.send(sent_by('b', policy))

    def refused_now():
        bench.send_status('a')
        return bench.status.refused > refused
    bench.player.until(refused_now, lambda: f'a refusal: {bench.status}')
    assert 'learner b is a second one' in bench.status.refusal
    assert bench.status.weights_version == first
    bench.send(sent_by('b', policy), number)  # now the first one is silent
    bench.wait_version(number)
    bench.check_acts_with(policy, number)


def test_a_pinned_version_acts_until_it_is_unpinned(bench):
    number = taken(bench, sent_by('b', made(SMALL, 10)))
    assert set_pin(bench, True) == f'version {number} pinned by an operator'
    newer = bench.send(sent_by('b', made(SMALL, 11)))
    bench.check_acts_with(made(SMALL, 10), number)
    bench.player.until(lambda: bench.status.pinned, lambda: f'{bench.status}')
    set_pin(bench, False)
    bench.wait_version(newer)
    assert not bench.status.pinned


def test_a_held_version_acts_in_all_episodes_of_evaluation_and_is_on_disk(bench):
    """Until it is released, or a rollout begins: who held it may be gone by then."""
    policy = made(SMALL, 20)
    number = taken(bench, sent_by('b', policy))
    held = json.loads(set_pin(bench, True, 'hold_version'))
    assert held['version'] == number
    saved = load_policy(bench.held / held['folder'])
    assert {name: tensor.tolist() for name, tensor in saved.state_dict().items()} == {
        name: tensor.tolist() for name, tensor in policy.state_dict().items()}
    assert held['content_hash'] == content_hash(to_bytes(policy.state_dict()))
    newer = bench.send(sent_by('b', made(SMALL, 21)))
    bench.player.until(lambda: 'held while it is evaluated' in bench.status.gate_reason,
                       lambda: f'{bench.status}')
    for _ in range(3):
        episode = bench.begin(2, purpose=EpisodeRequest.EVALUATION)
        for index in range(2):
            bench.decide(episode, index)
        bench.player.play(episode.closing())
        assert {chunk.weights_version for chunk in bench.made_in(episode)} == {number}
    set_pin(bench, False, 'hold_version')
    bench.wait_version(newer)
    again = json.loads(set_pin(bench, True, 'hold_version'))
    assert again['version'] == newer and again['folder'] != held['folder']
    newest = bench.send(sent_by('b', made(SMALL, 22)))
    bench.begin(1)
    bench.wait_version(newest)
    assert 'held' not in bench.status.gate_reason


def test_weights_far_behind_the_learner_do_not_act(bench):
    policy = made(SMALL, 12)
    number = taken(bench, sent_by('b', policy))
    bench.send_status('b', weights_version=number, rl_updates=101)
    bench.player.until(lambda: bench.status.freshness == bench.status.STALE,
                       lambda: f'{bench.status}')
    assert bench.status.weights_lag == 101
    bench.check_acts_with(policy, number)
    bench.send_status('b', weights_version=number, rl_updates=1001)
    bench.player.until(lambda: bench.status.freshness == bench.status.TOO_OLD,
                       lambda: f'{bench.status}')
    inferences = bench.status.inferences
    episode = bench.begin(2)
    bench.player.play(episode.before_action(0))
    bench.player.until(lambda: 'too old to act' in bench.log.read_text(), lambda: 'a complaint')
    assert bench.made_in(episode) == [] and bench.status.inferences == inferences
    bench.player.play(episode.closing())
    bench.send_status('b', weights_version=number, rl_updates=0)
    bench.player.until(lambda: bench.status.freshness == bench.status.FRESH,
                       lambda: f'{bench.status}')


def test_a_worse_version_is_rolled_back_automatically_or_by_an_operator(bench):
    def played(outcome, number):
        for _ in range(number):
            bench.player.play(bench.begin(1, outcome).closing())

    good = made(SMALL, 13)
    number = taken(bench, sent_by('b', good))
    played(EpisodeEvent.SUCCESS, REFERENCE + 8)
    bench.act()  # its chunk follows the count of those episodes, for the good version
    bench.player.until(lambda: bench.status.good_version == number and bench.status.on_trial,
                       lambda: f'{bench.status}')
    before = bench.status.rollbacks
    worse = taken(bench, sent_by('b', made(SMALL, 14)))
    played(EpisodeEvent.FAILURE, 18)  # 12 to 17 are needed, and 10 more are its pause
    bench.player.until(lambda: bench.status.rollbacks > before, lambda: f'{bench.status}')
    bench.wait_version(number)
    assert f'version {worse} was clearly worse' in bench.status.gate_reason
    assert bench.status.rollbacks == before + 1
    bench.check_acts_with(good, number)
    set_pin(bench, False)
    again = taken(bench, sent_by('b', made(SMALL, 15)))
    assert 'rolled back by an operator' in bench.player.call('policy_node/rollback')
    bench.wait_version(number)
    bench.check_acts_with(good, number)
    assert again > number and bench.status.pinned
    set_pin(bench, False)


def test_a_version_that_a_person_rescues_each_time_is_rolled_back(bench):
    def played(number, rescued):
        for _ in range(number):
            episode = bench.begin(1)  # each one ends with success
            taken_over = [episode._event(EpisodeEvent.TAKEN_OVER, episode.stamp(1), tick=1)]
            bench.player.play([*(taken_over if rescued else []), *episode.closing()])

    number = taken(bench, sent_by('b', made(SMALL, 17)))
    played(REFERENCE + 8, rescued=False)
    bench.act()
    bench.player.until(lambda: bench.status.good_version == number and bench.status.on_trial,
                       lambda: f'{bench.status}')
    before = bench.status.rollbacks
    worse = taken(bench, sent_by('b', made(SMALL, 18)))
    played(18, rescued=True)
    bench.player.until(lambda: bench.status.rollbacks > before, lambda: f'{bench.status}')
    assert f'version {worse} was clearly worse' in bench.status.gate_reason
    bench.wait_version(number)
    set_pin(bench, False)


def test_after_a_hand_over_another_run_is_accepted(bench):
    policy = made(SMALL, 16)
    version = sent_by('c', policy)
    other = replace(version, manifest={**version.manifest, 'run_id': 'another'})
    assert 'run another is not the run' in bench.refusal(other, 1)
    assert 'the next learner' in bench.player.call('policy_node/hand_over')
    asked = len(bench.requests)
    bench.send(other, 1)
    # Pieces before their manifest are of a run that is not known yet: requested again.
    bench.player.until(
        lambda: bench.status.weights_version == 1 or len(bench.requests) > asked, 'a request')
    bench.send(other, 1)
    bench.wait_version(1)
    assert bench.status.run_id == 'another' and bench.status.good_version == 1
    bench.check_acts_with(policy, 1)
