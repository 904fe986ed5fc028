# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A process that commands a robot has no shared memory of Fast DDS, and meets the others."""

from contextlib import contextmanager
import os
import subprocess
import sys
import time

from mapped_memory import shared_memory_of
import pytest
import rclpy
from rclpy.context import Context

from inril_ros.graph.domain import domain_environment, reserve_domain
from inril_ros.nodes.dds.network_only import use_network_only
from inril_ros.nodes.dds.profiles import VARIABLES

NODE = """
import sys
import time
import rclpy
from std_msgs.msg import String
from inril_ros.nodes.dds.network_only import use_network_only
print(use_network_only(), flush=True)
rclpy.init()
node = rclpy.create_node('commands')
publisher = node.create_publisher(String, 'command', 1)
while node.count_publishers('command') < int(sys.argv[1]):
    time.sleep(0.01)
print('met', flush=True)
sys.stdin.read()
"""
OTHERS = """
import sys
import rclpy
from rclpy.context import Context
made = []
for _ in range(int(sys.argv[1])):
    context = Context()
    rclpy.init(context=context)
    made.append(rclpy.create_node('other', context=context))
print('made', flush=True)
sys.stdin.read()
"""
PLAIN = {name: value for name, value in os.environ.items() if name not in VARIABLES}


@contextmanager
def processes_of(script, number, environment, copies=1):
    """Yield processes of a script, each with a number as its argument."""
    processes = [subprocess.Popen(
        [sys.executable, '-c', script, str(number)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, env={**PLAIN, **environment}) for _ in range(copies)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def nodes(number, environment):
    """Return processes with a node each, which wait for one another."""
    return processes_of(NODE, number, environment, copies=number)


@contextmanager
def node_with_shared_memory(domain):
    """Yield a node of this process."""
    context = Context()
    context.init(domain_id=domain)
    node = rclpy.create_node('other', context=context)
    try:
        yield node
    finally:
        node.destroy_node()
        context.shutdown()


@pytest.mark.parametrize('reach', ['LOCALHOST', 'SUBNET'])
def test_it_is_met_by_processes_that_have_shared_memory(reach):
    with reserve_domain() as domain, node_with_shared_memory(domain) as node, nodes(
            1, {**domain_environment(domain), 'ROS_AUTOMATIC_DISCOVERY_RANGE': reach}) as (one,):
        assert [one.stdout.readline() for _ in range(2)] == ['True\n', 'met\n']
        limit = time.monotonic() + 60.0
        while not node.count_publishers('command'):
            assert time.monotonic() < limit
            time.sleep(0.01)
        assert shared_memory_of(one.pid) == []
        assert shared_memory_of(os.getpid()) != []


def test_two_of_them_meet_however_many_others_were_there_before():
    with reserve_domain() as domain, processes_of(
            OTHERS, 12, domain_environment(domain)) as (others,):
        assert others.stdout.readline() == 'made\n'
        with nodes(2, domain_environment(domain)) as processes:
            for process in processes:
                assert [process.stdout.readline() for _ in range(2)] == ['True\n', 'met\n']
        assert others.poll() is None


def test_where_discovery_stays_on_this_machine_so_does_the_process():
    environment = {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST', 'ROS_STATIC_PEERS': '10.0.0.7'}
    assert use_network_only(environment)
    assert environment['ROS_STATIC_PEERS'] == '10.0.0.7;127.0.0.1'
    profile = environment['FASTDDS_DEFAULT_PROFILES_FILE']
    with open(profile, encoding='utf-8') as file:
        assert '<address>127.0.0.1</address>' in file.read()


@pytest.mark.parametrize('own', [
    *({name: 'own'} for name in VARIABLES), {'ROS_LOCALHOST_ONLY': '1'},
    {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'OFF'}])
def test_what_the_user_has_chosen_stays(own):
    environment = dict(own)
    assert not use_network_only(environment)
    assert environment == own
