# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recorded episodes, read from their bags and aligned at their ticks."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from inril_ros.data.bags.bags import (
    BagError,
    EVENT_TOPIC,
    EXECUTED_TOPIC,
)
from inril_ros.data.bags.dry_run import DryRunError, is_dry, REASON
from inril_ros.data.bags.recording import open_recording
from inril_ros.data.frames.assembly import ExecutedTick, TransitionAssembler
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.data.frames.sync import FrameAligner
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.topic_names import absolute_topic
from inril_ros.robot.episode import EpisodeOutcome
from inril_ros.robot.messages.codecs import CodecError, stamp_ns
from inril_ros.robot.messages.images import PolicyViews

_STARTED, _ENDED = 2, 3


class _End(NamedTuple):
    """The end of an episode: after how many ticks, when [ns], under which contract, and how."""

    tick: int
    stamp: int
    contract_hash: str
    outcome: int = 0  # unknown


def read_episode(
    path: Path, contract: Contract, quantities: tuple[str, ...] = (), to_look_at: bool = False,
) -> RecordedEpisode:
    """Read one recorded episode and align it at its ticks.

    Ticks without a valid observation are marked; those before the first valid one are left out.

    Args:
        path: The bag's folder.
        contract: The robot's contract.
        quantities: Observations or derived quantities to return instead of the policy's.
        to_look_at: Also read what is no demonstration: of a dry run, or without its end, of which
            the ticks up to the last one are returned.

    Raises:
        DryRunError: It was recorded in a dry run, and is no demonstration.
        BagError: The bag is damaged, was recorded under another contract, lacks a topic, or has
            gaps; the message says which.
    """
    aligner = FrameAligner(contract, history=1_000_000, images=True, image_history=1_000_000)
    topics = {*aligner.topics, EXECUTED_TOPIC, EVENT_TOPIC,
              contract.episode.outcome_topic}
    executed: list[ExecutedTick] = []
    rewards: list[tuple[int, float, bool]] = []
    started = ended = refused = None
    for topic, received, message in _messages(path, topics, contract):
        try:
            if topic == EXECUTED_TOPIC:
                if is_dry(message) and not to_look_at:
                    raise DryRunError(f'{path}: {REASON}; inril demos delete puts it aside')
                executed.append(executed_tick(message))
            elif topic == EVENT_TOPIC:
                started = message if message.event == _STARTED else started
                ended = message if message.event == _ENDED else ended
            elif topic == contract.episode.outcome_topic:
                refusal = contract.episode.refusal_of_reward(message.reward)
                if refusal:
                    raise BagError(f'{path}: a verdict on {topic} cannot be: {refusal}')
                rewards.append((stamp_ns(message), message.reward,
                                message.outcome != EpisodeOutcome.UNKNOWN.value))
            else:
                aligner.add(topic, message, received)
        except BagError:
            raise
        except CodecError as error:
            refused = refused or error
        except (AttributeError, TypeError, ValueError) as error:  # a damaged definition of a type
            raise BagError(f'{path}: {topic}: {error}') from error
    if ended is None and to_look_at and started is not None and executed:
        last = max(executed, key=attrgetter('tick'))
        end = _End(last.tick + 1, last.stamp + contract.period_ns, started.contract_hash)
    elif started is None or ended is None:
        raise BagError(f'{path}: /{EVENT_TOPIC} does not tell both start and end of the episode')
    else:
        end = _End(ended.tick, stamp_ns(ended), ended.contract_hash, ended.outcome)
    if end.contract_hash not in (contract.hash, contract.recording_hash):
        raise BagError(f'{path}: recorded under contract {end.contract_hash[:12]}, '
                       f'this is {contract.name} {contract.hash[:12]}')
    # The recorder leaves out what can't be read; that of former times took some of it.
    if refused is not None and end.contract_hash == contract.hash and not to_look_at:
        raise BagError(f'{path}: {refused}') from refused
    if quantities:
        contract = replace(contract, policy_observations=quantities)
    try:
        return _align(path, contract, aligner, executed, rewards, started.episode_id, end,
                      to_look_at)
    except BagError as error:
        if refused is None:
            raise
        raise BagError(f'{error}; {"; ".join(aligner.rejections.lines())}') from error


def _messages(
    path: Path, topics: set[str], contract: Contract,
) -> Iterator[tuple[str, int, Any]]:
    """Yield (topic, time [ns], message) in order of time, from the namespace of the robot."""
    with open_recording(path) as reader:
        present = sorted(reader.topics)
        namespace = robot_namespace(path, present)
        wanted = {absolute_topic(topic, namespace): topic for topic in topics}
        found = {connection.id: wanted[connection.topic]
                 for connection in reader.connections if connection.topic in wanted}
        missing = (topics - {contract.episode.outcome_topic} - contract.latched_topics()
                   - set(found.values()))
        if missing:
            raise BagError(f'{path}: lacks the topics {sorted(missing)}; it has {present}')
        for connection, time, raw in reader.messages(
                [connection for connection in reader.connections if connection.id in found]):
            yield found[connection.id], time, reader.deserialize(raw, connection)


def robot_namespace(path: Path, topics: Iterable[str]) -> str:
    """Return the namespace of the robot in a bag's topics, such as ``/left/``.

    Raises:
        BagError: There is more than one robot.
    """
    namespaces = [topic.removesuffix(EXECUTED_TOPIC) for topic in sorted(topics)
                  if topic.endswith(f'/{EXECUTED_TOPIC}')] or ['/']
    if len(namespaces) > 1:
        raise BagError(f'{path}: has more than one robot: {namespaces}')
    return namespaces[0]


def _align(
    path: Path, contract: Contract, aligner: FrameAligner, executed: list[ExecutedTick],
    rewards: list[tuple[int, float, bool]], episode_id: str, end: _End, to_look_at: bool,
) -> RecordedEpisode:
    assembler = TransitionAssembler(contract, aligner, lockstep=False)
    for tick in executed:
        assembler.add_executed(tick)
    for reward in rewards:
        assembler.add_reward(*reward)
    assembler.end(end.tick, end.stamp)
    images = None
    try:
        decisions = assembler.ready()
        if to_look_at:
            decisions += assembler.cut()
        outcome = EpisodeOutcome(end.outcome)
        if contract.policy_images is not None and assembler.finished and decisions:
            images = PolicyViews(contract).stacked(
                [row for decision in decisions for row in decision.images[:-1]]
                + [decisions[-1].images[-1]])
    except ValueError as error:
        raise BagError(f'{path}: {error}') from error
    if not assembler.finished or not decisions:
        missing = assembler.missing() or str(assembler.account) or 'no action was executed'
        raise BagError(f'{path}: incomplete: {missing}')
    seen = np.concatenate([decision.seen[:-1] for decision in decisions]
                          + [decisions[-1].seen[-1:]])
    fits = np.array(assembler.audit, np.float32)
    if len(fits) != len(seen):  # it was cut, to look at it: whose they are isn't known
        fits = np.full((len(seen), 3), np.nan, np.float32)
    age, skew, gap = fits.T
    account = str(assembler.account)
    return RecordedEpisode(
        episode_id=episode_id,
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
        observed=None if seen.all() else seen,
        account='; '.join([account, *aligner.rejections.lines()]) if account else None,
    )


def executed_tick(message: Any) -> ExecutedTick:
    """Return an ExecutedAction message as arrays."""
    return ExecutedTick(
        tick=message.tick, stamp=stamp_ns(message), source=message.source,
        requested=np.array(message.requested, np.float32),
        executed=np.array(message.executed, np.float32),
        weights_version=message.weights_version, chunk_first_tick=message.chunk_first_tick)
