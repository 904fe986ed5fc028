# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reserved ROS domains never meet, and come back when their holder is gone."""

from contextlib import ExitStack
import os
import subprocess
import sys

import pytest

from inril_ros.graph.domain import (
    domain_environment,
    DOMAIN_IDS,
    has_participants,
    reserve_domain,
    share_domain,
)

PORT = 22000  # not the one of graphs that may be running beside the tests


def test_all_reservations_differ_and_then_there_is_none():
    taken = []
    with ExitStack() as stack, pytest.raises(RuntimeError, match='no free ROS domain'):
        while True:
            taken.append(stack.enter_context(reserve_domain(PORT)))
    # Other tests of this machine may be in some.
    assert len(set(taken)) == len(taken) > 80 and set(taken) <= set(DOMAIN_IDS)
    with reserve_domain(PORT) as domain_id:
        assert domain_id in DOMAIN_IDS


def test_a_killed_process_gives_its_domain_back():
    program = ('import contextlib, signal\n'
               'from inril_ros.graph.domain import reserve_domain\n'
               'stack = contextlib.ExitStack()\n'
               'with contextlib.suppress(RuntimeError):\n'
               f'    while True: stack.enter_context(reserve_domain({PORT + 200}))\n'
               'print("all", flush=True); signal.pause()')
    holder = subprocess.Popen([sys.executable, '-c', program], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == 'all\n'
        with pytest.raises(RuntimeError), reserve_domain(PORT + 200):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with reserve_domain(PORT + 200) as domain_id:
        assert domain_id in DOMAIN_IDS


@pytest.fixture
def only(monkeypatch):
    """Leave a simulated run the choice between few domains."""
    def leave(*domains):
        few = range(domains[0], domains[-1] + 1)
        monkeypatch.setattr('inril_ros.graph.domain.DOMAIN_IDS', few)
    return leave


def test_the_domain_of_the_environment_is_not_taken(only, monkeypatch):
    only(70, 71)
    monkeypatch.setenv('ROS_DOMAIN_ID', '71')
    with reserve_domain(PORT) as domain_id:
        assert domain_id == 70
    only(71)
    with pytest.raises(RuntimeError, match='no free ROS domain'), reserve_domain(PORT):
        pass


def test_runs_on_robots_share_a_domain_that_no_simulated_one_takes(only):
    only(72)
    with (share_domain(72, PORT), share_domain(72, PORT),
          pytest.raises(RuntimeError, match='no free ROS domain'), reserve_domain(PORT)):
        pass
    with (reserve_domain(PORT), share_domain(0, PORT),
          pytest.raises(RuntimeError, match='has ROS domain 72: end it, or take another'),
          share_domain(72, PORT)):
        pass
    with share_domain(0, PORT), share_domain(0, PORT):  # the default of all is never reserved
        pass


@pytest.mark.parametrize('reach', ['LOCALHOST', 'SUBNET'])
def test_a_domain_with_participants_is_not_taken(only, reach):
    only(73)
    program = ('import rclpy; rclpy.init(domain_id=73); node = rclpy.create_node("other")\n'
               'print("here", flush=True); input()')
    other = subprocess.Popen(
        [sys.executable, '-c', program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, 'ROS_AUTOMATIC_DISCOVERY_RANGE': reach})
    try:
        assert other.stdout.readline() == 'here\n'
        assert has_participants(73) and not has_participants(74)
        with pytest.raises(RuntimeError, match='no free ROS domain'), reserve_domain(PORT):
            pass
    finally:
        other.kill()
        other.communicate()


def test_a_domain_stays_on_this_machine():
    assert domain_environment(42) == {
        'ROS_DOMAIN_ID': '42', 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
