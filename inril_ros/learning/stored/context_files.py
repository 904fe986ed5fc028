# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a replay keeps with observations, as a log of rows in files.

A host may store something with each observation (base actions, candidate chunks) and replace some
of it later. Each checkpoint appends a file with the rows that were written since the last one.
When most rows of the log are outdated, those in force are written to new files, which replace it.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import hashlib
import os
from pathlib import Path
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch

from inril_ros.learning.experience import FloatArray
from inril_ros.learning.policies.artifact import from_bytes, to_bytes
from inril_ros.learning.synced_files import write_synced

_NAME = re.compile(r'^context-(\d{8,18})\.safetensors$')
_FILE_BYTES = 64_000_000
_MOST_FILES = 256
_FEWEST_ROWS = 10_000  # of a log that is worth rewriting


@dataclass(frozen=True)
class ContextRows:
    """Rows that were written in one go."""

    number: int
    """The episode."""
    steps: NDArray[np.int64]
    """(R,) the observations within it."""
    values: FloatArray
    """(R, ...)"""


class ContextFiles:
    """The log of one run, for one process at a time.

    `entries` are the files in force in their order, as a checkpoint names them.
    """

    def __init__(self, folder: Path) -> None:
        """Open or create the folder; the log is empty until `read`."""
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._next = 1 + max((int(_NAME.match(name)[1]) for name in self._present()), default=0)
        self.entries: list[dict[str, Any]] = []

    def append(self, changes: Sequence[ContextRows]) -> None:
        """Write rows to a new file and force it to the disk.

        Raises:
            OSError: The disk is full or failed; the log is as before.
        """
        if changes:
            self.entries.append(self._write(changes))

    def shorten(self, lengths: Mapping[int, int]) -> None:
        """Rewrite the log if most of its rows are outdated.

        Args:
            lengths: Number of rows of each episode that is still remembered.

        Raises:
            OSError: The disk is full or failed; the log is as before.
        """
        rows = sum(entry['rows'] for entry in self.entries)
        needed = 2 * sum(lengths.values()) + _FEWEST_ROWS
        if rows <= needed and len(self.entries) <= _MOST_FILES:
            return
        contexts, damaged = self.contents(self.entries)
        if damaged:  # they are needed for nothing else; the next start reports them
            return
        entries, part, size = [], [], 0
        for number in sorted(set(lengths) & set(contexts)):
            values = contexts.pop(number)
            part.append(ContextRows(number, np.arange(len(values)), values))
            size += values.nbytes
            if size > _FILE_BYTES:
                entries.append(self._write(part))
                part, size = [], 0
        self.entries = entries + ([self._write(part)] if part else [])

    def contents(self, entries: Sequence[Mapping[str, Any]],
                 ) -> tuple[dict[int, FloatArray], list[str]]:
        """Return what is stored with each episode, and descriptions of damaged files.

        An episode that isn't complete is left out.

        Raises:
            OSError: The disk can't be read.
        """
        contexts: dict[int, FloatArray] = {}
        missing: dict[int, NDArray[np.bool_]] = {}
        damaged: list[str] = []
        for entry in entries:
            try:
                numbers, steps, values = self._read(entry)
            except ValueError as error:
                damaged.append(str(error))
                continue
            order = np.argsort(numbers, kind='stable')  # the last row of a step counts
            bounds = np.flatnonzero(np.diff(numbers[order])) + 1
            for group in np.split(order, bounds):
                number, inside = int(numbers[group[0]]), steps[group]
                if number not in contexts:
                    if inside.max() >= len(group):  # its first rows were in a damaged file
                        continue
                    length = int(inside.max()) + 1
                    contexts[number] = np.empty((length, *values.shape[1:]), np.float32)
                    missing[number] = np.ones(length, np.bool_)
                known = contexts[number]
                if inside.max() >= len(known) or values.shape[1:] != known.shape[1:]:
                    damaged.append(f'{entry["name"]}: rows of episode {number} do not fit')
                    continue
                known[inside] = values[group]
                missing[number][inside] = False
        return {number: values for number, values in contexts.items()
                if not missing[number].any()}, damaged

    def release(self, kept: set[str]) -> None:
        """Remove the files that are neither kept nor in force."""
        for name in self._present() - kept - {entry['name'] for entry in self.entries}:
            (self._folder / name).unlink(missing_ok=True)

    def _write(self, changes: Sequence[ContextRows]) -> dict[str, Any]:
        numbers = np.concatenate([np.full(len(rows.steps), rows.number) for rows in changes])
        data = to_bytes({
            'numbers': torch.from_numpy(numbers.astype(np.int64)),
            'steps': torch.from_numpy(np.concatenate([rows.steps for rows in changes])),
            'values': torch.from_numpy(np.concatenate([rows.values for rows in changes]))})
        name = f'context-{self._next:08d}.safetensors'
        self._next += 1
        write_synced(self._folder / name, data)
        return {'name': name, 'hash': hashlib.sha256(data).hexdigest(), 'rows': len(numbers)}

    def _read(self, entry: Mapping[str, Any]) -> tuple[
            NDArray[np.int64], NDArray[np.int64], FloatArray]:
        """Return the rows of a file; ValueError if it is missing or damaged."""
        path = self._folder / entry['name']
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise ValueError(f'{path} is missing') from error
        if hashlib.sha256(data).hexdigest() != entry['hash']:
            raise ValueError(f'{path} does not match its hash: it is damaged')
        tensors = from_bytes(data)
        try:
            numbers, steps, values = (
                tensors[name].numpy() for name in ('numbers', 'steps', 'values'))
        except (KeyError, TypeError) as error:  # numpy lacks some types
            raise ValueError(f'{path}: expected numbers, steps and values: {error}') from error
        if not (numbers.dtype == steps.dtype == np.int64 and values.dtype == np.float32
                and numbers.ndim == steps.ndim == 1 and values.ndim > 1
                and len(numbers) == len(steps) == len(values) > 0 and steps.min() >= 0):
            raise ValueError(f'{path}: numbers, steps and values do not fit each other')
        return numbers, steps, values

    def _present(self) -> set[str]:
        return {entry.name for entry in os.scandir(self._folder) if _NAME.match(entry.name)}


def checked_entries(entries: Any) -> list[dict[str, Any]]:
    """Return the entries that a checkpoint names, checked.

    Raises:
        ValueError: They are no list of names, hashes and counts.
    """
    def fits(entry: Any) -> bool:
        return (isinstance(entry, dict) and set(entry) == {'name', 'hash', 'rows'}
                and isinstance(entry['name'], str) and bool(_NAME.match(entry['name']))
                and isinstance(entry['hash'], str) and type(entry['rows']) is int
                and 0 < entry['rows'] < 2 ** 40)

    if not isinstance(entries, list) or not all(fits(entry) for entry in entries):
        raise ValueError('context: expected a list of name, hash and rows of files')
    return entries
