# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One writer per folder: two recorders must not share a journal, nor two learners a run.

The kernel releases the lock (``flock``) when the process ends, however it ends: a kill leaves
nothing to clean up. The file names the holder and the boot of the machine, so that the next
process knows whether the machine went down in the meantime.
"""

from contextlib import suppress
import fcntl
import json
import os
from pathlib import Path
import socket

LOCK_FILE = '.lock'
_BOOT_ID = Path('/proc/sys/kernel/random/boot_id')


class FolderInUseError(OSError):
    """Another process holds the folder; the message says which one."""


class FolderLock:
    """Hold a folder until ``release`` or until the process ends.

    Args:
        folder: The folder; made if it doesn't exist.
        purpose: Its use, for the message that other processes get.

    Raises:
        FolderInUseError: Another process holds it.
    """

    def __init__(self, folder: Path, purpose: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / LOCK_FILE
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _read(self._descriptor)
            os.close(self._descriptor)
            raise FolderInUseError(
                f'{folder} is in use for {holder.get("purpose", "something")} by process '
                f'{holder.get("process", "?")} on {holder.get("host", "?")}: stop that one first, '
                'or take another folder') from error
        former = _read(self._descriptor)
        #: The folder was not released, and the machine was rebooted since: what had not been
        #: forced to the disk is gone.
        self.machine_went_down = former.get('boot', _boot_id()) != _boot_id()
        self._holder: dict[str, object] | None = {
            'purpose': purpose, 'process': os.getpid(), 'host': socket.gethostname(),
            'boot': _boot_id()}
        with suppress(OSError):  # a full disk can be read nevertheless
            self.note_holder()

    def note_holder(self) -> None:
        """Write down who holds the folder, unless that is done; before the first write into it.

        Raises:
            OSError: It could not be written.
        """
        if self._holder is not None:
            _write(self._descriptor, self._holder)
            self._holder = None

    def release(self) -> None:
        """Release the folder; a second call does nothing."""
        if self._descriptor < 0:
            return
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
        self._descriptor = -1


def _boot_id() -> str:
    """Return the ID of the machine's boot; empty if it is unknown."""
    try:
        return _BOOT_ID.read_text(encoding='ascii').strip()
    except OSError:
        return ''


def _read(descriptor: int) -> dict[str, object]:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(descriptor: int, content: dict[str, object]) -> None:
    text = json.dumps(content).encode()
    os.pwrite(descriptor, text, 0)
    os.ftruncate(descriptor, len(text))
    os.fsync(descriptor)
