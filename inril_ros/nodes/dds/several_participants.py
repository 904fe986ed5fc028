# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Several participants of Fast DDS in one process, such as a conductor and a terminal.

Fast DDS hands messages from one participant of a process to another within the call that sends
them. When one of them ends at that moment, both may wait for each other for ever
(eProsima/Fast-DDS#6193, #6502). Without that delivery their messages take the same way as among
processes.
"""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
import os

from inril_ros.nodes.dds.profiles import chosen, PROFILE_VARIABLES, use_profile


@contextmanager
def delivered_as_among_processes(
    environment: MutableMapping[str, str] = os.environ,
) -> Iterator[None]:
    """Make the first node of the process within this block: Fast DDS reads its settings then.

    Settings in the environment take precedence, and it is as before afterwards.

    Raises:
        FileNotFoundError: The package's configuration isn't installed.
    """
    if chosen(environment):
        yield
        return
    use_profile('several', environment)
    try:
        yield
    finally:
        for name in PROFILE_VARIABLES:
            environment.pop(name, None)
