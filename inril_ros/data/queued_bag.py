# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A bag that is written by a thread of its own: a slow disk doesn't hold up who listens.

What waits to be written is bounded. When it is full, messages are dropped and counted, unless the
writer was told that none may be lost: then it waits, as lockstep does. When the disk is full, or
fails, writing ends; what was written until then stays where it is, under the name of an unfinished
bag, from which it can be recovered.
"""

from collections import deque
from pathlib import Path
from threading import Condition, Thread

from inril_ros.data.bags import BagError, EpisodeBag

CAPACITY = 256 * 2**20
_Row = tuple[str, str, int, bytes]


class QueuedBag:
    """The bag of one running episode; use it from one thread.

    Args:
        bag: Open and empty; it is written and closed here.
        lossless: Wait when too much is waiting, and drop nothing.
        capacity: [byte] That may wait.

    Attributes:
        dropped: Messages that were lost because the disk was too slow.
    """

    def __init__(self, bag: EpisodeBag, lossless: bool, capacity: int = CAPACITY) -> None:
        self._bag = bag
        self._lossless = lossless
        self._capacity = capacity
        self._waiting: deque[_Row] = deque()
        self._bytes = 0
        self._ended = False
        self._error: Exception | None = None
        self._changed = Condition()
        self.dropped = 0
        self._thread = Thread(target=self._run, name='bag writer', daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        """Where the bag will be when it is closed."""
        return self._bag.path

    @property
    def failure(self) -> str:
        """Why writing has ended; empty: it goes on."""
        return '' if self._error is None else f'{self._bag.path}: {self._error}'

    def write(self, topic: str, message_type: str, stamp: int, raw: bytes) -> None:
        """Write a serialised message, soon; see ``EpisodeBag.write``."""
        with self._changed:
            while self._lossless and self._bytes > self._capacity and self._error is None:
                self._changed.wait()
            if self._error is not None:
                return
            if self._bytes > self._capacity:
                self.dropped += 1
                return
            self._waiting.append((topic, message_type, stamp, raw))
            self._bytes += len(raw)
            self._changed.notify_all()

    def close(self, information: dict[str, str], keep: bool) -> Path:
        """Write all that waits and finish the bag; see ``EpisodeBag.close``.

        Raises:
            BagError: The disk failed; the unfinished bag is left for recovery.
        """
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()
        if self.dropped:
            information = {**information, 'dropped': str(self.dropped)}
        try:
            if self._error is not None:
                raise self._error
            return self._bag.close(information, keep)
        except OSError as error:
            raise BagError(f'{self._bag.path}: could not be written: '
                           f'{error.strerror or error}') from error

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._ended:
                    self._changed.wait()
                rows = list(self._waiting)
                self._waiting.clear()
            if not rows:
                return
            for row in rows:
                if not self._try(row):
                    return

    def _try(self, row: _Row) -> bool:
        """Write a message; say whether the disk is still fine."""
        error = None
        try:
            self._bag.write(*row)
        except OSError as caught:
            error = caught
        with self._changed:
            self._bytes -= len(row[3])
            self._error = error
            self._changed.notify_all()
        return error is None
