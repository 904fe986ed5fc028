# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Transitions for the learner: journaled, sent, and sent again until acknowledged.

A journal may hold records that no learner of this run can take: those of another run, of a
contract that was edited since, or of another version of the message. In the place of each the
learner gets the end of its episode under the record's number, and acknowledges that. So such a
record costs its episode and blocks nothing.
"""

from pathlib import Path
import shutil
import time

from rclpy.publisher import Publisher
from rclpy.serialization import serialize_message
from rclpy.subscription import Subscription

from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.msg import EpisodeEvent, Transition, TransitionAck
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.belonging import why_foreign
from inril_ros.nodes.base.guarded_node import GuardedSubscriptions
from inril_ros.nodes.base.serialised_messages import MessageRefused, read_message
from inril_ros.nodes.base.topic_publishers import several
from inril_ros.robot.episode import is_episode_id
from inril_ros.robot.messages.codecs import stamp_ns
from inril_ros.transport.journal.journal import Journal
from inril_ros.transport.journal.outbox import Outbox, Parcel
from inril_ros.transport.journal.retention import Retention

_TYPE = 'inril_ros/msg/Transition'
_ALL = Retention()


class TransitionStream:
    """The recorder's end of the stream; at the start it sends what the journal already has.

    Args:
        run_id: Run whose acknowledgements count, and whose transitions are sent; empty: any run's.
        contract_hash: Hash of the contract whose transitions are sent; empty: any.
        patience: [s] Time after which an unacknowledged transition is sent again.
        sync_each: Force each transition to the disk before it is sent, instead of each episode.
        retention: Limits of the journal; by default everything is kept.

    Attributes:
        sent: Number of transitions sent, repetitions included.
        damaged: Number of places in the journal that could not be read.
        untaken: Number of records that no learner of this run can take.
        endpoints: The publisher and the subscription.

    Raises:
        FolderInUseError: Another recorder writes to this journal.
    """

    def __init__(
        self, node: GuardedSubscriptions, folder: Path, run_id: str, contract_hash: str,
        patience: float, sync_each: bool, retention: Retention = _ALL,
    ) -> None:
        self._folder = folder
        self._retention = retention
        self._kept = 0
        self._run_id = run_id
        self._contract_hash = contract_hash
        self._sync_each = sync_each
        self._log = node.get_logger()
        self._node = node
        self._acknowledged_on = node.resolve_topic_name('transition_ack')
        self._journal = Journal(folder, _TYPE, ros_typestore().generate_msgdef(_TYPE)[0])
        self._inherited = self._journal.last_sequence
        self._outbox = Outbox(self._journal.after, self._inherited, patience)
        self._cut_off: Transition | None = None
        self._heard = False  # whether there was an acknowledgement that can be right
        self._last_untaken = 0
        self.sent = self.untaken = 0
        self.damaged = len(self._journal.damages)
        for damage in self._journal.damages:
            self._log.error(f'journal: {damage}')
        self._publisher = node.create_publisher(Transition, 'transition', qos.EXPERIENCE)
        acknowledgements = node.create_subscription(
            TransitionAck, 'transition_ack', self._on_ack, qos.EXPERIENCE)
        self.endpoints: tuple[Publisher | Subscription, ...] = (self._publisher, acknowledgements)
        self._close_cut_off()
        self.resend()

    @property
    def next_sequence(self) -> int:
        """Number of the next transition."""
        return self._journal.next_sequence

    @property
    def last_sequence(self) -> int:
        """Number of the last transition in the journal."""
        return self._journal.last_sequence

    @property
    def acknowledged(self) -> int:
        """Number up to which the learner has every transition."""
        return self._outbox.acknowledged

    def send(self, message: Transition) -> None:
        """Journal a transition, then send it.

        Raises:
            OSError, ValueError: It could not be journaled; it is not sent.
        """
        self._end_cut_off()
        message.sequence = self.next_sequence
        message.previous_sequence = self.last_sequence
        record = serialize_message(message)
        self._journal.append(message.sequence, max(0, stamp_ns(message)), record)
        if self._sync_each:
            self._journal.sync()
        self._outbox.add(message.sequence, record)
        self.resend()

    def give_up(self, source: Transition | EpisodeEvent) -> None:
        """Have the learner forget an episode; later, if the journal can't be written now."""
        self._cut_off = self._end_of_episode(source)
        self.resend()

    def cut_off(self, source: EpisodeEvent) -> None:
        """Have the learner keep an episode whose last steps never came, up to there."""
        self._cut_off = self._end_of_episode(source)
        self._cut_off.outcome = EpisodeEvent.TIME_LIMIT
        self.resend()

    def resend(self) -> None:
        """Send new transitions and those that have waited too long, oldest first."""
        try:
            self._end_cut_off()
        except OSError as error:
            self._log.error(f'journal: {error}', throttle_duration_sec=5.0)
        for parcel in self._outbox.due(time.monotonic()):
            message = self._sendable(parcel)
            message.previous_sequence = parcel.previous
            self._publisher.publish(message)
            self.sent += 1

    def _sendable(self, parcel: Parcel) -> Transition:
        """Return the message of a record, or the end of its episode if no learner can take it."""
        message, reason = self._read(parcel.record)
        if not reason:
            return message
        if parcel.sequence > self._last_untaken:  # the first time that it is sent
            self._last_untaken = parcel.sequence
            self.untaken += 1
            if self.untaken & (self.untaken - 1) == 0:  # there may be as many as there are records
                self._log.error(
                    f'journal: transition {parcel.sequence} is not learned from: {reason} '
                    f'({self.untaken} such records so far)')
        end = self._end_of_episode(message)
        end.sequence = parcel.sequence
        return end

    def _read(self, record: bytes) -> tuple[Transition, str]:
        """Return the message of a record, and why no learner of this run can take it, or ''."""
        try:
            message = read_message(record, Transition)
        except MessageRefused as error:
            return Transition(), str(error)
        return message, why_foreign(message, self._run_id, self._contract_hash)

    def _end_of_episode(self, source: Transition | EpisodeEvent) -> Transition:
        """Return the transition without steps upon which the learner forgets an episode."""
        return Transition(
            header=source.header, run_id=self._run_id or source.run_id,
            episode_id=source.episode_id if is_episode_id(source.episode_id) else 'unknown',
            truncated=True, outcome=EpisodeEvent.ABORTED,
            contract_hash=self._contract_hash or source.contract_hash)

    def sync(self) -> None:
        """Force the journal to the disk."""
        try:
            self._journal.sync()
        except OSError as error:
            self._log.error(f'journal: {error}')

    def warn_of_low_space(self, gigabytes: float) -> None:
        """Log a warning, once a minute, while the journal's disk has less free space [GB]."""
        free = shutil.disk_usage(self._folder).free / 1e9
        if free < gigabytes:
            self._log.warning(
                f'journal: {free:.2f} GB are left on the disk of {self._folder}; when it is full, '
                'episodes are lost as they run', throttle_duration_sec=60.0)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    def _close_cut_off(self) -> None:
        """End the episode that was running when an earlier process was killed, if any."""
        for _, record in self._journal.after(max(0, self._inherited - 1)):
            last, reason = self._read(record)
            if not (reason or last.terminated or last.truncated):
                self.give_up(last)

    def _end_cut_off(self) -> None:
        """Journal the end of an episode that was given up, before any other transition."""
        marker, self._cut_off = self._cut_off, None
        if marker is None:
            return
        try:
            self.send(marker)
        except OSError:
            self._cut_off = marker
            raise

    def _on_ack(self, message: TransitionAck) -> None:
        """Note what the learner has.

        Raises:
            MessageRefused: It can't have that.
        """
        if self._run_id and message.run_id != self._run_id:
            return
        if message.sequence < self._journal.next_sequence:
            self._heard = True
            self._note_kept(message)
            self._acknowledge(message.sequence)
            return
        if not self._heard:
            # Such a learner has what an earlier process had journaled. What this one journals it
            # will take by its content, whatever the numbers.
            self._acknowledge(self._inherited)
        raise MessageRefused(
            f'it says that the learner has transition {message.sequence}, and the journal has '
            f'them up to {self._journal.last_sequence}: it is forged, or the learner has learned '
            'from another journal, or this one lost its end')

    def _note_kept(self, message: TransitionAck) -> None:
        """Remove what every kept checkpoint has, if it is the learner that says so."""
        if message.kept_sequence > self._kept:
            others = several(self._node, self._acknowledged_on)
            if others:  # what is removed doesn't come back
                self._log.error(f'journal: nothing is removed: {others}',
                                throttle_duration_sec=60.0)
                return
            self._prune(min(message.sequence, message.kept_sequence))
        self._kept = message.kept_sequence

    def _acknowledge(self, sequence: int) -> None:
        self._outbox.acknowledge(sequence, time.monotonic())
        self.resend()

    def _prune(self, covered: int) -> None:
        try:
            removed = self._journal.prune(covered, self._retention, time.time())
        except OSError as error:
            self._log.error(f'journal: {error}')
            return
        if removed:
            self._log.info(f'journal: {len(removed)} segments beyond its limits removed, which '
                           f'every kept checkpoint has: {removed[0]} to {removed[-1]}')
