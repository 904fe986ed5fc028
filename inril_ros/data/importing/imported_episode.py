# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One episode of a foreign recording, written as the recorder would have written it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection

from inril_ros.data.bags.bags import EpisodeBag
from inril_ros.data.demonstrations.aligned_cache import keep_aligned
from inril_ros.data.frames.sync import FrameError
from inril_ros.data.importing.episode_cuts import Cut
from inril_ros.data.importing.episode_ticks import EpisodeTicks
from inril_ros.data.importing.links import ImportOptions, Links
from inril_ros.data.raw.message_batch import MessageBatch, Row
from inril_ros.data.raw.raw_messages import message_batches, raw_messages
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.parts import FOREVER

_FEW = 64  # messages


@dataclass(frozen=True)
class ImportedEpisode:
    """What became of one episode.

    Attributes:
        name: Of its bag.
        ticks: N, its length.
        seconds: [s] Likewise.
        messages: That were read.
        clipped: Ticks whose command was beyond the contract's limits, and was cut to them.
        unreadable: Messages that were left out: no time, wrong content, out of order.
        reason: Why it was rejected; empty: it is kept.
    """

    name: str
    ticks: int
    seconds: float
    messages: int
    clipped: int
    unreadable: int
    reason: str = ''

    @property
    def kept(self) -> bool:
        """Whether it is among the demonstrations."""
        return not self.reason


def write_episode(
    bag: EpisodeBag, reader: AnyReader, links: Links, contract: Contract, cut: Cut,
    options: ImportOptions, identity: str, name: str,
) -> ImportedEpisode:
    """Write one episode into a bag and close it.

    Args:
        bag: Open and empty.
        reader: Of the recording, open.
        links: What is read of it.
        contract: Of the robot.
        cut: Where the episode is, in the bag's time.
        options: Of the import.
        identity: UUID of the episode.
        name: Of the recording.
    """
    episode = EpisodeTicks(bag, contract, cut, options, identity, links.shift)
    writer = _Writer(bag, reader, links, episode)
    try:
        for messages in _messages(reader, links, contract, cut, options):
            if isinstance(messages, MessageBatch):
                writer.write_batch(messages)
            else:
                writer.write(*messages)
        episode.finish()
        reason = ''
    except FrameError as error:
        reason = episode.explain(str(error))
    except BaseException:
        bag.close({'outcome': 'incomplete'}, keep=False)
        raise
    path = bag.close({**episode.messages.information(name),
                      **({'reason': reason} if reason else {})}, keep=not reason)
    aligned = episode.aligned()
    if not reason and aligned is not None:
        keep_aligned(path, contract, aligned, bag.hashes)
    return ImportedEpisode(
        bag.path.name, episode.messages.ticks, episode.messages.ticks * contract.period,
        bag.messages, episode.commands.clipped, episode.unreadable, reason)


def _messages(
    reader: AnyReader, links: Links, contract: Contract, cut: Cut, options: ImportOptions,
) -> Iterator[MessageBatch | Row]:
    """Yield what belongs to an episode in the order of time, what was sent once first."""
    back = [span for span in contract.lookback(lockstep=False).values() if span != FOREVER]
    start = max(reader.start_time, cut.start - max(back, default=0))
    latched = [link for link in links.connections
               if set(links.topics[link.id]) & contract.latched_topics()]
    if latched and start > reader.start_time:
        yield from raw_messages(reader, latched, stop=start)
    stop = cut.end + round(options.settle * 1e9) + 1
    batches = message_batches(reader, links.connections, start, stop)
    if batches is None:
        yield from raw_messages(reader, links.connections, start, stop)
    else:
        yield from batches


class _Writer:
    """Writes what an episode takes."""

    def __init__(self, bag: EpisodeBag, reader: AnyReader, links: Links,
                 episode: EpisodeTicks) -> None:
        self._bag = bag
        self._reader = reader
        self._links = links
        self._episode = episode
        self._types = reader.typestore if reader.is2 else None

    def write_batch(self, batch: MessageBatch) -> None:
        while not self._episode.begun and len(batch):  # these are taken one by one
            for row in batch.chosen(slice(_FEW)).rows():
                self.write(*row)
            batch = batch.chosen(slice(_FEW, None))
        if len(batch) and self._episode.take_batch(batch, self._links):
            topics = {channel: self._links.topics[link.id][0]
                      for channel, link in batch.links.items()}
            self._bag.write_batch(batch, topics, self._links.shift, self._types)
            self._episode.tick()
            return
        for row in batch.rows():
            self.write(*row)

    def write(self, time: int, link: Connection, raw: bytes) -> None:
        time, topics, kind = time + self._links.shift, self._links.topics[link.id], link.msgtype
        message = self._content(link, raw)
        if not self._reader.is2:
            raw = ros_typestore().serialize_cdr(message, kind)
        for topic in topics:
            # As with the recorder, what can't be used isn't in the bag: it could not be read.
            if self._episode.take(topic, message, time):
                self._bag.write(topic, kind, time, raw, self._types)

    def _content(self, link: Connection, raw: bytes) -> Any:
        """Return a message, or its values, or None if nobody wants to know."""
        if self._reader.is2:
            if not self._episode.wants(self._links.topics[link.id]):
                return None
            found = self._links.readers[link.id].read(raw)
            if found is not None:
                return found
        return self._reader.deserialize(raw, link.msgtype)
