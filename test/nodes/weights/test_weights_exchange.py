# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The sender and the receiver of weights work together, over real topics."""

import time

from inril_ros.msg import PolicyStatus, PolicyWeights, WeightsManifest, WeightsRequest
import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor

from inril_ros.graph.domain import reserve_domain
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.guarded_node import GuardedNode
from inril_ros.nodes.weights.receiver import WeightsReceiver
from inril_ros.nodes.weights.sender import FOLLOWING, WeightsSender
from inril_ros.transport.weights.manifest import content_hash, Manifest, PIECE_BYTES
from inril_ros.transport.weights.resend_budget import AT_ONCE
from inril_ros.transport.weights.tensors import wire_tensors
from inril_ros.transport.weights.version_numbers import LEAD

RUN, CONTRACT = 'run', 'c' * 64
LARGE = 700_000  # values: several pieces


class Exchange:
    """Sender and receiver, and the messages between them."""

    def __init__(self, context, followed=RUN):
        self.node = GuardedNode('both', context=context)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self.passed, self.refused, self.acting, self.now = [], [], None, 0.0
        self.node.create_subscription(PolicyWeights, 'weights/pieces', self.passed.append,
                                      qos.WEIGHTS)
        self.node.create_subscription(WeightsManifest, 'weights/manifest', self.passed.append,
                                      qos.MANIFEST)
        self.requests = self.node.create_publisher(WeightsRequest, 'weights/request', qos.EVENT)
        self.sender = WeightsSender(self.node, RUN, 'learner', CONTRACT, half=False,
                                    clock=lambda: self.now)
        self.receiver = WeightsReceiver(
            self.node, followed, CONTRACT, lambda manifest, tensors: manifest.learner_step,
            self.refused.append, lambda status: None, self._accept)
        self.until(lambda: all(endpoint.get_subscription_count() == 2
                               for endpoint in self.sender.endpoints)
                   and self.requests.get_subscription_count() == 1)

    def _accept(self):
        loaded = self.receiver.pop_loaded()
        if loaded is not None:
            self.acting = loaded
            self.receiver.note_acting(loaded, [loaded.manifest.version])
            self.sender.on_policy_status(
                PolicyStatus(run_id=RUN, weights_version=loaded.manifest.version))

    def until(self, condition):
        limit = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < limit, self.refused
            self._executor.spin_once(timeout_sec=0.1)

    def rest(self):
        for _ in range(5):
            self._executor.spin_once(timeout_sec=0.1)

    def send(self, values):
        """Send arrays, wait until they act; return the size of the version's pieces [byte]."""
        self.passed.clear()
        self.sender.send(wire_tensors({name: ('F32', array.shape, memoryview(array).cast('B'))
                                 for name, array in values.items()}), '{}', 's', 7)
        self.until(lambda: self.acting is not None
                   and self.acting.manifest.version == self.sender.version
                   and self._sent_bytes() == self.acting.manifest.total_size)
        assert {name: bytes(tensor.data) for name, tensor in self.acting.tensors.items()} \
            == {name: array.tobytes() for name, array in values.items()}
        return self._sent_bytes()

    def _sent_bytes(self):
        return sum(len(message.data) for message in self.passed
                   if isinstance(message, PolicyWeights))


@pytest.fixture
def exchange(request):
    """Sender and receiver; parametrised: of which run the receiver is."""
    with reserve_domain() as domain:
        context = rclpy.Context()
        rclpy.init(context=context, domain_id=domain)
        both = Exchange(context, getattr(request, 'param', RUN))
        yield both
        both.receiver.close()
        both.node.destroy_node()
        rclpy.try_shutdown(context=context)


def arrays(seed, frozen=0):
    random = np.random.default_rng(seed)
    return {'encoder': np.full(LARGE, frozen, 'f4'),
            'actor': random.standard_normal((30, 40)).astype('f4'),
            'step': np.array(seed, 'f4')}


def test_unchanged_tensors_are_not_sent_until_a_receiver_needs_them(exchange):
    whole = 4 * LARGE
    assert exchange.send(arrays(1)) > whole > 2 * PIECE_BYTES
    assert exchange.send(arrays(2)) < 0.01 * whole
    assert exchange.send(arrays(3, frozen=1)) > whole  # it changed
    assert exchange.send(arrays(4, frozen=1)) < 0.01 * whole
    exchange.requests.publish(WeightsRequest(run_id=RUN, complete=True))
    exchange.until(lambda: exchange.sender.wants_all)
    assert exchange.send(arrays(5, frozen=1)) > whole
    assert not exchange.refused


def test_another_learner_s_pieces_with_the_same_number_do_not_spoil_the_version(exchange):
    left = PolicyWeights(run_id=RUN, version=1, chunk_index=0, offset=0, data=b'of another')
    other = exchange.node.create_publisher(PolicyWeights, 'weights/pieces', qos.WEIGHTS)
    exchange.until(lambda: other.get_subscription_count() == 2)
    other.publish(left)
    exchange.until(lambda: exchange.passed)
    exchange.rest()  # the receiver gets it as well
    exchange.sender.send(wire_tensors({'w': ('F32', (500,), np.ones(500, 'f4').data.cast('B'))}),
                         '{}', 's', 7)
    exchange.until(lambda: exchange.acting is not None)
    assert exchange.acting.manifest.version == 1
    [reason] = exchange.refused
    assert 'version 1: piece 0 has 10 bytes' in reason


@pytest.mark.parametrize('exchange', [''], indirect=True)
@pytest.mark.parametrize(('content', 'contract', 'reason'), [
    (b'', 'd' * 64, 'made for contract dddddddddddd'),
    (b'no tensors', CONTRACT, 'version 9'),
], ids=['refused by its manifest', 'refused when it is loaded'])
def test_a_stranger_s_version_does_not_lock_the_real_learner_out(
        exchange, content, contract, reason):
    """Without a configured run, that of the first valid version is followed."""
    forged = Manifest('forged', 9, 8, 0, '{}', 's', content_hash(content), contract,
                      max(1, len(content)), 1, learner_id='stranger').sealed()
    manifests = exchange.node.create_publisher(WeightsManifest, 'weights/manifest', qos.MANIFEST)
    pieces = exchange.node.create_publisher(PolicyWeights, 'weights/pieces', qos.WEIGHTS)
    exchange.until(lambda: manifests.get_subscription_count() == 2
                   and pieces.get_subscription_count() == 2)
    message = WeightsManifest()
    for name, value in vars(forged).items():
        setattr(message, name, value)
    pieces.publish(PolicyWeights(run_id='forged', version=9, data=content))
    manifests.publish(message)
    exchange.until(lambda: exchange.refused)
    assert reason in exchange.refused[0]
    exchange.send(arrays(1))
    assert exchange.acting.manifest.run_id == RUN
    exchange.refused.clear()
    manifests.publish(message)
    exchange.until(lambda: exchange.refused)
    assert contract != CONTRACT or 'run forged is not the run run' in exchange.refused[0]


def test_identical_weights_are_sent_whole(exchange):
    first = exchange.send(arrays(1))
    assert exchange.send(arrays(1)) == first


def test_requested_pieces_equal_those_sent(exchange):
    exchange.send(arrays(1))
    sent = {message.chunk_index: message for message in exchange.passed
            if isinstance(message, PolicyWeights)}
    exchange.passed.clear()
    exchange.requests.publish(WeightsRequest(run_id=RUN, version=1, chunk_indices=[2, 0, 999]))
    exchange.until(lambda: len(exchange.passed) == 2)
    for index, message in zip((2, 0), exchange.passed):
        before = sent[index]
        assert (message.chunk_index, message.offset, message.data) \
            == (index, before.offset, before.data)
    exchange.passed.clear()
    exchange.requests.publish(WeightsRequest(run_id=RUN, version=1))
    exchange.until(lambda: len(exchange.passed) == len(sent) + 1)


def test_a_status_with_a_number_that_cannot_be_is_refused_and_learning_goes_on(exchange):
    """Believed, it would leave no number for the next version, in any later process either."""
    statuses = exchange.node.create_publisher(PolicyStatus, 'policy/status', qos.STATE)
    exchange.node.create_subscription(
        PolicyStatus, 'policy/status', exchange.sender.on_policy_status, qos.STATE)
    exchange.until(lambda: statuses.get_subscription_count() == 1)
    exchange.send(arrays(1))
    for count, number in enumerate((2**64 - 1, 2**63, LEAD + 2), 1):
        statuses.publish(PolicyStatus(run_id=RUN, weights_version=number))
        exchange.until(lambda: exchange.node.refused.count('policy/status') == count)  # noqa: B023
        assert exchange.sender.version == 1
    exchange.send(arrays(2))
    assert exchange.acting.manifest.version == 2
    assert 'too far ahead' in exchange.node.refused.details()['last refusal']


def test_a_learner_that_came_back_with_less_follows_the_number_of_the_policy(exchange):
    assert exchange.sender.on_policy_status(PolicyStatus(run_id=RUN, weights_version=40))
    exchange.send(arrays(1))
    assert exchange.acting.manifest.version == 41


def test_statuses_that_count_up_make_it_send_all_weights_only_now_and_then(exchange):
    followed = 0
    for number in range(1, 1001):  # a status each millisecond
        exchange.now = number / 1000
        followed += exchange.sender.on_policy_status(
            PolicyStatus(run_id=RUN, weights_version=number))
    assert followed == 1 and exchange.sender.version == 1
    exchange.now += FOLLOWING
    assert exchange.sender.on_policy_status(PolicyStatus(run_id=RUN, weights_version=1000))
    assert exchange.sender.version == 1000


def test_a_replay_under_another_number_is_refused(exchange):
    exchange.send(arrays(1))
    manifests = exchange.node.create_publisher(WeightsManifest, 'weights/manifest', qos.MANIFEST)
    exchange.until(lambda: manifests.get_subscription_count() == 2)
    [manifest] = [each for each in exchange.passed if isinstance(each, WeightsManifest)]
    for change, reason in (({'version': 7}, 'not have its own hash'),
                           ({'learner_step': 2**63}, 'not have its own hash'),
                           ({'learner_id': 'another'}, 'not have its own hash')):
        exchange.refused.clear()
        for name, value in change.items():
            setattr(manifest, name, value)
        manifests.publish(manifest)
        exchange.until(lambda: exchange.refused)
        assert reason in exchange.refused[0]
    exchange.send(arrays(2))
    assert exchange.acting.manifest.version == 2


def test_a_flood_of_requests_does_not_make_a_flood_of_weights(exchange):
    exchange.send(arrays(1))
    pieces = exchange.sender._receivers[''].sent.chunk_count
    exchange.passed.clear()
    flood = [WeightsRequest(run_id=RUN, version=1),
             WeightsRequest(run_id=RUN, version=1, chunk_indices=[0] * 1000),
             WeightsRequest(run_id=RUN, version=1, chunk_indices=range(pieces)),
             WeightsRequest(run_id=RUN, version=1, complete=True)]
    handled = exchange.node.refused
    for number in range(100):
        before = handled.count('weights/request')
        exchange.requests.publish(flood[number % 4])
        if number >= 4:  # from then on there is nothing left to spend
            exchange.until(lambda: handled.count('weights/request') > before)  # noqa: B023
        else:
            exchange.rest()
    assert len(exchange.passed) <= AT_ONCE * (pieces + 1)
    assert handled.count('weights/request') >= 96
    exchange.now += 60.0
    exchange.passed.clear()
    exchange.requests.publish(WeightsRequest(run_id=RUN, version=1))
    exchange.until(lambda: len(exchange.passed) == pieces + 1)
