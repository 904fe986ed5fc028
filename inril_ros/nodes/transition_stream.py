# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Transitions on their way to the learner: journaled, sent, sent again until acknowledged."""

from collections import OrderedDict
from pathlib import Path
import time

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.serialization import deserialize_message, serialize_message
from rclpy.subscription import Subscription

from inril_ros.data.typestore import ros_typestore
from inril_ros.msg import EpisodeEvent, Transition, TransitionAck
from inril_ros.nodes import qos
from inril_ros.robot.codecs import stamp_ns
from inril_ros.transport.journal import Journal

_TYPE = 'inril_ros/msg/Transition'
_BURST = 200


def abort_marker(of: Transition | EpisodeEvent, sequence: int) -> Transition:
    """Return the empty transition that tells the learner to forget an episode."""
    return Transition(
        header=of.header, run_id=of.run_id, sequence=sequence, episode_id=of.episode_id,
        truncated=True, outcome=EpisodeEvent.ABORTED, contract_hash=of.contract_hash)


class TransitionStream:
    """The recorder's end of the stream. What the journal already has is sent again at the start.

    Args:
        node: The node that publisher and subscription belong to.
        folder: Of the journal.
        run_id: Acknowledgements of other runs are ignored; empty: of none.
        patience: [s] A transition that is not acknowledged by then is sent again.
    """

    def __init__(self, node: Node, folder: Path, run_id: str, patience: float) -> None:
        self._run_id = run_id
        self._patience = patience
        self._journal = Journal(folder, _TYPE, ros_typestore().generate_msgdef(_TYPE)[0])
        self._waiting: OrderedDict[int, Transition] = OrderedDict()
        self._sent_at = 0.0
        self.acknowledged = 0
        self.sent = 0
        self._publisher = node.create_publisher(Transition, 'transition', qos.EXPERIENCE)
        acknowledgements = node.create_subscription(
            TransitionAck, 'transition_ack', self._acknowledge, qos.EXPERIENCE)
        self.links: tuple[Publisher | Subscription, ...] = (self._publisher, acknowledgements)
        self._take_up_after(0)
        self._close_cut_off()

    @property
    def next_sequence(self) -> int:
        """The number that the next transition must have."""
        return self._journal.last_sequence + 1

    def send(self, message: Transition) -> None:
        """Journal a transition, then send it."""
        self._journal.append(message.sequence, stamp_ns(message), serialize_message(message))
        self._waiting[message.sequence] = message
        self._publish([message])

    def resend(self) -> None:
        """Send again what has waited too long for its acknowledgement, oldest first."""
        if self._waiting and time.monotonic() - self._sent_at > self._patience:
            self._publish(list(self._waiting.values())[:_BURST])

    def sync(self) -> None:
        """Force what was journaled to the disk."""
        self._journal.sync()

    def close(self) -> None:
        """Finish the journal."""
        self._journal.close()

    def _close_cut_off(self) -> None:
        """End the episode that was being recorded when an earlier process was killed, if any."""
        last = next(reversed(self._waiting.values()), None)
        if last is not None and not (last.terminated or last.truncated):
            self.send(abort_marker(last, self.next_sequence))

    def _publish(self, messages: list[Transition]) -> None:
        self._sent_at = time.monotonic()
        self.sent += len(messages)
        for message in messages:
            self._publisher.publish(message)

    def _acknowledge(self, message: TransitionAck) -> None:
        if self._run_id and message.run_id != self._run_id:
            return
        if message.sequence < self.acknowledged:  # the learner came back with less
            self._take_up_after(message.sequence)
        self.acknowledged = message.sequence
        while self._waiting and next(iter(self._waiting)) <= message.sequence:
            self._waiting.popitem(last=False)

    def _take_up_after(self, sequence: int) -> None:
        """Let what the journal has after a sequence number wait again."""
        self._waiting = OrderedDict(
            (number, deserialize_message(raw, Transition))
            for number, raw in self._journal.after(sequence))
        self._sent_at = 0.0
