# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A disk on which this process can't write a byte; reading, renaming and removing still work."""

from collections.abc import Iterator
from contextlib import contextmanager
import resource


@contextmanager
def full_disk() -> Iterator[None]:
    """Let every write of this process to a file fail with an OSError, within the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
