# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One episode of a foreign recording, written as the recorder would have written it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from inril_ros.data.bags.bags import BagError, EpisodeBag
from inril_ros.data.bags.connection import Connection
from inril_ros.data.bags.dry_run import has_dry_ticks, REASON
from inril_ros.data.bags.recording import Recording
from inril_ros.data.demonstrations.aligned_cache import keep_aligned
from inril_ros.data.frames.streams import FrameError
from inril_ros.data.importing.clock_map import ClockMap
from inril_ros.data.importing.connections import ImportedConnections
from inril_ros.data.importing.corrected_stamps import corrected
from inril_ros.data.importing.episode_cuts import Cut
from inril_ros.data.importing.episode_ticks import CommandsError, EpisodeTicks
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.data.video.image_topics import EpisodeImages, ImageTopics, SensorImage
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.parts import FOREVER

_REPORTED = 1000  # messages between reports of progress


@dataclass(frozen=True)
class ImportedEpisode:
    """The result of importing one episode.

    Attributes:
        name: The bag's name.
        ticks: Its length N.
        seconds: Its length [s].
        messages: Number of messages in the bag.
        clipped: Ticks whose command was beyond the contract's limits and was reduced to them.
        unreadable: Messages left out: without a time, with wrong content, or out of order.
        reason: Why the episode was rejected; empty if it was kept.
        notes: Sentences about what was done to the episode: cut short, left out, carried over.
    """

    name: str
    ticks: int
    seconds: float
    messages: int
    clipped: int
    unreadable: int
    reason: str = ''
    notes: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether it is among the demonstrations."""
        return not self.reason


def write_episode(
    bag: EpisodeBag, reader: Recording, connections: ImportedConnections, contract: Contract,
    images: ImageTopics, cut: Cut, clock: ClockMap, options: ImportOptions, identity: str,
    name: str, on_time: Callable[[int], None],
) -> ImportedEpisode:
    """Write one episode of an open recording into an empty bag and close it.

    ``on_time`` is called now and then with the bag's time [ns].
    """
    episode = EpisodeTicks(bag, contract, cut, options, identity, clock)
    seen = images.of_episode(_first_time(reader, contract, cut))
    try:
        if has_dry_ticks(reader, cut.start, cut.end + 1):
            raise CommandsError(REASON)
        for number, message in enumerate(
                _messages(reader, connections, contract, cut, options, seen)):
            if number % _REPORTED == 0:
                on_time(message[1])
            _add(*message, bag, reader, connections, episode, options)
        _refuse(seen, connections, episode)
        episode.finish()
        reason = ''
    except CommandsError as error:
        reason = str(error)
    except FrameError as error:
        _refuse(seen, connections, episode)
        reason = episode.explain(str(error))
    except BaseException:
        bag.close({'outcome': 'incomplete'}, keep=False)
        raise
    path = bag.close({**episode.messages.information(name),
                      **({'reason': reason} if reason else {})}, keep=not reason)
    aligned = episode.aligned()
    if not reason and aligned is not None:
        keep_aligned(path, contract, aligned)
    return ImportedEpisode(
        bag.path.name, episode.messages.ticks, episode.messages.ticks * contract.period,
        bag.messages, episode.commands.limited, episode.unreadable, reason,
        (*connections.notes, *episode.notes(), *(
            note for connection in connections.images
            for note in seen.notes(connection, connections.topics[connection.id][0]))))


def _refuse(seen: EpisodeImages, connections: ImportedConnections, episode: EpisodeTicks) -> None:
    """Count the messages of videos that gave no image."""
    for connection in connections.images:
        for reason in seen.refused(connection):
            for topic in connections.topics[connection.id]:
                episode.refuse(topic, reason)


def _first_time(reader: Recording, contract: Contract, cut: Cut) -> int:
    """Return from when on [ns] all messages of an episode are read."""
    lookback = [span for span in contract.lookback(lockstep=False).values() if span != FOREVER]
    return max(reader.start_time, cut.start - max(lookback, default=0))


def _messages(
    reader: Recording, connections: ImportedConnections, contract: Contract, cut: Cut,
    options: ImportOptions, seen: EpisodeImages,
) -> Iterator[tuple[Connection, int, bytes | SensorImage]]:
    """Yield the messages of an episode in order of time.

    Before them come earlier latched messages, and commands that may still count.
    """
    start = _first_time(reader, contract, cut)
    latched = [connection for connection in connections.read
               if contract.latched_topics() & set(connections.topics[connection.id])]
    if latched and start > reader.start_time:
        yield from reader.messages(latched, stop=start)
    earliest = max(reader.start_time, cut.start - round(options.mapping.position_age * 1e9))
    if earliest < start:
        yield from reader.messages(connections.commands, earliest, start)
    stop = cut.end + round(options.settle * 1e9) + 1
    yield from seen.messages(connections.read, start, stop)


def _add(
    connection: Connection, time: int, raw: bytes | SensorImage, bag: EpisodeBag,
    reader: Recording, connections: ImportedConnections, episode: EpisodeTicks,
    options: ImportOptions,
) -> None:
    """Add a message to the episode and, if the episode can use it, to the bag."""
    topics, kind = connections.topics[connection.id], connection.msgtype
    message, types = None, connections.types[connection.id]
    is_cdr = connection.source.encoding == 'cdr'
    if isinstance(raw, SensorImage):
        message, kind, raw, types = raw.message, raw.kind, raw.raw, ros_typestore()
    elif not is_cdr or episode.reads(topics):
        try:
            message = reader.deserialize(raw, connection)
        except BagError as error:
            for topic in topics:
                episode.refuse(topic, str(error))
            return
        if not is_cdr:
            types = ros_typestore()
            raw = types.serialize_cdr(message, kind)
    for topic in topics:
        correction = options.mapping.stamps.get(topic)
        if correction is not None:
            content = corrected(raw, correction, episode.clock(time), topic)
            message = types.deserialize_cdr(content, kind)
        else:
            content = raw
        # As with the recorder: a message that could not be read later is not written.
        received = episode.add(topic, message, time)
        if received is not None:
            bag.write(topic, kind, received, content, types)
