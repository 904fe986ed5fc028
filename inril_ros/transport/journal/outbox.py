# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which records of the journal must be sent, until the receiver has acknowledged them.

Go-back-N over the journal: a window of records is in flight, and if none is acknowledged for a
while all of it is sent again. Only the window is in memory; the rest stays on disk, however long
the receiver is away. The caller provides the time.
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
        previous: Number of the record before it; those between the two are lost.
        record: The message as it was journaled.
    """

    sequence: int
    previous: int
    record: bytes


class Outbox:
    """The sender's state; see the module docstring.

    Args:
        read_after: Reads the journal after a number, in order (``Journal.after``).
        last_sequence: Number of the last record in the journal.
        patience: [s] Time without an acknowledgement after which the window is sent again.
        window: Most records in flight, and in memory.
        window_bytes: [byte] Most bytes in flight; one record is always allowed.
    """

    def __init__(self, read_after: Callable[[int], Records], last_sequence: int, patience: float,
                 window: int = 256, window_bytes: int = 64_000_000) -> None:
        self._read_after = read_after
        self._last = last_sequence
        self._patience = patience
        self._size = window
        self._bytes = window_bytes
        self._window: deque[Parcel] = deque()
        self._held = 0  # [byte] in the window
        self._unsent = 0  # records at the end of the window
        self._reader: Records | None = None
        self._reached = 0  # number of the last record that was in the window
        self._acknowledged_at = 0.0
        self.acknowledged = 0

    @property
    def waiting(self) -> int:
        """Number of the last record that is not acknowledged; 0 if all are."""
        return self._last if self._last > self.acknowledged else 0

    def add(self, sequence: int, record: bytes) -> None:
        """Add a record that was journaled."""
        if self._reached == self._last and self._has_room():
            self._put(sequence, record)
        self._last = sequence

    def acknowledge(self, sequence: int, now: float) -> None:
        """Note that the receiver has everything up to a number, which may be less than before.

        Args:
            sequence: The number.
            now: [s] Time of a steady clock.
        """
        if sequence < self.acknowledged:  # the receiver came back with less
            self._window.clear()
            self._held = self._unsent = 0
            self._reader = None
            self._reached = sequence
        elif sequence > self.acknowledged:
            self._acknowledged_at = now
        self.acknowledged = sequence
        while self._window and self._window[0].sequence <= sequence:
            self._held -= len(self._window.popleft().record)
        self._unsent = min(self._unsent, len(self._window))
        if self._reached < sequence:
            self._reached = sequence
            self._reader = None

    def due(self, now: float) -> list[Parcel]:
        """Return the records to send now, in order; the caller must send all of them.

        Args:
            now: [s] Time of the clock of ``acknowledge``.
        """
        self._fill()
        if self._window and self._unsent < len(self._window) \
                and now - self._acknowledged_at >= self._patience:
            self._unsent = len(self._window)
            self._acknowledged_at = now
        if not self._unsent:
            return []
        if self._unsent == len(self._window):  # nothing else is in flight
            self._acknowledged_at = now
        parcels = list(self._window)[-self._unsent:]
        self._unsent = 0
        return parcels

    def _fill(self) -> None:
        """Read more of the journal while the window has room."""
        while self._has_room() and self._reached < self._last:
            if self._reader is None:
                self._reader = self._read_after(self._reached)
            sequence, record = next(self._reader, (0, b''))
            if not sequence:  # the end of the segment when it was reached
                self._reader = None
                sequence, record = next(self._read_after(self._reached), (0, b''))
                if not sequence:  # damaged since it was written: nothing to send
                    self._last = self._reached
                    return
            if sequence > self._reached:
                self._put(sequence, record)

    def _has_room(self) -> bool:
        return not self._window or (
            len(self._window) < self._size and self._held < self._bytes)

    def _put(self, sequence: int, record: bytes) -> None:
        previous = self._window[-1].sequence if self._window else self.acknowledged
        self._window.append(Parcel(sequence, previous, record))
        self._held += len(record)
        self._unsent += 1
        self._reached = sequence
