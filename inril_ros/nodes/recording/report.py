# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the recorder reports: its verdict on each episode, and its status."""

from inril_ros.data.bags.bags import EVENT_TOPIC
from inril_ros.data.bags.queued_bag import QueuedBag
from inril_ros.data.frames.tick_account import in_verdict
from inril_ros.msg import EpisodeEvent, RecorderStatus
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.recording.transition_stream import TransitionStream


class RecorderReport:
    """Publishes verdicts on episodes, and the status.

    Args:
        stream: Its transitions; None without a journal.

    Attributes:
        last_episode: ID of the episode of the last verdict.
    """

    def __init__(self, node: ManagedNode, stream: TransitionStream | None) -> None:
        self._node = node
        self._stream = stream
        self._counts = {'saved': 0, 'discarded': 0, 'dropped': 0}
        self._parts = 0
        self._last_reason = ''
        self.last_episode = ''
        self._statuses = node.create_publisher(RecorderStatus, 'recorder/status', qos.STATE)
        self._events = node.create_publisher(EpisodeEvent, EVENT_TOPIC, qos.EVENT)

    @property
    def details(self) -> dict[str, str]:
        """What became of the episodes since this process began, for the diagnostics."""
        return {'episodes kept': str(self._counts['saved']),
                'kept but for some ticks': str(self._parts),
                'episodes discarded': str(self._counts['discarded']),
                'last reason': self._last_reason}

    def count_dropped(self, bag: QueuedBag) -> None:
        """Count and log the messages that a bag lost."""
        if bag.dropped:
            self._counts['dropped'] += bag.dropped
            self._node.get_logger().error(
                f'{bag.path}: {bag.dropped} messages were lost because the disk is too slow for '
                'the recorded streams')

    def publish_verdict(
        self, source: EpisodeEvent, event: int, reason: str, account: str = '',
    ) -> None:
        """Publish whether an episode was kept.

        Args:
            source: The newest event of the episode.
            event: SAVED or DISCARDED.
            reason: Why, or where the record is.
            account: Ticks of it that can't be learned from in full, and why.
        """
        if event == EpisodeEvent.DISCARDED:
            self._last_reason = reason
        elif account:
            self._parts, self._last_reason = self._parts + 1, account
            self._node.get_logger().warning(f'episode {source.episode_id}: {account}')
        self.last_episode = source.episode_id
        self._events.publish(EpisodeEvent(
            header=source.header, run_id=source.run_id, episode_id=source.episode_id, event=event,
            purpose=source.purpose, outcome=source.outcome, tick=source.tick,
            explore=source.explore, seed=source.seed, task=source.task,
            operator_name=source.operator_name, contract_hash=self._node.contract.hash,
            reason=in_verdict(reason, account),
            sequence=self._stream.last_sequence if self._stream else 0))
        self._counts['saved' if event == EpisodeEvent.SAVED else 'discarded'] += 1
        self.publish_status()

    def publish_status(self) -> None:
        """Publish the status."""
        stream = self._stream
        self._statuses.publish(RecorderStatus(
            header=self._node.header(self._node.now()), run_id=self._node.run_id,
            journaled=stream.last_sequence if stream else 0, sent=stream.sent if stream else 0,
            acknowledged=stream.acknowledged if stream else 0,
            damaged=stream.damaged if stream else 0, **self._counts))
