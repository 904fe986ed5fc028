# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Shared memory of Fast DDS that holds a burst of weights, in the process that sends them.

Fast DDS leaves it behind when a process is killed: 32 MB each time.
"""

from contextlib import suppress
import fcntl
import os
from pathlib import Path
import re
import shutil
import time

from inril_ros.nodes.dds.profiles import chosen, use_profile

#: [byte] Shared memory that must be free; with less, Fast DDS would use none at all.
FREE = 40_000_000
#: Folder of the system's named shared memory.
SHARED_MEMORY = Path('/dev/shm')
#: [s] Younger files may belong to a process that is about to lock them.
YOUNG = 60.0

_LOCK = re.compile(r'(fast(?:dds|rtps)_[0-9a-f]{16})_el')


def keep_bursts() -> None:
    """Make Fast DDS, if it is used, load the profile in ``config/dds/learner.xml``.

    Call it before rclpy is initialised. Settings in the environment take precedence.

    Raises:
        FileNotFoundError: The package's configuration isn't installed.
    """
    if not chosen() and SHARED_MEMORY.is_dir() \
            and shutil.disk_usage(SHARED_MEMORY).free >= FREE:
        use_profile('learner')


def sweep(folder: Path = SHARED_MEMORY, young: float = YOUNG) -> int:
    """Remove this user's shared memory of Fast DDS that no process uses, as its own tool does.

    A living process holds a lock on a file beside its memory. A process that still reads the
    memory of a dead one can go on reading: only the name is removed.

    Args:
        folder: Folder of the shared memory; may be missing.
        young: [s] See ``YOUNG``.

    Returns:
        Number of segments removed.
    """
    removed = 0
    for lock in folder.glob('fast*_el'):
        name = _LOCK.fullmatch(lock.name)
        with suppress(OSError):  # in use, or another process sweeps too
            about = lock.stat()
            if name is None or about.st_uid != os.getuid() \
                    or time.time() - about.st_mtime < young:
                continue
            with lock.open('r+b') as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                (folder / name[1]).unlink(missing_ok=True)
                lock.unlink()
                removed += 1
    return removed
