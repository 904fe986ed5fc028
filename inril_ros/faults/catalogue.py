# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""All faults in the order in which they are done: by graph, so that each graph starts once."""

from inril_ros.faults.arm_faults import arm_faults
from inril_ros.faults.clock_faults import clock_faults
from inril_ros.faults.fault import Fault
from inril_ros.faults.message_faults import message_faults
from inril_ros.faults.network_faults import network_faults
from inril_ros.faults.process_faults import process_faults
from inril_ros.faults.storage_faults import storage_faults
from inril_ros.faults.weights_faults import weights_faults

FAULTS: tuple[Fault, ...] = (
    *process_faults(), *weights_faults(), *message_faults(), *arm_faults(), *storage_faults(),
    *clock_faults(), *network_faults())


def chosen(only: list[str], short: bool = False) -> list[Fault]:
    """Return the faults of these names, or all, in the catalogue's order.

    Args:
        only: Names; a part of a name stands for all names that contain it. Empty: all.
        short: Only those of the short version.

    Raises:
        ValueError: A name matches no fault.
    """
    names = [fault.name for fault in FAULTS]
    for name in only:
        if not any(name in known for known in names):
            raise ValueError(f'fault {name!r} is unknown: {", ".join(names)}')
    exact = set(only) & set(names)
    return [fault for fault in FAULTS if (not short or fault.short) and (
        not only or fault.name in exact
        or any(name in fault.name for name in only if name not in exact))]
