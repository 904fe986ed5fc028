# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reserves a ROS domain, so that two graphs on one machine never receive from each other.

The nodes of a simulated run must not reach a robot in the same network, nor another run on this
machine. A run on a robot stays in the domain of the robot's drivers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
import random
import socket

# Above 101 the ports of DDS overlap Linux's ephemeral range; 0 is the default of all.
DOMAIN_IDS = range(1, 102)

# A process that holds the port FIRST_PORT + id holds the domain. DDS uses other ports.
FIRST_PORT = 21000


@contextmanager
def reserve_domain(first_port: int = FIRST_PORT) -> Iterator[int]:
    """Reserve a domain id against all other reservations on this machine.

    A bound socket holds it: the kernel frees it however the process ends, and it works between
    users.

    Raises:
        RuntimeError: All domains are reserved.
    """
    # Not the global generator: two runs with one seed must not choose the same domains.
    for domain_id in random.SystemRandom().sample(DOMAIN_IDS, len(DOMAIN_IDS)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
            try:
                holder.bind(('127.0.0.1', first_port + domain_id))
            except OSError:
                continue
            yield domain_id
            return
    raise RuntimeError(f'no free ROS domain: {DOMAIN_IDS.start}..{DOMAIN_IDS.stop - 1} are all '
                       'reserved by other graphs on this machine')


def domain_environment(domain_id: int) -> dict[str, str]:
    """Return the environment variables that keep a process in a domain, on this machine."""
    return {'ROS_DOMAIN_ID': str(domain_id), 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
