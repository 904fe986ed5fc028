# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Seeds that belong to names: each scene, operator and policy has a stream of its own.

A command of one kind never shifts the random numbers of another, and a benchmark without ROS
begins its episodes in the same states as the graph.
"""

import hashlib


def derived_seed(*names: str | int) -> int:
    """Return a number of 31 bits that depends on all names and on nothing else."""
    text = '/'.join(str(name) for name in names)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], 'big') >> 1
