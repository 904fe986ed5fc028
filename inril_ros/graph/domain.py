# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A ROS domain of one's own, so that two graphs on one machine never hear each other.

The nodes of a simulated run must not reach a robot in the same network, nor a second run in the
next terminal. A robot's own run stays in the domain of its drivers and does not come here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
import random
import socket

# Above 101 the ports of DDS reach into Linux's ephemeral range; 0 is everybody's default.
DOMAIN_IDS = range(1, 102)

# Holding the port FIRST_PORT + id holds the domain. It is far from the ports that DDS uses.
FIRST_PORT = 21000


@contextmanager
def reserve_domain(first_port: int = FIRST_PORT) -> Iterator[int]:
    """Reserve a domain id against all other reservations on this machine.

    A bound socket holds it: the kernel gives it back whichever way the process ends, and it
    works between users.

    Raises:
        RuntimeError: All are taken.
    """
    # Not the library's global generator: a run's own seed must not make two runs choose alike.
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
