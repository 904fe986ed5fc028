# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reserved ROS domains never meet, and come back when their holder is gone."""

from contextlib import ExitStack
import subprocess
import sys

import pytest

from inril_ros.graph.domain import domain_environment, DOMAIN_IDS, reserve_domain

PORT = 22000  # not the one of graphs that may be running beside the tests


def test_all_reservations_differ_and_then_there_is_none():
    with ExitStack() as stack:
        taken = [stack.enter_context(reserve_domain(PORT)) for _ in DOMAIN_IDS]
        assert sorted(taken) == list(DOMAIN_IDS)
        with pytest.raises(RuntimeError, match='no free ROS domain'):
            stack.enter_context(reserve_domain(PORT))
    with reserve_domain(PORT) as domain_id:
        assert domain_id in DOMAIN_IDS


def test_a_killed_process_gives_its_domain_back():
    program = ('import contextlib, sys, signal\n'
               'from inril_ros.graph.domain import DOMAIN_IDS, reserve_domain\n'
               'stack = contextlib.ExitStack()\n'
               f'for _ in DOMAIN_IDS: stack.enter_context(reserve_domain({PORT + 200}))\n'
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


def test_a_domain_stays_on_this_machine():
    assert domain_environment(42) == {
        'ROS_DOMAIN_ID': '42', 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
