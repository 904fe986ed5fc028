# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Shared memory that holds a burst of weights, for the process that sends them.

It belongs to Fast DDS, which leaves it behind where a process is killed: 32 MB each time.
"""

from contextlib import suppress
import fcntl
import os
from pathlib import Path
import re
import shutil
import time

from inril_ros.robot.configuration_folder import configuration_folder

#: What a user may have set to choose the transports of Fast DDS; nothing is chosen then.
VARIABLES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTDDS_BUILTIN_TRANSPORTS',
             'FASTRTPS_DEFAULT_PROFILES_FILE')
#: [byte] Of shared memory that must be free; with less, Fast DDS would take none at all.
FREE = 40_000_000
#: Where the system keeps shared memory by name.
SHARED_MEMORY = Path('/dev/shm')
#: [s] Younger files may be of a process that is about to lock them.
YOUNG = 60.0

_LOCK = re.compile(r'(fast(?:dds|rtps)_[0-9a-f]{16})_el')


def keep_bursts() -> None:
    """Have Fast DDS, if it is used, take the profile in ``config/dds/learner.xml``.

    To be called before rclpy begins. What the environment says goes before it.

    Raises:
        FileNotFoundError: The package's configuration isn't installed.
    """
    if any(os.environ.get(name) for name in VARIABLES) or not SHARED_MEMORY.is_dir() \
            or shutil.disk_usage(SHARED_MEMORY).free < FREE:
        return
    os.environ[VARIABLES[0]] = str(configuration_folder() / 'dds' / 'learner.xml')


def sweep(folder: Path = SHARED_MEMORY, young: float = YOUNG) -> int:
    """Remove this user's shared memory of Fast DDS that no process uses, as its own tool does.

    A process that lives holds a lock on a file beside its memory. Whoever still reads the memory
    of a dead one goes on reading: only its name goes.

    Args:
        folder: Where the memory is; nothing is done if it isn't there.
        young: [s] See ``YOUNG``.

    Returns:
        How many were removed.
    """
    removed = 0
    for lock in folder.glob('fast*_el'):
        name = _LOCK.fullmatch(lock.name)
        with suppress(OSError):  # it is in use, or another sweeps, too
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
