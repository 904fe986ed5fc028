# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The client of a graph has each node's last status, whatever stamps others bore."""

from types import SimpleNamespace

from inril_ros.msg import LearnerStatus
import pytest

from inril_ros.nodes.clients.graph_client import GraphClient


@pytest.fixture
def client():
    times = SimpleNamespace(now=100.0)
    made = GraphClient('listener', clock=lambda: times.now)
    made.times = times
    yield made
    made.close()


def status(seconds, updates):
    message = LearnerStatus(rl_updates=updates)
    message.header.stamp.sec = seconds
    return message


def test_a_late_status_of_a_dead_process_does_not_replace_a_newer_one(client):
    client._on_status('learner', status(10, 1))
    client._on_status('learner', status(9, 2))
    assert client.learner.rl_updates == 1


def test_one_status_from_the_future_does_not_hide_those_that_follow(client):
    """The run would end, because the learner seems to make no progress any more."""
    client._on_status('learner', status(2**31 - 1, 1))
    for second in range(1, 10):
        client.times.now += 1.0
        client._on_status('learner', status(second, 1 + second))
        assert (client.learner.rl_updates > 1) is (second > 3)
    assert client.learner.rl_updates == 10
