# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A node that should hear one other node on a topic says which ones it hears."""

import time

from inril_ros.msg import TransitionAck
import pytest
import rclpy
from rclpy.context import Context

from inril_ros.graph.domain import reserve_domain
from inril_ros.nodes.base.guarded_node import GuardedNode
from inril_ros.nodes.base.topic_publishers import publishing_nodes, SolePublishers
from inril_ros.nodes.recording.transition_stream import TransitionStream
from inril_ros.transport.journal.retention import Retention


@pytest.fixture
def graph():
    with reserve_domain() as domain:
        context, made = Context(), []
        rclpy.init(context=context, domain_id=domain)

        def node(name, *topics):
            made.append(GuardedNode(name, context=context))
            for topic in topics:
                made[-1].create_publisher(TransitionAck, topic, 10)
            return made[-1]
        yield node
        for each in made:
            each.destroy_node()
        rclpy.shutdown(context=context)


def wait(condition):
    limit = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_a_second_publisher_is_named_and_the_same_node_twice_is_none(graph):
    recorder = graph('recorder')
    watch = SolePublishers(recorder)
    watch.expect('transition_ack')
    assert watch.look() == ''
    graph('learner_node', 'transition_ack', 'transition_ack')  # killed, and started again
    wait(lambda: publishing_nodes(recorder, 'transition_ack')['/learner_node'] == 2)
    assert watch.look() == ''
    graph('stranger', 'transition_ack')
    wait(lambda: len(publishing_nodes(recorder, 'transition_ack')) == 2)
    assert watch.look() == ('/learner_node and /stranger publish on /transition_ack, one node '
                            'should')


def test_nothing_of_the_journal_is_removed_while_strangers_acknowledge(graph, tmp_path):
    recorder = graph('recorder')
    stream = TransitionStream(recorder, tmp_path, 'run', '', 1.0, False, Retention())
    pruned = []
    stream._prune = pruned.append
    stream._journal.next_sequence = 10
    graph('learner_node', 'transition_ack')
    stranger = graph('stranger', 'transition_ack')
    wait(lambda: len(publishing_nodes(recorder, 'transition_ack')) == 2)
    stream._on_ack(TransitionAck(run_id='run', sequence=5, kept_sequence=5))
    assert not pruned
    stranger.destroy_node()
    wait(lambda: len(publishing_nodes(recorder, 'transition_ack')) == 1)
    stream._on_ack(TransitionAck(run_id='run', sequence=5, kept_sequence=5))
    assert pruned == [5]
    stream.close()
