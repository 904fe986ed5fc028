# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The connections of a recording that an import reads."""

from statistics import median

from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection

from inril_ros.data.bags.bags import BagError
from inril_ros.data.importing.command_tracks import CommandTracks
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.codecs import header_stamp_ns

_OTHER_CLOCK = 1_000_000_000  # [ns] Stamps farther than this from the bag's time use another clock


class ImportedConnections:
    """The connections of an open recording that the contract needs.

    Attributes:
        read: All connections that are read.
        topics: The contract's names of each connection's topic, by the connection's id.
        states: The connections of ``read`` that carry observations sent continuously.
        shift: What must be added to the bag's times [ns] to get the clock of the stamps.

    Raises:
        BagError: A topic is missing or has another type.
    """

    def __init__(self, reader: AnyReader, contract: Contract, options: ImportOptions,
                 name: str) -> None:
        observed = contract.observation_topics()
        cameras = {camera.topic: camera.type for camera in contract.cameras.values()}
        seen = {camera.topic for camera in contract.policy_cameras.values()}
        optional = contract.latched_topics() | (cameras.keys() - seen)
        commands = CommandTracks(contract, options.mapping).topics()
        present = {connection.topic: connection.msgtype for connection in reader.connections}
        self.topics: dict[int, list[str]] = {}
        missing = []
        for topic, kind in {**cameras, **commands, **observed}.items():
            in_bag = _topic_in_bag(topic, options)
            if in_bag in present and present[in_bag] != kind:
                missing.append(f'{topic}: {in_bag} is {present[in_bag]}, {kind} is needed')
            elif in_bag not in present and topic not in optional:
                missing.append(f'{topic} ({kind}): no topic {in_bag}')
            for connection in reader.connections:
                if (connection.topic, connection.msgtype) == (in_bag, kind):
                    self.topics.setdefault(connection.id, []).append(topic)
        if missing:
            listed = '\n  '.join(f'{topic} ({kind})' for topic, kind in sorted(present.items()))
            raise BagError(f'{name}: lacks\n  ' + '\n  '.join(missing) + f'\nIt has\n  {listed}\n'
                           'Name its topics in a mapping (topics, actions).')
        self.read = [connection for connection in reader.connections
                     if connection.id in self.topics]
        states = observed.keys() - contract.latched_topics()
        self.states = [connection for connection in self.read
                       if states & set(self.topics[connection.id])]
        self.shift = _clock_shift(reader, self.states)


def _topic_in_bag(topic: str, options: ImportOptions) -> str:
    """Return the bag's name of a topic of the contract."""
    mapped = options.mapping.topics.get(topic)
    if mapped is not None:
        return mapped if mapped.startswith('/') else f'/{mapped}'
    if topic.startswith('/'):
        return topic
    namespace = options.namespace.strip('/')
    return f'/{namespace}/{topic}' if namespace else f'/{topic}'


def _clock_shift(reader: AnyReader, connections: list[Connection]) -> int:
    """Return what must be added to the bag's times [ns] to get the clock of the stamps.

    A recorded simulation has wall time in the bag, but not in its stamps.
    """
    offsets = []
    for connection in connections:
        for _, time, raw in reader.messages([connection]):
            message = reader.deserialize(raw, connection.msgtype)
            header = getattr(message, 'header', None)
            if header is None and getattr(message, 'transforms', None):
                header = message.transforms[0].header
            stamp = header and header_stamp_ns(header)
            if stamp:
                offsets.append(stamp - time)
            break
    offset = round(median(offsets)) if offsets else 0
    return offset if abs(offset) > _OTHER_CLOCK else 0
