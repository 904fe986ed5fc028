# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The clock of the stamps of a recording, from the headers of its small continuous streams.

One pass over these streams, without images and without decoding, finds the pauses between episodes
too. A simulation may be reset between episodes, so each episode has a clock of its own.
"""

from array import array
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from struct import error as StructError

import numpy as np

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.connection import Connection
from inril_ros.data.bags.recording import Recording
from inril_ros.data.importing.clock_map import ClockMap, fit_clock, SAME_CLOCK
from inril_ros.data.importing.corrected_stamps import stamp_in
from inril_ros.robot.messages.codecs import header_stamp_ns

_CLOCK = 'rosgraph_msgs/msg/Clock'
_FASTEST = 50.0  # times real time; faster or slower stamps are no simulation's
_SPACING = 5_000_000  # [ns] Of the samples of one stream that are kept
_TRANSFORM_SPACING = 100_000_000  # [ns] The same for TF, which must be decoded


@dataclass
class _Samples:
    """The stamps of one stream, and when they were received [ns]."""

    received: array = field(default_factory=lambda: array('q'))
    stamped: array = field(default_factory=lambda: array('q'))


class RecordedClocks:
    """The stamps of a recording's streams, and when their messages were received.

    Args:
        reader: The open recording.
        streams: The connections of continuous streams whose pauses are looked for.
        stamped: Those of them whose headers give the times of samples. Without any, the topic of
            the simulated clock is read, if there is one.
        others: Those whose headers, if they have any, are as their senders wrote them.

    Attributes:
        first: The bag's time [ns] of the streams' first message; 0 before they are read.
    """

    def __init__(self, reader: Recording, streams: list[Connection], stamped: list[Connection],
                 others: list[Connection]) -> None:
        self._reader = reader
        self._streams = streams
        clock = [] if stamped else [connection for connection in reader.connections
                                    if connection.msgtype == _CLOCK]
        # Without any stamps that count, the others still tell whether time was simulated.
        self._aside = {each.id: each for each in others} if not stamped and not clock else {}
        self._stamped = {each.id: each for each in (*stamped, *clock, *self._aside.values())}
        # The first field of each type.
        self._begins = {
            each.id: reader.types_of(each).fielddefs[each.msgtype][1][0][0]
            for each in self._stamped.values()}
        self.first = 0
        self._untimed = 0
        self._samples: dict[tuple[int, str], _Samples] = {}  # by connection and frame of TF

    def scan(self) -> Iterator[int]:
        """Read the stamps; yield the bag's time [ns] of each message of the streams, in order."""
        streams = {connection.id: connection for connection in self._streams}
        wanted = list({**streams, **self._stamped}.values())
        due = dict.fromkeys(self._stamped, 0)
        for connection, time, raw in self._reader.messages(wanted) if wanted else ():
            if time >= due.get(connection.id, time + 1):
                with suppress(BagError, StructError):  # its episode counts it as refused
                    due[connection.id] = time + self._add(connection, time, raw)
            if connection.id not in streams:
                continue
            if time:
                self.first = self.first or time
                yield time
            else:
                self._untimed += 1  # as those recorded before the first message of /clock

    def notes(self) -> tuple[str, ...]:
        """Return sentences about what the streams lack, after they were read."""
        return (f'{self._untimed} messages have the time 0 in the bag, as before the first '
                'message of a simulated clock: they are left out',) * bool(self._untimed)

    def _add(self, connection: Connection, time: int, raw: bytes) -> int:
        """Keep the stamps of a message; return when the next one is looked at [ns]."""
        begin = self._begins[connection.id]
        if begin == 'transforms':
            message = self._reader.deserialize(raw, connection)
            for each in message.transforms:
                self._keep(connection, each.child_frame_id, time, header_stamp_ns(each.header))
            return _TRANSFORM_SPACING
        if begin == 'header':
            is2 = connection.source.encoding != 'ros1'
            self._keep(connection, '', time, stamp_in(raw, is2))
        else:
            message = self._reader.deserialize(raw, connection)
            stamp = message.clock if connection.msgtype == _CLOCK else getattr(
                getattr(message, 'header', None), 'stamp', None)
            if stamp is not None:
                self._keep(connection, '', time, stamp.sec * 1_000_000_000 + stamp.nanosec)
        return _SPACING

    def _keep(self, connection: Connection, frame: str, time: int, stamp: int) -> None:
        samples = self._samples.setdefault((connection.id, frame), _Samples())
        samples.received.append(time)
        samples.stamped.append(stamp)

    def _simulated(self, start: int, end: int) -> str:
        """Return why a span of the bag's time [ns] can't be timed by arrivals; empty if it can.

        It can't if no stamp counts by the contract, but they all show that time was simulated.
        """
        clocks = {key: fit_clock(*span) for key, span in self._spans(start, end).items()}
        if not self._aside or not clocks or any(
                clock.offset is not None or not 1.0 / _FASTEST < clock.rate < _FASTEST
                for clock in clocks.values()):
            return ''
        (connection, _), clock = next(iter(clocks.items()))
        return (f'{self._aside[connection].topic}: its stamps run at {clock.rate:.2f} of real '
                'time, so time was simulated, and the contract has no observation that uses '
                'stamps. Set clock: header for its observations; if its stamps are wrong, say so '
                'in a mapping (stamps: {topic: receive})')

    def _spans(self, start: int, end: int) -> dict[tuple[int, str], tuple[np.ndarray, np.ndarray]]:
        """Return when messages of each stream were received in a span [ns], and their stamps."""
        spans = {}
        for key, samples in self._samples.items():
            received = np.frombuffer(samples.received, np.int64)
            stamped = np.frombuffer(samples.stamped, np.int64)
            first, last = np.searchsorted(received, (start, end + 1))
            if np.any(stamped[first:last]):
                spans[key] = received[first:last], stamped[first:last]
        return spans

    def between(self, start: int, end: int) -> ClockMap:
        """Return the clock of the stamps in a span of the bag's time [ns].

        If the streams' clocks differ, it is the one that is the bag's own, else the one of most
        streams, else the one of the stream with most messages.
        """
        spans = list(self._spans(start, end).values())
        if not spans or self._aside:
            clock = ClockMap.shifted(0)
            clock.fault = self._simulated(start, end)
            return clock
        clocks = [fit_clock(*span) for span in spans]

        def worth(index: int) -> tuple[bool, int, int]:
            clock = clocks[index]
            own = clock.offset is not None and abs(clock.offset) <= SAME_CLOCK
            agree = sum(abs(_offset(clock, *span)) <= SAME_CLOCK for span in spans)
            return own, agree, len(spans[index][0])

        return clocks[max(range(len(spans)), key=worth)]


def _offset(clock: ClockMap, received: np.ndarray, stamped: np.ndarray) -> float:
    """Return how far [ns] the stamps of some messages are ahead of a clock, in the middle."""
    some = np.flatnonzero(stamped)
    some = some[::max(1, len(some) // 50)]
    return float(np.median([int(stamped[index]) - clock(int(received[index]))
                            for index in some]))

