# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reserves a ROS domain, so that two graphs on one machine never receive from each other.

The nodes of a simulated run must not reach a robot in the same network, nor another run on this
machine. A run on a robot stays in the domain of the robot's drivers, which it shares with them and
with others of its kind, and which no simulated run may take meanwhile.
"""

from collections.abc import Iterator
from contextlib import contextmanager
import os
import random
import socket

# Above 101 the ports of DDS overlap Linux's ephemeral range; 0 is the default of all.
DOMAIN_IDS = range(1, 102)

# A process that holds the port FIRST_PORT + id holds the domain. DDS uses other ports.
FIRST_PORT = 21000

# Ports of a domain's participants (DDSI-RTPS 2.5, 9.6.2): the multicast one of all, and the
# unicast ones by which participants 0 to 119 are discovered.
_DDS_PORT, _PORTS_OF_DOMAIN = 7400, 250
_DISCOVERY = (0, *range(10, _PORTS_OF_DOMAIN, 2))


@contextmanager
def reserve_domain(first_port: int = FIRST_PORT) -> Iterator[int]:
    """Reserve a domain id against all other reservations on this machine.

    A bound socket holds it: the kernel frees it however the process ends, and it works between
    users. The environment's domain is never taken, nor one in which this machine has participants.

    Raises:
        RuntimeError: All domains are in use.
    """
    own = os.environ.get('ROS_DOMAIN_ID')
    # Not the global generator: two runs with one seed must not choose the same domains.
    for domain_id in random.SystemRandom().sample(DOMAIN_IDS, len(DOMAIN_IDS)):
        if str(domain_id) == own or has_participants(domain_id):
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
            try:
                holder.bind(('127.0.0.1', first_port + domain_id))
            except OSError:
                continue
            yield domain_id
            return
    raise RuntimeError(f'no free ROS domain: {DOMAIN_IDS.start}..{DOMAIN_IDS.stop - 1} are all '
                       'used by other graphs on this machine')


@contextmanager
def share_domain(domain_id: int, first_port: int = FIRST_PORT) -> Iterator[None]:
    """Keep simulated runs out of a robot's domain; others may share it in the same way.

    Raises:
        RuntimeError: A simulated run on this machine has the domain.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            if domain_id in DOMAIN_IDS:
                holder.bind(('127.0.0.1', first_port + domain_id))
        except OSError as error:
            raise RuntimeError(
                f'a simulated run on this machine has ROS domain {domain_id}: end it, or take '
                'another domain for the robot (ROS_DOMAIN_ID)') from error
        yield


def has_participants(domain_id: int) -> bool:
    """Return whether a process of this machine takes part in a domain."""
    return any(_is_bound(_DDS_PORT + _PORTS_OF_DOMAIN * domain_id + offset)
               for offset in _DISCOVERY)


def _is_bound(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(('', port))
        except OSError:
            return True
    return False


def domain_environment(domain_id: int) -> dict[str, str]:
    """Return the environment variables that keep a process in a domain, on this machine."""
    return {'ROS_DOMAIN_ID': str(domain_id), 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
