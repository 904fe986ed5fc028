# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A bag that is written by a thread of its own, so that a slow disk doesn't delay the caller.

The queue is bounded. When it is full, messages are dropped and counted or, in lockstep, the caller
waits. When the disk is full or fails, writing ends; what was written stays in the unfinished bag,
from which it can be recovered.
"""

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from threading import Condition, Thread

from inril_ros.data.bags.bags import BagError, EpisodeBag

CAPACITY = 256 * 2**20
_Row = tuple[str, str, int, bytes]


class QueuedBag:
    """The bag of one running episode; use it from one thread.

    Args:
        bag: An open, empty bag, which is written and closed here.
        lossless: Whether ``write`` waits when the queue is full, instead of dropping messages.
        capacity: Size of the queue [byte].

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
        self._information: Mapping[str, str] = {}
        self._keep = False
        self._target = bag.path
        self._error: Exception | None = None
        self._changed = Condition()
        self.dropped = 0
        self._thread = Thread(target=self._run, name='bag writer', daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        """The bag's folder when it is closed."""
        return self._bag.path

    @property
    def failure(self) -> str:
        """Why writing has ended; empty while it goes on."""
        return '' if self._error is None else f'{self._bag.path}: {self._error}'

    def write(self, topic: str, message_type: str, stamp: int, raw: bytes) -> None:
        """Queue a serialised message for ``EpisodeBag.write``."""
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

    def close(self, information: Mapping[str, str], keep: bool) -> Path:
        """Write the queue and finish the bag as ``EpisodeBag.close`` does.

        Raises:
            BagError: The disk failed; the unfinished bag stays for recovery.
        """
        with self._changed:
            self._information, self._keep = information, keep
            self._ended = True
            self._changed.notify_all()
        self._thread.join()
        if self._error is not None:
            reason = getattr(self._error, 'strerror', '') or self._error
            raise BagError(f'{self._bag.path}: could not be written: {reason}') from self._error
        return self._target

    def _run(self) -> None:
        try:
            while rows := self._next():
                for row in rows:
                    self._bag.write(*row)
                    with self._changed:
                        self._bytes -= len(row[3])
                        self._changed.notify_all()
            information = dict(self._information)
            if self.dropped:
                information['dropped'] = str(self.dropped)
            self._target = self._bag.close(information, self._keep)
        except Exception as error:  # of any kind: a caller that waits for room must go on
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _next(self) -> list[_Row]:
        """Wait for messages to write; return none when the bag must be closed."""
        with self._changed:
            while not self._waiting and not self._ended:
                self._changed.wait()
            rows = list(self._waiting)
            self._waiting.clear()
        return rows
