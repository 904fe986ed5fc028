# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The shared memory of Fast DDS that a process has."""

from pathlib import Path


def shared_memory_of(pid):
    """Return the Fast DDS segment files that a process has mapped, largest first."""
    lines = Path('/proc', str(pid), 'maps').read_text(encoding='utf-8').splitlines()
    # Fast DDS 3 calls them fastdds_*, Fast DDS 2 (Jazzy) fastrtps_*. Those of participants that
    # have ended are deleted.
    files = {Path(line.split()[-1]) for line in lines if '/dev/shm/fast' in line
             and not line.endswith('(deleted)')}
    return sorted((path for path in files if 'port' not in path.name),
                  key=lambda path: path.stat().st_size, reverse=True)
