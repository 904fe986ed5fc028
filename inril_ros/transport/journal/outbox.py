# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What of the journal is to be sent when, until the other side has acknowledged it.

Go-back-N over the journal: a window of records is on its way, and when nothing was acknowledged
for a while all of it is sent again. Only the window is in memory; the rest waits on disk, however
long the other side is away. The clock is the caller's.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Records = Iterator[tuple[int, bytes]]


@dataclass(frozen=True)
class Parcel:
    """A record to send.

    Attributes:
        sequence: Its number.
        previous: Number of the one before it; numbers between the two do not exist any more.
        record: The message, as it was journaled.
    """

    sequence: int
    previous: int
    record: bytes


class Outbox:
    """The sending side's state; see the file's head.

    Args:
        read_after: Reads the journal after a number, in order (``Journal.after``).
        last_sequence: Number of the last record in the journal.
        patience: [s] Without an acknowledgement for so long, what is on its way is sent again.
        window: Records on their way, and in memory, at most.
        window_bytes: [byte] The same, by size; one record may always be on its way.
    """

    def __init__(self, read_after: Callable[[int], Records], last_sequence: int, patience: float,
                 window: int = 256, window_bytes: int = 64_000_000) -> None:
        self._read_after = read_after
        self._last = last_sequence
        self._patience = patience
        self._size = window
        self._bytes = window_bytes
        self._window: deque[Parcel] = deque()
        self._unsent = 0  # of the window, at its end
        self._reader: Records | None = None
        self._reached = 0  # number of the last record that was in the window
        self._heard_at = 0.0
        self.acknowledged = 0

    @property
    def waiting(self) -> int:
        """Number of the last record that is not acknowledged, 0 if all are."""
        return self._last if self._last > self.acknowledged else 0

    def add(self, sequence: int, record: bytes) -> None:
        """Take a record that was journaled."""
        if self._reached == self._last and self._has_room():
            self._put(sequence, record)
        self._last = sequence

    def acknowledge(self, sequence: int, now: float) -> None:
        """Note that the other side has everything up to a number; it may be less than before.

        Args:
            sequence: That number.
            now: [s] Any clock that goes on.
        """
        if sequence < self.acknowledged:  # it came back with less
            self._window.clear()
            self._unsent = 0
            self._reader = None
            self._reached = sequence
        elif sequence > self.acknowledged:
            self._heard_at = now
        self.acknowledged = sequence
        while self._window and self._window[0].sequence <= sequence:
            self._window.popleft()
        self._unsent = min(self._unsent, len(self._window))
        if self._reached < sequence:
            self._reached = sequence
            self._reader = None

    def due(self, now: float) -> list[Parcel]:
        """Return what is to be sent now, in order; the caller sends all of it.

        Args:
            now: [s] The clock of ``acknowledge``.
        """
        self._fill()
        if self._window and self._unsent < len(self._window) \
                and now - self._heard_at >= self._patience:
            self._unsent = len(self._window)
            self._heard_at = now
        if not self._unsent:
            return []
        if self._unsent == len(self._window):  # nothing else is on its way
            self._heard_at = now
        parcels = list(self._window)[-self._unsent:]
        self._unsent = 0
        return parcels

    def _fill(self) -> None:
        """Read on in the journal while the window has room."""
        while self._has_room() and self._reached < self._last:
            if self._reader is None:
                self._reader = self._read_after(self._reached)
            sequence, record = next(self._reader, (0, b''))
            if not sequence:  # the end of what was there when the reader came to it
                self._reader = None
                sequence, record = next(self._read_after(self._reached), (0, b''))
                if not sequence:  # damaged since it was written: nothing is there to be sent
                    self._last = self._reached
                    return
            if sequence > self._reached:
                self._put(sequence, record)

    def _has_room(self) -> bool:
        held = sum(len(parcel.record) for parcel in self._window)
        return not self._window or (len(self._window) < self._size and held < self._bytes)

    def _put(self, sequence: int, record: bytes) -> None:
        previous = self._window[-1].sequence if self._window else self.acknowledged
        self._window.append(Parcel(sequence, previous, record))
        self._unsent += 1
        self._reached = sequence
