# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of a run: each whole or absent, several kept, the newest that verifies wins.

A checkpoint is a folder of safetensors and JSON with hashes of both (see `artifact`), written
beside its place, forced to the disk and renamed. Writing happens in a thread: what is saved is a
copy, and learning goes on meanwhile. One that can't be written, or read again, costs itself only.
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
_LEFTOVER = re.compile(r'^\.\d{8}\.')  # of a write that was cut off; see `write_folder`

Token = TypeVar('Token')


@dataclass(frozen=True)
class Checkpoint:
    """What was saved, and where it was found."""

    folder: Path
    tensors: dict[str, Tensor]
    document: dict[str, Any]


class CheckpointStore:
    """The checkpoints in one folder, for one process at a time.

    `damaged` says which ones could not be read, and why, once `newest` was called.
    """

    def __init__(self, folder: Path, keep: int = 3) -> None:
        """Open a folder; it is made if need be, and what a cut-off write left is removed.

        Raises:
            ValueError: `keep` is less than 1.
        """
        if keep < 1:
            raise ValueError(f'keep is {keep}: at least one checkpoint must be kept')
        self.folder = Path(folder)
        self.damaged: list[str] = []
        self._keep = keep
        self.folder.mkdir(parents=True, exist_ok=True)
        for leftover in self.folder.iterdir():
            if _LEFTOVER.match(leftover.name):
                shutil.rmtree(leftover)

    def newest(self) -> Checkpoint | None:
        """Return the newest checkpoint that verifies, None if there is none.

        Those that do not are put aside (`.damaged`): they must not push good ones out.
        """
        self.damaged = []
        for folder in reversed(self._folders()):
            try:
                return Checkpoint(folder, *read_folder(folder))
            except ValueError as error:
                self.damaged.append(str(error))
                aside = folder.with_suffix('.damaged')
                shutil.rmtree(aside, ignore_errors=True)
                folder.rename(aside)
        return None

    def save(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> Path:
        """Write a checkpoint, and remove the oldest ones.

        Raises:
            OSError: It could not be written; those before it are as they were.
        """
        folders = self._folders()
        folder = self.folder / f'{1 + int(folders[-1].name if folders else 0):08d}'
        write_folder(folder, tensors, document)
        for old in [*folders, folder][:-self._keep]:
            shutil.rmtree(old)
        return folder

    def _folders(self) -> list[Path]:
        """Return the checkpoints, oldest first."""
        return sorted(path for path in self.folder.iterdir() if _NAME.match(path.name))


class BackgroundWriter(Generic[Token]):
    """Writes in a thread, one thing at a time.

    While one is being written no other is begun: the disk is too slow for so many.
    """

    def __init__(self) -> None:
        """Begin; `close` ends the thread."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix='checkpoint')
        self._writing: tuple[Future[object], Token] | None = None

    @property
    def busy(self) -> bool:
        """Return whether something is being written, or its outcome was not taken yet."""
        return self._writing is not None

    def begin(self, write: Callable[[], object], token: Token) -> None:
        """Begin to write. What is written must be a copy that nobody changes any more.

        :param token: given back when it is on disk
        Raises:
            RuntimeError: The outcome of the last one was not taken.
        """
        if self._writing is not None:
            raise RuntimeError('begin() before the outcome of the last write was taken')
        self._writing = self._thread.submit(write), token

    def finished(self, wait: bool = False) -> Token | None:
        """Return the token of what has come to be on disk, once; None if nothing has.

        :param wait: for what is being written
        Raises:
            Exception: What the writing raised; nothing of it is on disk.
        """
        if self._writing is None or not (wait or self._writing[0].done()):
            return None
        (future, token), self._writing = self._writing, None
        future.result()
        return token

    def close(self) -> None:
        """Wait for what is being written, and end the thread."""
        self._thread.shutdown(wait=True)
