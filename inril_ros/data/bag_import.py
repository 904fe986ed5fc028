# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recordings that others made, as demonstrations: any bag of ROS 2 or ROS 1.

Each episode becomes a bag as the recorder makes it: the messages as they came, the action of each
tick, the events. So all that reads demonstrations reads these, by the same code. One pass, with a
few seconds of messages in memory. All episodes of a bag are there in the end, or none.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
import shutil
from statistics import median
from uuid import NAMESPACE_URL, uuid4, uuid5

from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection

from inril_ros.data.aligned_cache import read_topics
from inril_ros.data.bags import BagError, EpisodeBag
from inril_ros.data.command_tracks import CommandTracks
from inril_ros.data.demonstration_set import add_staged, next_number
from inril_ros.data.episode_cuts import (
    Cut,
    cut_by_gaps,
    cut_by_table,
    cut_by_topic,
    CutError,
    CutRule,
)
from inril_ros.data.episode_ticks import command
from inril_ros.data.import_mapping import check_mapping, ImportMapping, MappingError
from inril_ros.data.imported_episode import ImportedEpisode, write_episode
from inril_ros.data.raw_messages import message_times, raw_messages
from inril_ros.data.raw_values import Codec, RawReader
from inril_ros.data.sync import FrameAligner
from inril_ros.data.typestore import ros_typestore
from inril_ros.robot.contract import Contract
from inril_ros.robot.episode import EpisodeOutcome

_OTHER_CLOCK = 1_000_000_000  # [ns] Stamps that are farther from the bag's time have another one


@dataclass(frozen=True)
class ImportOptions:
    """What an import needs to be told.

    Attributes:
        mapping: What the bag calls things.
        cut: Where the episodes are.
        namespace: Of the robot in the bag.
        outcome: Of episodes that the cuts don't tell it of.
        task: Likewise.
        operator: Who drove.
        settle: [s] How much later than its stamp a message may come.
    """

    mapping: ImportMapping = field(default_factory=ImportMapping)
    cut: CutRule = field(default_factory=lambda: CutRule('whole'))
    namespace: str = '/'
    outcome: EpisodeOutcome = EpisodeOutcome.SUCCESS
    task: str = ''
    operator: str = ''
    settle: float = 0.2


def import_bag(
    sources: Sequence[Path], contract: Contract, folder: Path, options: ImportOptions,
    told: Callable[[ImportedEpisode, int], None] = lambda episode, number: None,
) -> list[ImportedEpisode]:
    """Import the episodes of a recording; return what became of each.

    Episodes with a gap or a stream that is missing in them go to ``rejected/`` with the reason.

    Args:
        sources: One bag of ROS 2 (a folder or a file), or files of ROS 1 of one recording.
        contract: Of the robot.
        folder: Of the demonstrations; it may hold some.
        options: See there.
        told: Called after each episode with it and the number of episodes.

    Raises:
        BagError: The recording can't be read, lacks a topic, or was imported before. Nothing of
            it has been added.
        CutError: The episodes can't be told apart as asked; likewise.
        MappingError: The mapping doesn't fit the contract.
    """
    check_mapping(options.mapping, contract)
    name = ', '.join(map(str, sources))
    staging = folder / f'.import-{uuid4().hex[:8]}'
    try:
        with _opened(sources, name) as reader:
            links = Links(reader, contract, options, name)
            cuts = _cuts(reader, links, options)
            if not cuts:
                raise CutError(f'{name}: holds no episode by the rule {options.cut.kind}')
            first = next_number(folder)
            done = []
            for number, cut in enumerate(cuts):
                done.append(_import_one(reader, links, contract, staging, first + number, cut,
                                        options, name))
                told(done[-1], len(cuts))
        add_staged(staging, folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return done


class Links:
    """The connections of the bag that are read, by the contract's names of their topics."""

    def __init__(self, reader: AnyReader, contract: Contract, options: ImportOptions,
                 name: str) -> None:
        self._options = options
        commands = CommandTracks(contract, options.mapping).topics()
        observed = contract.observation_topics()
        cameras = {camera.topic: camera.type for camera in contract.cameras.values()}
        seen = {camera.topic for camera in contract.policy_cameras.values()}
        optional = contract.latched_topics() | (cameras.keys() - seen)
        self.topics: dict[int, list[str]] = {}
        present = {link.topic: link.msgtype for link in reader.connections}
        lacking = []
        for topic, kind in {**cameras, **commands, **observed}.items():
            there = self.in_bag(topic)
            if there in present and present[there] != kind:
                lacking.append(f'{topic}: {there} is {present[there]}, {kind} is needed')
            elif there not in present and topic not in optional:
                lacking.append(f'{topic} ({kind}): no topic {there}')
            for link in reader.connections:
                if link.topic == there and link.msgtype == kind:
                    self.topics.setdefault(link.id, []).append(topic)
        if lacking:
            listed = '\n  '.join(f'{topic} ({kind})' for topic, kind in sorted(present.items()))
            raise BagError(f'{name}: lacks\n  ' + '\n  '.join(lacking) + f'\nIt has\n  {listed}\n'
                           'Say by a mapping (topics, actions) what it calls them.')
        self.connections = [link for link in reader.connections if link.id in self.topics]
        self.readers = {link.id: self._reader(reader, link, contract) for link in self.connections}
        states = observed.keys() - contract.latched_topics()
        self.states = [link for link in self.connections
                       if states & set(self.topics[link.id])]
        self.shift = _clock_shift(reader, self.states, name)

    def _reader(self, reader: AnyReader, link: Connection, contract: Contract) -> RawReader:
        """Return what reads the values of a connection without decoding its messages."""
        aligner = FrameAligner(contract, images=True)
        commands = CommandTracks(contract, self._options.mapping)
        codecs: dict[Hashable, Codec] = {}
        for topic in self.topics[link.id]:
            observed = aligner.codecs(topic)
            if not reader.is2 or (topic in aligner.topics and not observed):
                return RawReader(link.msgtype, reader.typestore, {})
            codecs.update(observed)
            codecs.update((command(name), codec) for name, codec in commands.codecs(topic).items())
        return RawReader(link.msgtype, reader.typestore, codecs)

    def in_bag(self, topic: str) -> str:
        """Return what the bag calls a topic."""
        mapped = self._options.mapping.topics.get(topic)
        if mapped is not None:
            return mapped if mapped.startswith('/') else f'/{mapped}'
        if topic.startswith('/'):
            return topic
        space = self._options.namespace.strip('/')
        return f'/{space}/{topic}' if space else f'/{topic}'


@contextmanager
def _opened(sources: Sequence[Path], name: str) -> Iterator[AnyReader]:
    try:
        with AnyReader(list(sources), default_typestore=ros_typestore()) as reader:
            yield reader
    except (BagError, CutError, MappingError):
        raise
    except OSError as error:
        raise BagError(f'{name}: {error.strerror or error}') from error
    except Exception as error:  # a damaged file makes the reader raise almost anything
        raise BagError(f'{name}: cannot be read: {error}') from error


def _clock_shift(reader: AnyReader, links: list[Connection], name: str) -> int:
    """Return what is to be added to the bag's times [ns] to be in the clock of the stamps.

    A bag of a simulation has wall time, and its stamps don't.
    """
    offsets = []
    for link in links:
        for _, time, raw in reader.messages([link]):
            message = reader.deserialize(raw, link.msgtype)
            header = getattr(message, 'header', None)
            if header is None and getattr(message, 'transforms', None):
                header = message.transforms[0].header
            stamp = header and header.stamp.sec * 1_000_000_000 + header.stamp.nanosec
            if stamp:
                offsets.append(stamp - time)
            break
    offset = round(median(offsets)) if offsets else 0
    return offset if abs(offset) > _OTHER_CLOCK else 0


def _cuts(reader: AnyReader, links: Links, options: ImportOptions) -> list[Cut]:
    """Return the episodes in the bag's own time."""
    kind, value = options.cut.kind, options.cut.value
    if kind == 'csv':
        cuts = cut_by_table(Path(value), reader.start_time)
        outside = [cut for cut in cuts
                   if cut.end > reader.end_time or cut.start < reader.start_time]
        if outside:
            span = (reader.end_time - reader.start_time) / 1e9
            raise CutError(f'{value}: an episode begins at '
                           f'{(outside[0].start - reader.start_time) / 1e9:.3f} s and ends at '
                           f'{(outside[0].end - reader.start_time) / 1e9:.3f} s; the recording '
                           f'has 0 to {span:.3f} s')
        return cuts
    if kind == 'gaps':
        return cut_by_gaps(message_times(reader, links.states), options.cut.seconds)
    if kind == 'topic':
        told = [link for link in reader.connections
                if link.topic.lstrip('/') == value.lstrip('/')]
        if not told:
            raise CutError(f'topic:{value}: the bag has no such topic; it has '
                           f'{sorted({link.topic for link in reader.connections})}')
        return cut_by_topic(((time, reader.deserialize(bytes(raw), link.msgtype))
                             for time, link, raw in raw_messages(reader, told)), reader.end_time)
    return [Cut(reader.start_time, reader.end_time)]


def _import_one(
    reader: AnyReader, links: Links, contract: Contract, staging: Path, number: int, cut: Cut,
    options: ImportOptions, name: str,
) -> ImportedEpisode:
    identity = str(uuid5(NAMESPACE_URL, f'{Path(name).name} {cut.start} {cut.end} '
                                        f'{contract.hash} {options.mapping}'))
    bag = EpisodeBag(staging, f'{number:04d}_{identity[:8]}', read=read_topics(contract))
    return write_episode(bag, reader, links, contract, cut, options, identity, name)
