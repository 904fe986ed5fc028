# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Seeds derived from names: each scene, operator and policy has its own random numbers.

Thus no command shifts the random numbers of another, and a benchmark without ROS begins its
episodes in the same states as the graph.
"""

import hashlib


def derived_seed(*names: str | int) -> int:
    """Return a number of 31 bits that depends only on the names."""
    text = '/'.join(str(name) for name in names)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], 'big') >> 1
