# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of a run: each one complete or absent, several kept, the newest valid one loaded.

A checkpoint is a folder of safetensors and JSON with hashes of both (see `artifact`), written
beside its final place, forced to the disk and renamed. A thread writes a copy while learning goes
on. A checkpoint that can't be written or read affects no other one.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
import re
import shutil
from typing import Any, Generic, TypeVar

from torch import Tensor

from inril_ros.learning.policies.artifact import read_folder, write_folder

_NAME = re.compile(r'^\d{8}$')
_LEFTOVER = re.compile(r'^\.\d{8}\.')  # of an interrupted write; see `write_folder`

Token = TypeVar('Token')


@dataclass(frozen=True)
class Checkpoint:
    """A saved state and its folder."""

    folder: Path
    tensors: dict[str, Tensor]
    document: dict[str, Any]


class CheckpointStore:
    """The checkpoints in one folder, for one process at a time.

    `damaged` lists the ones that `newest` found damaged and put aside, `unreadable` those that the
    disk did not give and that are left where they are, each with its reason.
    """

    def __init__(self, folder: Path, keep: int = 3) -> None:
        """Open or create a folder; the remains of interrupted writes are removed.

        Raises:
            ValueError: `keep` is less than 1.
        """
        if keep < 1:
            raise ValueError(f'keep is {keep}: at least one checkpoint must be kept')
        self.folder = Path(folder)
        self.damaged: list[str] = []
        self.unreadable: list[str] = []
        self._keep = keep
        self.folder.mkdir(parents=True, exist_ok=True)
        for leftover in self.folder.iterdir():
            if _LEFTOVER.match(leftover.name):
                shutil.rmtree(leftover)

    def newest(self, check: Callable[[Checkpoint], None] | None = None) -> Checkpoint | None:
        """Return the newest checkpoint that verifies, None if there is none.

        Damaged ones are renamed to `.damaged`: they must not push good ones out. One that can't be
        read for another reason (no rights, too many open files, a failing disk) may be good, and
        is left out this time.

        Args:
            check: Raises a ValueError if a checkpoint has no content that can be continued from.

        Raises:
            OSError: None can be read, and at least one may be good: nothing is begun anew over it.
        """
        self.damaged, self.unreadable = [], []
        for folder in reversed(self._folders()):
            try:
                found = Checkpoint(folder, *read_folder(folder))
                if check is not None:
                    check(found)
                return found
            except ValueError as error:
                self.damaged.append(f'{folder.name}: {error}')
                aside = folder.with_suffix('.damaged')
                shutil.rmtree(aside, ignore_errors=True)
                folder.rename(aside)
            except OSError as error:
                self.unreadable.append(f'{folder}: {error}')
        if self.unreadable:
            raise OSError('no checkpoint can be read, and none is put aside; mend the disk or the '
                          f'rights, or move them away: {"; ".join(self.unreadable)}')
        return None

    def save(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> Path:
        """Write a checkpoint, and remove the oldest ones.

        Raises:
            OSError: It could not be written; earlier ones are unchanged.
        """
        folders = self._folders()
        folder = self.folder / f'{1 + int(folders[-1].name if folders else 0):08d}'
        write_folder(folder, tensors, document)
        for old in [*folders, folder][:-self._keep]:
            shutil.rmtree(old)
        return folder

    def older(self, than: Checkpoint) -> list[str]:
        """Return the names of the checkpoints before another one, newest first."""
        return [folder.name for folder in reversed(self._folders())
                if folder.name < than.folder.name]

    def _folders(self) -> list[Path]:
        """Return the checkpoints, oldest first."""
        return sorted(path for path in self.folder.iterdir() if _NAME.match(path.name))


class BackgroundWriter(Generic[Token]):
    """Writes in a thread, one state at a time: no write begins while another one is running."""

    def __init__(self) -> None:
        """Begin; `close` ends the thread."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix='checkpoint')
        self._writing: tuple[Future[object], Token] | None = None

    @property
    def busy(self) -> bool:
        """Return whether a write is running or its result was not fetched by `finished`."""
        return self._writing is not None

    def begin(self, write: Callable[[], object], token: Token) -> None:
        """Begin to write a copy that nobody changes any more.

        Args:
            write: Writes it.
            token: Value that `finished` returns once it is on disk.

        Raises:
            RuntimeError: The result of the last write was not fetched.
        """
        if self._writing is not None:
            raise RuntimeError('begin() before the result of the last write was fetched')
        self._writing = self._thread.submit(write), token

    def finished(self, wait: bool = False) -> Token | None:
        """Return the token of a finished write, once; else None.

        Args:
            wait: Wait for the running write.

        Raises:
            Exception: The error of the write; nothing of it is on disk.
        """
        if self._writing is None or not (wait or self._writing[0].done()):
            return None
        (future, token), self._writing = self._writing, None
        future.result()
        return token

    def close(self) -> None:
        """Wait for the running write, and end the thread."""
        self._thread.shutdown(wait=True)
