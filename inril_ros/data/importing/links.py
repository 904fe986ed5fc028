# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What an import is asked for, and which connections of the recording answer it."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from statistics import median

from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection

from inril_ros.data.bags.bags import BagError
from inril_ros.data.frames.sync import FrameAligner
from inril_ros.data.importing.command_tracks import command, CommandTracks
from inril_ros.data.importing.episode_cuts import (
    CutRule,
)
from inril_ros.data.importing.import_mapping import ImportMapping
from inril_ros.data.raw.raw_values import Codec, RawReader
from inril_ros.robot.contract.contract import Contract
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
