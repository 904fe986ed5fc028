# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The messages that make an episode of a recording: its events, its actions, its verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inril_ros.data.bags.bags import EpisodeBag, EVENT_TOPIC, EXECUTED_TOPIC
from inril_ros.data.raw.message_template import MessageTemplate
from inril_ros.data.raw.messages import blank_message, serialised, with_numpy
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.episode import EpisodeOutcome
from inril_ros.robot.messages.codecs import put_stamp

_STARTED, _ENDED, _DEMONSTRATION, _TELEOP = 2, 3, 1, 2
# In what the ExecutedActions of an episode differ.
_CHANGING = {
    'stamp': lambda message: np.array([message.header.stamp.sec, message.header.stamp.nanosec]),
    'tick': lambda message: np.array([message.tick]),
    'chunk_first_tick': lambda message: np.array([message.chunk_first_tick]),
    'age': lambda message: np.array([message.observation_age]),
    'requested': lambda message: message.requested,
    'executed': lambda message: message.executed}


@dataclass
class EpisodeMessages:
    """Writes what the recorder would have written beside the robot's own messages.

    Attributes:
        bag: Where to.
        contract: Of the robot.
        identity: UUID of the episode.
        outcome: How it ended.
        task: What was done.
        operator: Who drove.
        ticks: Actions so far.
    """

    bag: EpisodeBag
    contract: Contract
    identity: str
    outcome: EpisodeOutcome
    task: str = ''
    operator: str = ''
    ticks: int = 0

    def __post_init__(self) -> None:
        self._template: MessageTemplate | None = None
        self._executed = with_numpy(blank_message('inril_ros/msg/ExecutedAction'))
        self._executed.episode_id, self._executed.source = self.identity, _TELEOP
        self._executed.person_share = 1.0

    def start(self, stamp: int) -> None:
        """Say that tick 0 is at ``stamp`` [ns]."""
        self._write(EVENT_TOPIC, self._event(_STARTED), stamp)

    def execute(self, stamp: int, action: np.ndarray, age: float = 0.0) -> None:
        """Write the action (A,) of the next tick, by a person; ``age`` [s] of what was seen."""
        message = self._executed
        message.tick = message.chunk_first_tick = self.ticks
        message.observation_age = age
        message.requested = message.executed = action.astype(np.float32)
        put_stamp(message, stamp, '')
        self.bag.write(EXECUTED_TOPIC, message.__msgtype__, stamp,
                       ros_typestore().serialize_cdr(message, message.__msgtype__))
        self.ticks += 1

    def execute_all(self, stamps: Sequence[int], actions: np.ndarray, ages: Sequence[float],
                    ) -> None:
        """Write the actions (n, A) float32 of the next ticks, as ``execute`` does one by one."""
        if self._template is None:
            blank = replace(self._executed, requested=actions[0], executed=actions[0])
            self._template = MessageTemplate(blank, _CHANGING)
        ticks = self.ticks + np.arange(len(stamps))[:, None]
        rows = self._template.rows({
            'stamp': np.stack(np.divmod(np.array(stamps), 1_000_000_000), 1), 'tick': ticks,
            'chunk_first_tick': ticks, 'age': np.array(ages)[:, None], 'requested': actions,
            'executed': actions})
        for stamp, row in zip(stamps, rows, strict=True):
            self.bag.write(EXECUTED_TOPIC, self._executed.__msgtype__, stamp, row.tobytes())
        self.ticks += len(stamps)

    def end(self, stamp: int) -> None:
        """Write the verdict on the last observation, at ``stamp`` [ns], and the end."""
        verdict = blank_message('inril_ros/msg/Outcome')
        ended = self.outcome is not EpisodeOutcome.TIME_LIMIT
        verdict.outcome = self.outcome.value if ended else EpisodeOutcome.UNKNOWN.value
        verdict.reward = float(self.outcome is EpisodeOutcome.SUCCESS)
        self._write(self.contract.episode.outcome_topic, verdict, stamp)
        event = self._event(_ENDED)
        event.outcome = self.outcome.value
        self._write(EVENT_TOPIC, event, stamp)

    def information(self, source: str) -> dict[str, str]:
        """Return what goes into the bag's metadata."""
        return {'episode_id': self.identity, 'outcome': self.outcome.name.lower(),
                'operator': self.operator, 'task': self.task, 'contract': self.contract.name,
                'contract_hash': self.contract.hash, 'imported_from': source}

    def _event(self, kind: int) -> Any:
        message = blank_message('inril_ros/msg/EpisodeEvent')
        message.episode_id, message.event, message.purpose = self.identity, kind, _DEMONSTRATION
        message.tick, message.contract_hash = self.ticks, self.contract.hash
        message.task, message.operator_name = self.task, self.operator
        return message

    def _write(self, topic: str, message: Any, stamp: int) -> None:
        put_stamp(message, stamp, '')
        self.bag.write(topic, message.__msgtype__, stamp, serialised(message))
