# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages among the nodes of one process take the way that they take among processes."""

import os
import subprocess
import sys

import pytest

from inril_ros.graph.domain import domain_environment, reserve_domain
from inril_ros.nodes.dds.profiles import PROFILE_VARIABLES, VARIABLES
from inril_ros.nodes.dds.several_participants import delivered_as_among_processes

# How many of 200 messages are there as soon as they are sent: within a call, all of them.
MEETING = """
from contextlib import nullcontext
import os, sys, time
import rclpy
from std_msgs.msg import Empty
from inril_ros.nodes.dds.several_participants import delivered_as_among_processes

def node(name):
    context = rclpy.Context()
    rclpy.init(context=context)
    return rclpy.create_node(name, context=context, enable_rosout=False)

with delivered_as_among_processes() if sys.argv[1] == 'settled' else nullcontext():
    one = node('one')
other = node('other')
publisher = one.create_publisher(Empty, 'topic', 10)
subscription = other.create_subscription(Empty, 'topic', print, 10)
take = lambda: subscription.handle.take_message(Empty, True)
while not publisher.get_subscription_count():
    time.sleep(0.01)
publisher.publish(Empty())
while take() is None:
    time.sleep(0.01)
at_once = 0
for _ in range(200):
    publisher.publish(Empty())
    found = take()
    at_once += found is not None
    while found is None:
        time.sleep(0.001)
        found = take()
print(at_once, flush=True)
os._exit(0)
"""
PLAIN = {name: value for name, value in os.environ.items() if name not in VARIABLES}


@pytest.mark.parametrize(('how', 'all_at_once'), [('plain', True), ('settled', False)])
def test_messages_within_a_process_do_not_come_within_the_call_that_sends_them(how, all_at_once):
    with reserve_domain() as domain:
        found = subprocess.run(
            [sys.executable, '-c', MEETING, how], capture_output=True, text=True, check=True,
            env={**PLAIN, **domain_environment(domain)}).stdout
    assert (int(found) == 200) is all_at_once


def test_what_the_user_has_chosen_stays_and_the_environment_is_as_before():
    own = {VARIABLES[0]: 'own.xml'}
    with delivered_as_among_processes(own):
        assert own == {VARIABLES[0]: 'own.xml'}
    environment = {}
    with delivered_as_among_processes(environment):
        assert set(environment) == set(PROFILE_VARIABLES)
    assert environment == {}
