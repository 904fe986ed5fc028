# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Files that are on the disk when a call returns, not only in the memory of the system."""
from __future__ import annotations

import os
from pathlib import Path


def write_synced(path: Path, data: bytes) -> None:
    """Write a file and force it to the disk; its name in the folder needs `sync` of the folder."""
    with open(path, 'wb') as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Force a file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
