# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Episodes as bags: written raw, one folder each, readable by any ROS 2 tool.

A bag is written to ``<name>.tmp`` and renamed when it is closed, so a folder without that ending
is whole. Bags of episodes that are not kept go to ``rejected/``; nothing is deleted.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection, Qos
from rosbags.typesys.store import Typestore

from inril_ros.data.bags.storage import BagWriter, STORAGES
from inril_ros.data.frames.assembly import ExecutedTick, TransitionAssembler
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.data.frames.sync import FrameAligner
from inril_ros.data.raw.message_batch import MessageBatch
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.episode import EpisodeOutcome
from inril_ros.robot.messages.codecs import CodecError, stamp_ns
from inril_ros.robot.messages.images import PolicyViews

EXECUTED_TOPIC = 'executed_action'
EVENT_TOPIC = 'episode/event'
_STARTED, _ENDED = 2, 3


class BagError(ValueError):
    """A bag that can't be used; the message names the bag and what is wrong with it."""


class EpisodeBag:
    """The bag of one running episode. Write and close it in one thread.

    Args:
        folder: Where the bag goes.
        name: Name of the bag's folder.
        storage: ``mcap`` or ``sqlite3``.
        offered: Quality of service of the publishers by topic, which playback offers again.
        read: Topics for whose reader the files are hashed while they are written.

    Raises:
        BagError: A bag of this name is there already, or there is no such storage.
    """

    def __init__(self, folder: Path, name: str, storage: str = 'mcap',
                 offered: Mapping[str, Sequence[Qos]] | None = None,
                 read: Collection[str] | None = None) -> None:
        self.path = folder / name
        self._folder = folder
        self._partial = folder / f'{name}.tmp'
        if storage not in STORAGES:
            raise BagError(f'{self.path}: storage {storage!r} is none of {", ".join(STORAGES)}')
        for taken in (self.path, self._partial, folder / 'rejected' / name):
            if taken.exists():
                raise BagError(f'{taken}: is there already; recorded episodes are never replaced')
        folder.mkdir(parents=True, exist_ok=True)
        self._store = ros_typestore()
        self._offered = offered or {}
        self._storage = storage
        self._read = read
        self._writer: BagWriter | None = None
        self._connections: dict[str, Connection] = {}
        self.messages = 0
        self.hashes: dict[str, str] = {}

    def write(self, topic: str, message_type: str, stamp: int, raw: bytes,
              types: Typestore | None = None) -> None:
        """Write a serialised message; ``stamp`` [ns] is its time in the bag.

        ``types`` has the definition of its type, if that isn't the one of this ROS distribution.

        Raises:
            OSError: The disk is full, or fails.
        """
        connection = self._connection(topic, message_type, types)
        self._writer.write(connection, stamp, raw)
        self.messages += 1

    def write_batch(self, batch: MessageBatch, topics: Mapping[int, str], shift: int,
                    types: Typestore | None = None) -> None:
        """Write many messages as they lie in memory, which is changed by that.

        Args:
            batch: There is one at least.
            topics: By the batch's channels, for all messages.
            shift: [ns] What is added to their times.
            types: As above.

        Raises:
            OSError: The disk is full, or fails.
        """
        connections = {
            channel: self._connection(topics[channel], batch.links[channel].msgtype, types)
            for channel in np.unique(batch.channels).tolist()}
        self._writer.write_batch(batch, connections, shift)
        self.messages += len(batch)

    def _connection(self, topic: str, message_type: str, types: Typestore | None) -> Connection:
        connection = self._connections.get(topic)
        if connection is None:
            connection = self._connections[topic] = self._open().add_topic(
                _absolute(topic, '/'), message_type, types or self._store,
                self._offered.get(topic, ()))
        return connection

    def close(self, information: Mapping[str, str], keep: bool) -> Path:
        """Finish the bag; return where it lies.

        Args:
            information: Goes into the bag's metadata: outcome, operator, task, contract hash ...
            keep: False: it goes to ``rejected/``.

        Raises:
            OSError: The disk is full, or fails.
        """
        writer = self._open()
        for key, value in information.items():
            writer.set_custom_data(key, value)
        writer.close()
        self.hashes = self._writer.hashes()
        target = self.path if keep else self._folder / 'rejected' / self.path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        return self._partial.rename(target)

    def _open(self) -> BagWriter:
        """Return the writer, opened by whoever writes first: sqlite3 stays with one thread."""
        if self._writer is None:
            self._writer = BagWriter(self._partial, self._storage)
            self._writer.open()
            if self._read is not None:
                self._writer.hash_for(self._read)
        return self._writer


def find_bags(folder: Path) -> list[Path]:
    """Return the whole bags of a folder in the order of their names.

    Raises:
        BagError: The folder isn't there or holds none.
    """
    if not folder.is_dir():
        raise BagError(f'{folder}: no such folder; record demonstrations first (inril record)')
    bags = sorted(path.parent for path in folder.glob('*/metadata.yaml')
                  if path.parent.suffix != '.tmp')
    if not bags:
        raise BagError(f'{folder}: holds no bag; record demonstrations first (inril record)')
    return bags


def read_episode(
    path: Path, contract: Contract, quantities: tuple[str, ...] = (),
) -> RecordedEpisode:
    """Read one recorded episode and align it at its ticks.

    Args:
        path: Of the bag.
        contract: Of the robot.
        quantities: Observations or derived quantities that are wanted in place of the policy's.

    Raises:
        BagError: The bag is damaged, was recorded under another contract, lacks a topic, or has
            gaps; the message says which.
    """
    aligner = FrameAligner(contract, history=1_000_000, images=True, image_history=1_000_000)
    topics = {*aligner.topics, EXECUTED_TOPIC, EVENT_TOPIC,
              contract.episode.outcome_topic}
    executed: list[ExecutedTick] = []
    rewards: list[tuple[int, float]] = []
    started = ended = None
    for topic, received, message in _messages(path, topics, contract):
        if topic == EXECUTED_TOPIC:
            executed.append(executed_tick(message))
        elif topic == EVENT_TOPIC:
            started = message if message.event == _STARTED else started
            ended = message if message.event == _ENDED else ended
        elif topic == contract.episode.outcome_topic:
            rewards.append((stamp_ns(message), message.reward))
        else:
            try:
                aligner.add(topic, message, received)
            except CodecError as error:
                raise BagError(f'{path}: {error}') from error
    if started is None or ended is None:
        raise BagError(f'{path}: /{EVENT_TOPIC} does not tell both start and end of the episode')
    if ended.contract_hash != contract.hash:
        raise BagError(f'{path}: recorded under contract {ended.contract_hash[:12]}, '
                       f'this is {contract.name} {contract.hash[:12]}')
    if quantities:
        contract = replace(contract, policy_observations=quantities)
    return _align(path, contract, aligner, executed, rewards, started, ended)


def executed_tick(message: Any) -> ExecutedTick:
    """Return an ExecutedAction message as arrays."""
    return ExecutedTick(
        tick=message.tick, stamp=stamp_ns(message), source=message.source,
        requested=np.array(message.requested, np.float32),
        executed=np.array(message.executed, np.float32),
        weights_version=message.weights_version, chunk_first_tick=message.chunk_first_tick)


def content_digest(bags: list[Path]) -> str:
    """Return a SHA-256 over all messages of bags: topic, time and content, whatever their order.

    Two recordings with the same digest hold the same messages. Not part of it: the order in which
    a recorder saw messages of different topics with equal times, and the UUIDs of run and episode,
    which differ by design.
    """
    total = hashlib.sha256()
    for path in bags:
        with AnyReader([path], default_typestore=ros_typestore()) as reader:
            for row in sorted((stamp, link.topic, _content(reader, link.msgtype, raw))
                              for link, stamp, raw in reader.messages()):
                total.update(json.dumps(row[:2]).encode())
                total.update(row[2])
    return total.hexdigest()


def _content(reader: AnyReader, message_type: str, raw: bytes) -> bytes:
    """Return a message as bytes that depend on its values only.

    Serialised anew, since the bytes between aligned values are whatever the publisher's memory
    held.
    """
    message = reader.deserialize(raw, message_type)
    if message_type.startswith('inril_ros/'):
        blank = {name: '' for name in ('run_id', 'episode_id') if hasattr(message, name)}
        message = replace(message, **blank)
    return bytes(reader.typestore.serialize_cdr(message, message_type))


def _messages(
    path: Path, topics: set[str], contract: Contract,
) -> Iterator[tuple[str, int, Any]]:
    """Yield (topic, time [ns], message) in the order of time, from the namespace of the robot."""
    try:
        with AnyReader([path], default_typestore=ros_typestore()) as reader:
            present = sorted({link.topic for link in reader.connections})
            space = robot_namespace(path, present)
            wanted = {_absolute(topic, space): topic for topic in topics}
            links = {link.id: wanted[link.topic] for link in reader.connections
                     if link.topic in wanted}
            missing = (topics - {contract.episode.outcome_topic} - contract.latched_topics()
                       - set(links.values()))
            if missing:
                raise BagError(f'{path}: lacks the topics {sorted(missing)}; it has {present}')
            for link, time, raw in reader.messages(
                    [link for link in reader.connections if link.id in links]):
                yield links[link.id], time, reader.deserialize(raw, link.msgtype)
    except BagError:
        raise
    except Exception as error:  # a damaged file makes the reader raise almost anything
        raise BagError(f'{path}: cannot be read: {error}') from error


def robot_namespace(path: Path, topics: Iterable[str]) -> str:
    """Return the namespace of the robot in a bag's topics, such as ``/left/``.

    Raises:
        BagError: There is more than one robot.
    """
    spaces = [topic.removesuffix(EXECUTED_TOPIC) for topic in sorted(topics)
              if topic.endswith(f'/{EXECUTED_TOPIC}')] or ['/']
    if len(spaces) > 1:
        raise BagError(f'{path}: has more than one robot: {spaces}')
    return spaces[0]


def _absolute(topic: str, space: str) -> str:
    """Return the full name of a topic of the contract in a namespace such as ``/left/``."""
    return topic if topic.startswith('/') else space + topic


def _align(
    path: Path, contract: Contract, aligner: FrameAligner, executed: list[ExecutedTick],
    rewards: list[tuple[int, float]], started: Any, ended: Any,
) -> RecordedEpisode:
    assembler = TransitionAssembler(contract, aligner, lockstep=False)
    for tick in executed:
        assembler.add_executed(tick)
    for stamp, reward in rewards:
        assembler.add_reward(stamp, reward)
    assembler.end(ended.tick, stamp_ns(ended))
    images = None
    try:
        decisions = assembler.ready()
        outcome = EpisodeOutcome(ended.outcome)
        if contract.policy_images is not None and assembler.finished and decisions:
            images = PolicyViews(contract).stacked(
                [row for decision in decisions for row in decision.images[:-1]]
                + [decisions[-1].images[-1]])
    except ValueError as error:
        raise BagError(f'{path}: {error}') from error
    if not assembler.finished or not decisions:
        raise BagError(f'{path}: incomplete: {assembler.missing() or "no action was executed"}')
    age, skew, gap = np.array(assembler.audit, np.float32).T
    return RecordedEpisode(
        episode_id=started.episode_id,
        observations=np.concatenate(
            [decision.observations[:-1] for decision in decisions]
            + [decisions[-1].observations[-1:]]),
        actions=np.concatenate([decision.executed for decision in decisions]),
        source=np.concatenate([decision.source for decision in decisions]),
        rewards=np.concatenate([decision.rewards for decision in decisions]),
        outcome=outcome.value,
        age=age,
        skew=skew,
        gap=gap,
        images=images,
    )
