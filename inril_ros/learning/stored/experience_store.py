# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The experience of a run on the disk, beside the checkpoints, which refer to it.

A checkpoint has the numbers and hashes of the episodes that the session remembers, and names the
files with what the host stored with them. Its size, and the time to make it, depend on what was
experienced since the last one; a few bytes per episode are all that grows with age.
"""
from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from inril_ros.learning.experience import Episode, FloatArray
from inril_ros.learning.replay import Origin
from inril_ros.learning.stored.context_files import checked_entries, ContextFiles, ContextRows
from inril_ros.learning.stored.experience_files import ExperienceFiles, HASHES

Numbers = NDArray[np.int64]
Recalled = tuple[Episode, Origin, 'FloatArray | None']
"""An episode with a number, its origin, and what the host stored with its observations."""


@dataclass(frozen=True)
class Snapshot:
    """A session at one moment, beside a store."""

    tensors: dict[str, Tensor]
    document: str
    """JSON"""
    numbers: Numbers
    """(n,) the episodes that are remembered, in rising order."""
    below: int
    """Episodes with this number or a higher one came later."""


class ExperienceStore:
    """Episodes, and what hosts store with them, for one process at a time.

    `add` and `changed` belong to the thread that learns, `save` and `release` to the one that
    writes checkpoints. `read` comes before all others.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        """Open or create the folder; `keep` checkpoints are kept."""
        self._files = ExperienceFiles(folder)
        self._contexts = ContextFiles(folder)
        self._unwritten: list[ContextRows] = []
        self._damaged: dict[int, str] = {}
        self._lengths: dict[int, int] = {}  # of the contexts that were written
        # What the kept checkpoints refer to, as far as this process wrote them.
        self._kept: deque[tuple[set[int], set[str]]] = deque(maxlen=keep)

    @property
    def next_number(self) -> int:
        """Return the number that the next episode gets."""
        return self._files.next_number

    def add(self, episode: Episode, origin: Origin) -> Episode:
        """Return the episode with a number; see `ExperienceFiles.add`."""
        return self._files.add(episode, origin)

    def changed(self, rows: Sequence[ContextRows]) -> None:
        """Note rows that the next `save` writes; not while one is running."""
        self._unwritten.extend(rows)

    def take_damaged(self) -> dict[int, str]:
        """Return the episodes whose images turned out to be damaged, and what is wrong with them.

        Images that were there at the start are checked by the first `save`.
        """
        damaged, self._damaged = self._damaged, {}
        return damaged

    def save(self, numbers: Numbers) -> tuple[dict[str, Tensor], list[dict[str, Any]]]:
        """Write what isn't on the disk yet; return the tensors and entries of a checkpoint.

        Args:
            numbers: The episodes that are remembered, in rising order.

        Raises:
            OSError: The disk is full or failed; a later call tries again.
        """
        self._damaged.update(self._files.check_images())
        hashes = self._files.write(numbers.tolist())
        self._contexts.append(self._unwritten)
        for rows in self._unwritten:
            longest = self._lengths.get(rows.number, 0)
            self._lengths[rows.number] = max(longest, int(rows.steps.max()) + 1)
        self._unwritten.clear()
        alive = set(numbers.tolist())
        self._lengths = {number: length for number, length in self._lengths.items()
                         if number in alive}
        self._contexts.shorten(self._lengths)
        return ({'experience.numbers': torch.from_numpy(numbers),
                 'experience.hashes': torch.from_numpy(hashes)}, list(self._contexts.entries))

    def release(self, numbers: Numbers, below: int, entries: Sequence[Mapping[str, Any]]) -> None:
        """Remove what no kept checkpoint refers to, after a checkpoint was put in place.

        Args:
            numbers: The episodes of that checkpoint.
            below: Episodes with this number or a higher one came later.
            entries: Its entries of contexts.
        """
        self._kept.append((set(numbers.tolist()), {entry['name'] for entry in entries}))
        if len(self._kept) == self._kept.maxlen:
            self._files.release(set().union(*(kept for kept, _ in self._kept)), below)
            self._contexts.release(set().union(*(names for _, names in self._kept)))

    def read(self, tensors: Mapping[str, Tensor], entries: Any,
             damaged: list[str], progress: Callable[[int, int], None] = lambda done, of: None,
             ) -> Iterator[Recalled]:
        """Return the episodes of a checkpoint, in the order in which they were experienced.

        Args:
            tensors: The checkpoint's tensors.
            entries: Its entries of contexts.
            damaged: Gets a description of each file that is damaged; what was in it is left out.
            progress: Called with the number of episodes that were read, and of all.

        Raises:
            ValueError: The checkpoint doesn't say what it refers to.
            OSError: The disk can't be read.
        """
        numbers, hashes = referred(tensors)
        self._contexts.entries = checked_entries(entries)
        contexts, found = self._contexts.contents(self._contexts.entries)
        damaged.extend(found)
        self._lengths = {number: len(values) for number, values in contexts.items()}
        for done, (number, hash_bytes) in enumerate(zip(numbers.tolist(), hashes), start=1):
            try:
                episode, origin = self._files.read(number, hash_bytes.tobytes())
            except ValueError as error:
                damaged.append(str(error))
            else:
                yield episode, origin, contexts.pop(number, None)
            progress(done, len(numbers))


def referred(tensors: Mapping[str, Tensor]) -> tuple[Numbers, NDArray[np.uint8]]:
    """Return the numbers (n,) of the episodes of a checkpoint, and their hashes (n, HASHES).

    Raises:
        ValueError: They are missing or do not fit each other.
    """
    try:
        numbers = tensors['experience.numbers'].numpy()
        hashes = tensors['experience.hashes'].numpy()
    except (KeyError, TypeError) as error:  # numpy lacks some types
        raise ValueError(f'experience: no numbers and hashes of episodes: {error}') from error
    if not (numbers.dtype == np.int64 and hashes.dtype == np.uint8 and numbers.ndim == 1
            and hashes.shape == (len(numbers), HASHES) and (numbers >= 0).all()
            and (np.diff(numbers) > 0).all()):
        raise ValueError('experience: expected rising numbers of episodes and a hash of each one')
    return numbers, hashes
