# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the recorder says: what became of each episode, and how it is doing."""

from inril_ros.data.bags.bags import EVENT_TOPIC
from inril_ros.msg import EpisodeEvent, RecorderStatus
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.recording.transition_stream import TransitionStream


class RecorderReport:
    """Publishes verdicts on episodes, and the status.

    Args:
        node: The recorder.
        stream: Of its transitions, if it has one.

    Attributes:
        told: The episode that the last verdict was on.
    """

    def __init__(self, node: ManagedNode, stream: TransitionStream | None) -> None:
        self._node = node
        self._stream = stream
        self._counts = {'saved': 0, 'discarded': 0, 'dropped': 0}
        self.told = ''
        self._statuses = node.create_publisher(RecorderStatus, 'recorder/status', qos.STATE)
        self._events = node.create_publisher(EpisodeEvent, EVENT_TOPIC, qos.EVENT)

    def dropped(self, bag: str, number: int) -> None:
        """Count messages that a bag lacks, if there are any, and say so."""
        if number:
            self._counts['dropped'] += number
            self._node.get_logger().error(
                f'{bag}: {number} messages were lost: the disk is too slow for what is recorded')

    def verdict(self, source: EpisodeEvent, event: int, reason: str) -> None:
        """Say what became of the record of an episode.

        Args:
            source: The newest event of the episode.
            event: SAVED or DISCARDED.
            reason: Why, or where it is.
        """
        self.told = source.episode_id
        self._events.publish(EpisodeEvent(
            header=source.header, run_id=source.run_id, episode_id=source.episode_id, event=event,
            purpose=source.purpose, outcome=source.outcome, tick=source.tick,
            explore=source.explore, seed=source.seed, task=source.task,
            operator_name=source.operator_name, contract_hash=self._node.contract.hash,
            reason=reason, sequence=self._stream.last_sequence if self._stream else 0))
        self._counts['saved' if event == EpisodeEvent.SAVED else 'discarded'] += 1
        self.publish_status()

    def publish_status(self) -> None:
        """Say how it is doing."""
        stream = self._stream
        self._statuses.publish(RecorderStatus(
            header=self._node.header(self._node.now()), run_id=self._node.run_id,
            journaled=stream.last_sequence if stream else 0, sent=stream.sent if stream else 0,
            acknowledged=stream.acknowledged if stream else 0,
            damaged=stream.damaged if stream else 0, **self._counts))
