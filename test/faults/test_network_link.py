# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The link between two network namespaces transmits, fails, recovers, and is removed."""

import os
from pathlib import Path
import socket

import pytest

from inril_ros.faults.fault import CannotBeDone
from inril_ros.faults.network_link import inside, NetworkLink

ROBOT, LEARNER, PORT = '10.77.0.1', '10.77.0.2', 9999


def sockets(link):
    """Return sockets of robot and learner; a socket stays in the namespace of its creation."""
    made = []
    for namespace, address in ((link.robot, ROBOT), (link.learner, LEARNER)):
        with inside(namespace):
            made.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            made[-1].bind((address, PORT))
            made[-1].settimeout(20.0)
    return made


def test_packets_arrive_unless_the_link_is_cut_or_loses_them():
    home = os.readlink('/proc/thread-self/ns/net')
    try:
        with NetworkLink() as link:
            robot, learner = sockets(link)
            robot.sendto(b'first', (LEARNER, PORT))
            assert learner.recv(99) == b'first'
            for trouble in ({'cut': True}, {'loss': 1.0}):
                vars(link).update(trouble)
                robot.sendto(b'lost', (LEARNER, PORT))
                learner.settimeout(0.3)
                with pytest.raises(TimeoutError):
                    learner.recv(99)
                vars(link).update(cut=False, loss=0.0)
                learner.settimeout(20.0)
                robot.sendto(b'next', (LEARNER, PORT))
                assert learner.recv(99) == b'next'
            names = link.robot, link.learner
            robot.close(), learner.close()
    except CannotBeDone as reason:
        pytest.skip(str(reason))
    assert os.readlink('/proc/thread-self/ns/net') == home
    assert not any(Path('/run/netns', name).exists() for name in names)
