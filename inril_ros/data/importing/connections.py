# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The connections of a recording that an import reads."""

from rosbags.typesys.store import Typestore

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.recording import Recording
from inril_ros.data.importing.commands.command_tracks import CommandTracks
from inril_ros.data.importing.commands.missing_commands import where_commands_may_be
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.raw.image_types import FOREIGN_IMAGES
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.topic_names import absolute_topic


class ImportedConnections:
    """The connections of an open recording that the contract needs.

    Attributes:
        read: All connections that are read.
        topics: The contract's names of each connection's topic, by the connection's id.
        types: The definitions of each connection's messages, by the connection's id.
        states: The connections of ``read`` that carry observations sent continuously.
        commands: The connections of ``read`` that carry commands.
        stamped: The connections of ``states`` whose headers give the times of their samples.
        as_sent: The connections of ``states`` whose stamps the mapping doesn't correct.
        images: The connections of ``read`` that carry images, also those of other types than the
            contract's, which become images of sensor_msgs.
        notes: What of the topics was left out.

    Raises:
        BagError: A topic is missing, has another type, or can't be decoded.
    """

    def __init__(self, reader: Recording, contract: Contract, options: ImportOptions,
                 name: str) -> None:
        observed = contract.observation_topics()
        cameras = {camera.topic: camera.type for camera in contract.cameras.values()}
        seen = {camera.topic for camera in contract.policy_cameras.values()}
        optional = contract.latched_topics() | (cameras.keys() - seen)
        commands = CommandTracks(contract, options.mapping).topics()
        self.topics: dict[int, list[str]] = {}
        self.types: dict[int, Typestore] = {}
        self.notes: tuple[str, ...] = ()
        missing, absent = [], []
        for topic, kind in {**cameras, **commands, **observed}.items():
            in_bag = _topic_in_bag(topic, options)
            named = reader.named(in_bag)
            usable = [each for each in named if each.msgtype == kind]
            if topic in cameras and not usable:
                usable = [each for each in named if each.msgtype in FOREIGN_IMAGES]
            others = [each for each in named if each not in usable]
            if others and usable:
                self.notes += tuple(
                    f'{topic}: {each.msgcount} messages on {in_bag} were left out: they are '
                    f'{each.msgtype}, not {kind}' for each in others)
            elif others:
                missing.append(f'{topic}: {in_bag} is '
                               f'{" and ".join(sorted({each.msgtype for each in others}))}, '
                               f'{kind} is needed')
            elif not usable and topic not in optional:
                missing.append(f'{topic} ({kind}): no topic {in_bag}')
                absent.append(topic)
            hashes = {reader.types_of(connection).hash_rihs01(kind) for connection in usable
                      if connection.source.encoding == 'cdr' and connection.msgtype == kind}
            if len(hashes) > 1:
                missing.append(f'{topic}: {in_bag} has {len(hashes)} definitions of {kind}: its '
                               'publishers were of different ROS distributions')
            for connection in usable:
                self.types[connection.id] = reader.types_of(connection)
                self.topics.setdefault(connection.id, []).append(topic)
        if missing:
            listed = '\n  '.join(f'{each.source.written} ({each.msgtype})' for each in sorted(
                reader.connections, key=lambda each: each.topic))
            raise BagError('\n'.join([
                f'{name}: lacks\n  ' + '\n  '.join(missing), f'It has\n  {listed}',
                'Name its topics in a mapping (topics, actions).', *where_commands_may_be(
                    reader.connections, contract, options.mapping, absent)]))
        self.read = [connection for connection in reader.connections
                     if connection.id in self.topics]
        for topic in options.mapping.stamps:
            for connection in self.read:
                fields = self.types[connection.id].fielddefs[connection.msgtype][1]
                if topic in self.topics[connection.id] and fields[0][0] != 'header':
                    raise BagError(f'{name}: {topic}: a {connection.msgtype} does not begin with '
                                   'a header, so its stamps cannot be corrected')
        states = observed.keys() - contract.latched_topics()
        self.states = [connection for connection in self.read
                       if states & set(self.topics[connection.id])]
        self.images = [connection for connection in self.read
                       if cameras.keys() & set(self.topics[connection.id])]
        self.commands = [connection for connection in self.read
                         if commands.keys() & set(self.topics[connection.id])]
        by_header = {entry.topic for entry in contract.observations.values()
                     if entry.clock == 'header' and not entry.latched
                     and entry.topic not in options.mapping.stamps}
        self.as_sent = [connection for connection in self.states if
                        options.mapping.stamps.keys().isdisjoint(self.topics[connection.id])]
        self.stamped = [connection for connection in self.states
                        if by_header & set(self.topics[connection.id])]


def _topic_in_bag(topic: str, options: ImportOptions) -> str:
    """Return the bag's name of a topic of the contract."""
    mapped = options.mapping.topics.get(topic)
    if mapped is not None:
        return mapped
    return absolute_topic(topic, options.namespace)

