# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The connections of a recording that an import reads."""

from rosbags.highlevel import AnyReader

from inril_ros.data.bags.bags import BagError
from inril_ros.data.importing.command_tracks import CommandTracks
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.robot.contract.contract import Contract


class ImportedConnections:
    """The connections of an open recording that the contract needs.

    Attributes:
        read: All connections that are read.
        topics: The contract's names of each connection's topic, by the connection's id.
        states: The connections of ``read`` that carry observations sent continuously.
        commands: The connections of ``read`` that carry commands.
        stamped: The connections of ``states`` whose headers give the times of their samples.

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
        self.commands = [connection for connection in self.read
                         if commands.keys() & set(self.topics[connection.id])]
        by_header = {entry.topic for entry in contract.observations.values()
                     if entry.clock == 'header' and not entry.latched}
        self.stamped = [connection for connection in self.states
                        if by_header & set(self.topics[connection.id])]


def _topic_in_bag(topic: str, options: ImportOptions) -> str:
    """Return the bag's name of a topic of the contract."""
    mapped = options.mapping.topics.get(topic)
    if mapped is not None:
        return mapped if mapped.startswith('/') else f'/{mapped}'
    if topic.startswith('/'):
        return topic
    namespace = options.namespace.strip('/')
    return f'/{namespace}/{topic}' if namespace else f'/{topic}'

