# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The messages that the recorder adds to an episode: its events, actions and verdict."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from inril_ros.data.bags.bags import EpisodeBag, EVENT_TOPIC, EXECUTED_TOPIC
from inril_ros.data.demonstrations.import_versions import IMPORT_VERSION
from inril_ros.data.raw.messages import blank_message, serialised, with_numpy
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.episode import EpisodeOutcome
from inril_ros.robot.messages.codecs import put_stamp

_STARTED, _ENDED, _DEMONSTRATION, _TELEOP = 2, 3, 1, 2


@dataclass
class EpisodeMessages:
    """Writes what the recorder would have written beside the robot's own messages.

    Attributes:
        bag: The bag to write to.
        contract: The robot's contract.
        identity: UUID of the episode.
        outcome: The episode's outcome.
        task: The episode's task.
        operator: The name of the person who drove.
        ticks: Number of actions so far.
    """

    bag: EpisodeBag
    contract: Contract
    identity: str
    outcome: EpisodeOutcome
    task: str = ''
    operator: str = ''
    ticks: int = 0

    def __post_init__(self) -> None:
        self._executed = with_numpy(blank_message('inril_ros/msg/ExecutedAction'))
        self._executed.episode_id, self._executed.source = self.identity, _TELEOP
        self._executed.person_share = 1.0

    def start(self, stamp: int) -> None:
        """Write the start of the episode; tick 0 is at ``stamp`` [ns]."""
        self._write(EVENT_TOPIC, self._event(_STARTED), stamp)

    def execute(self, stamp: int, action: np.ndarray, age: float = 0.0) -> None:
        """Write a person's action (A,) of the next tick, on an observation of this age [s]."""
        message = self._executed
        message.tick = message.chunk_first_tick = self.ticks
        message.observation_age = age
        message.requested = message.executed = action.astype(np.float32)
        put_stamp(message, stamp, '')
        self.bag.write(EXECUTED_TOPIC, message.__msgtype__, stamp,
                       ros_typestore().serialize_cdr(message, message.__msgtype__))
        self.ticks += 1

    def end(self, stamp: int) -> None:
        """Write the verdict on the last observation, at ``stamp`` [ns], and the end event."""
        verdict = blank_message('inril_ros/msg/Outcome')
        ended = self.outcome is not EpisodeOutcome.TIME_LIMIT
        verdict.outcome = self.outcome.value if ended else EpisodeOutcome.UNKNOWN.value
        verdict.reward = float(self.outcome is EpisodeOutcome.SUCCESS)
        self._write(self.contract.episode.outcome_topic, verdict, stamp)
        event = self._event(_ENDED)
        event.outcome = self.outcome.value
        self._write(EVENT_TOPIC, event, stamp)

    def information(self, source: str) -> dict[str, str]:
        """Return the entries of the bag's metadata."""
        return {'episode_id': self.identity, 'outcome': self.outcome.name.lower(),
                'operator': self.operator, 'task': self.task, 'contract': self.contract.name,
                'contract_hash': self.contract.hash, 'imported_from': source,
                'import_version': str(IMPORT_VERSION)}

    def _event(self, kind: int) -> Any:
        message = blank_message('inril_ros/msg/EpisodeEvent')
        message.episode_id, message.event, message.purpose = self.identity, kind, _DEMONSTRATION
        message.tick, message.contract_hash = self.ticks, self.contract.hash
        message.task, message.operator_name = self.task, self.operator
        return message

    def _write(self, topic: str, message: Any, stamp: int) -> None:
        put_stamp(message, stamp, '')
        self.bag.write(topic, message.__msgtype__, stamp, serialised(message))
