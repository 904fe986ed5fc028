# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Transitions on their way to the learner: journaled, sent, sent again until acknowledged."""

from pathlib import Path
import shutil
import time

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.serialization import deserialize_message, serialize_message
from rclpy.subscription import Subscription

from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.msg import EpisodeEvent, Transition, TransitionAck
from inril_ros.nodes.base import qos
from inril_ros.robot.messages.codecs import stamp_ns
from inril_ros.transport.journal.journal import Journal
from inril_ros.transport.journal.outbox import Outbox
from inril_ros.transport.journal.retention import Retention

_TYPE = 'inril_ros/msg/Transition'
_ALL = Retention()


def _abort_marker(of: Transition | EpisodeEvent) -> Transition:
    """Return the empty transition that tells the learner to forget an episode."""
    return Transition(
        header=of.header, run_id=of.run_id, episode_id=of.episode_id,
        truncated=True, outcome=EpisodeEvent.ABORTED, contract_hash=of.contract_hash)


class TransitionStream:
    """The recorder's end of the stream. What the journal already has is sent again at the start.

    Args:
        node: The node that publisher and subscription belong to.
        folder: Of the journal.
        run_id: Acknowledgements of other runs are ignored; empty: of none.
        patience: [s] A transition that is not acknowledged by then is sent again.
        sync_each: Force each transition to the disk before it is sent, not each episode.
        retention: What of the journal is kept; by default everything.

    Attributes:
        sent: Transitions sent, those sent again counted again.
        damaged: Pieces of the journal that could not be read.

    Raises:
        FolderInUseError: Another recorder writes to this journal.
    """

    def __init__(self, node: Node, folder: Path, run_id: str, patience: float,
                 sync_each: bool, retention: Retention = _ALL) -> None:
        self._folder = folder
        self._retention = retention
        self._kept = 0
        self._run_id = run_id
        self._sync_each = sync_each
        self._log = node.get_logger()
        self._journal = Journal(folder, _TYPE, ros_typestore().generate_msgdef(_TYPE)[0])
        self._outbox = Outbox(self._journal.after, self._journal.last_sequence, patience)
        self._cut_off: Transition | None = None
        self.sent = 0
        self.damaged = len(self._journal.damages)
        for damage in self._journal.damages:
            self._log.error(f'journal: {damage}')
        self._publisher = node.create_publisher(Transition, 'transition', qos.EXPERIENCE)
        acknowledgements = node.create_subscription(
            TransitionAck, 'transition_ack', self._acknowledge, qos.EXPERIENCE)
        self.endpoints: tuple[Publisher | Subscription, ...] = (self._publisher, acknowledgements)
        self._close_cut_off()
        self.resend()

    @property
    def next_sequence(self) -> int:
        """The number that the next transition must have."""
        return self._journal.next_sequence

    @property
    def last_sequence(self) -> int:
        """The number of the last transition in the journal."""
        return self._journal.last_sequence

    @property
    def acknowledged(self) -> int:
        """The learner has every transition up to this one."""
        return self._outbox.acknowledged

    def send(self, message: Transition) -> None:
        """Journal a transition, then send it.

        Raises:
            OSError: It could not be journaled, and is not sent.
        """
        self._end_cut_off()
        message.sequence = self.next_sequence
        message.previous_sequence = self.last_sequence
        record = serialize_message(message)
        self._journal.append(message.sequence, stamp_ns(message), record)
        if self._sync_each:
            self._journal.sync()
        self._outbox.add(message.sequence, record)
        self.resend()

    def give_up(self, of: Transition | EpisodeEvent) -> None:
        """Tell the learner to forget an episode; later, if the journal can't be written now."""
        self._cut_off = _abort_marker(of)
        self.resend()

    def resend(self) -> None:
        """Send what is due: what is new, and what has waited too long, oldest first."""
        try:
            self._end_cut_off()
        except OSError as error:
            self._log.error(f'journal: {error}', throttle_duration_sec=5.0)
        for parcel in self._outbox.due(time.monotonic()):
            message = deserialize_message(parcel.record, Transition)
            message.previous_sequence = parcel.previous
            self._publisher.publish(message)
            self.sent += 1

    def sync(self) -> None:
        """Force what was journaled to the disk."""
        try:
            self._journal.sync()
        except OSError as error:
            self._log.error(f'journal: {error}')

    def warn_of_low_space(self, gigabytes: float) -> None:
        """Log a warning, once a minute, while the disk of the journal has less left [GB]."""
        free = shutil.disk_usage(self._folder).free / 1e9
        if free < gigabytes:
            self._log.warning(
                f'journal: {free:.2f} GB are left on the disk of {self._folder}; when it is full, '
                'episodes are lost as they run', throttle_duration_sec=60.0)

    def close(self) -> None:
        """Finish the journal."""
        self._journal.close()

    def _close_cut_off(self) -> None:
        """End the episode that was being recorded when an earlier process was killed, if any."""
        for _, record in self._journal.after(max(0, self._journal.last_sequence - 1)):
            last = deserialize_message(record, Transition)
            if not (last.terminated or last.truncated):
                self.give_up(last)

    def _end_cut_off(self) -> None:
        """Journal the end of an episode that was given up, before anything else."""
        marker, self._cut_off = self._cut_off, None
        if marker is None:
            return
        try:
            self.send(marker)
        except OSError:
            self._cut_off = marker
            raise

    def _acknowledge(self, message: TransitionAck) -> None:
        if self._run_id and message.run_id != self._run_id:
            return
        if message.sequence >= self._journal.next_sequence:
            self._log.error(
                f'the learner has transitions up to {message.sequence}, the journal only up to '
                f'{self._journal.last_sequence}: it is not the one that they came from, or lost '
                'its end; numbers go on after those', throttle_duration_sec=5.0)
            self._journal.skip_beyond(message.sequence)
        self._outbox.acknowledge(message.sequence, time.monotonic())
        if message.kept_sequence > self._kept:
            self._prune(min(message.sequence, message.kept_sequence))
        self._kept = message.kept_sequence
        self.resend()

    def _prune(self, covered: int) -> None:
        try:
            removed = self._journal.prune(covered, self._retention, time.time())
        except OSError as error:
            self._log.error(f'journal: {error}')
            return
        if removed:
            self._log.info(f'journal: {len(removed)} segments removed, beyond its limits and in '
                           f'every checkpoint that is kept: {removed[0]} to {removed[-1]}')
