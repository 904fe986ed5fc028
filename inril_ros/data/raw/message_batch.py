# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages of a recording as they lie in memory, with tables of where they are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from rosbags.interfaces import Connection

from inril_ros.data.raw.mcap_records import (
    at_each_byte,
    MESSAGE_FIELDS,
    MESSAGE_HEAD,
    MESSAGE_HEADS,
)

Row = tuple[int, Connection, bytes]
"""Time [ns], connection and content of a message."""


@dataclass(frozen=True)
class MessageBatch:
    """Some messages that follow each other in time, as records of MCAP.

    Attributes:
        content: (b,) uint8 In which they lie, writable.
        first: (n,) int64 Byte where the record of each message begins, in the order of time.
        sizes: (n,) int64 [byte] Of the messages themselves.
        times: (n,) int64 [ns] In the recording.
        channels: (n,) int64 By what ``links`` is asked.
        places: (n,) int64 Byte in the file of the chunk that they come from.
        links: Connections by channel; a channel in it may have no message here.
    """

    content: np.ndarray
    first: np.ndarray
    sizes: np.ndarray
    times: np.ndarray
    channels: np.ndarray
    places: np.ndarray
    links: Mapping[int, Connection]

    def __len__(self) -> int:
        """Return how many messages there are."""
        return len(self.times)

    @property
    def begins(self) -> np.ndarray:
        """(n,) Byte where each message begins, after the head of its record."""
        return self.first + MESSAGE_HEAD.size

    @property
    def ends(self) -> np.ndarray:
        """(n,) Byte after each message."""
        return self.first + (MESSAGE_HEAD.size + self.sizes)

    def rows(self) -> Iterator[Row]:
        """Yield the messages one by one, copied: they may be kept."""
        view = memoryview(self.content)
        for begin, end, time, channel in zip(self.begins.tolist(), self.ends.tolist(),
                                             self.times.tolist(), self.channels.tolist(),
                                             strict=True):
            yield time, self.links[channel], bytes(view[begin:end])

    def chosen(self, which: np.ndarray) -> 'MessageBatch':
        """Return some of the messages, by index or mask (n,), where they are."""
        return MessageBatch(self.content, self.first[which], self.sizes[which],
                            self.times[which], self.channels[which], self.places[which],
                            self.links)

    def copied(self) -> 'MessageBatch':
        """Return the messages in memory of their own, which holds nothing else."""
        lengths = MESSAGE_HEAD.size + self.sizes
        parts = [self.content[first:end] for first, end in zip(self.first, self.ends,
                                                              strict=True)]
        content = np.concatenate(parts) if parts else np.zeros(0, np.uint8)
        return MessageBatch(content, np.cumsum(lengths) - lengths, self.sizes, self.times,
                            self.channels, self.places, self.links)

    def in_time(self) -> 'MessageBatch':
        """Return the messages in the order of time, then of chunks, then as they lie."""
        if (self.times[1:] > self.times[:-1]).all():
            return self
        return self.chosen(np.lexsort((self.first, self.places, self.times)))


def found_messages(content: np.ndarray, first: np.ndarray, places: np.ndarray,
                   links: Mapping[int, Connection], start: int, stop: int) -> MessageBatch:
    """Return the messages that are wanted, as they lie.

    Args:
        content: (b,) uint8 Of chunks.
        first: (n,) int64 Byte where each message's record begins, which is whole.
        places: (n,) int64 Byte in the file of the chunk that it comes from.
        links: By the channels that are wanted.
        start: [ns] Messages before it are left out,
        stop: [ns] and those from then on.
    """
    if len(first) == 0:
        none = np.zeros(0, np.int64)
        return MessageBatch(content, none, none, none, none, none, links)
    heads = at_each_byte(content, MESSAGE_HEADS)[first]
    times, channels = heads['time'], heads['channel'].astype(np.int64)
    wanted = (times >= np.uint64(start)) & (times < np.uint64(stop))
    for channel in set(channels.tolist()) - links.keys():
        wanted &= channels != channel
    sizes = heads['length'].astype(np.int64) - MESSAGE_FIELDS
    found = MessageBatch(content, first, sizes, times.astype(np.int64), channels,
                         places, links)
    return found if wanted.all() else found.chosen(wanted)


def joined(one: MessageBatch, other: MessageBatch) -> MessageBatch:
    """Return the messages of two batches of one file, in one piece of memory."""
    return MessageBatch(
        np.concatenate([one.content, other.content]),
        np.concatenate([one.first, other.first + len(one.content)]),
        *(np.concatenate([getattr(one, name), getattr(other, name)])
          for name in ('sizes', 'times', 'channels', 'places')), other.links)
