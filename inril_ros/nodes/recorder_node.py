# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Records: demonstrations to bags, rollouts to the journal and on to the learner.

A demonstration is kept as the messages came. A rollout becomes transitions, each written to the
journal before it is sent, and sent again until the learner has acknowledged it. The robot never
waits for any of this; the next episode does, until this one is SAVED.
"""

from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.serialization import deserialize_message

from inril_ros.data.bags.bags import BagError, EpisodeBag, EVENT_TOPIC, EXECUTED_TOPIC
from inril_ros.data.bags.queued_bag import QueuedBag
from inril_ros.data.bags.storage import STORAGES
from inril_ros.data.demonstrations.demonstration_set import next_number
from inril_ros.data.frames.assembly import TransitionAssembler
from inril_ros.data.frames.capture import Captured, EpisodeCapture
from inril_ros.data.frames.sync import FrameAligner, FrameError
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.msg import ActionChunk, EpisodeEvent, EpisodeRequest, ExecutedAction
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.message_types import begins_with_header, message_type, serialised_stamp
from inril_ros.nodes.base.node_process import run
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.nodes.recording.episode_record import EpisodeRecord
from inril_ros.nodes.recording.recorded_topics import RecordedTopics, StreamPlan
from inril_ros.nodes.recording.report import RecorderReport
from inril_ros.nodes.recording.transition_stream import TransitionStream
from inril_ros.robot.messages.codecs import CodecError
from inril_ros.transport.journal.retention import Retention

PARAMETERS = (
    Parameter('demonstrations', '', 'folder for the bags of demonstrations; empty: none are made'),
    Parameter('storage', 'mcap', 'how bags are stored: mcap or sqlite3'),
    Parameter('journal', '', 'folder of the rollout journal; empty: rollouts are not kept'),
    Parameter('settle', 0.5, '[s] how long the end of an episode waits for late messages, in real '
              'time', minimum=0.0, maximum=10.0),
    Parameter('give_up', 10.0, '[s] an ended episode of which nothing more comes is discarded',
              minimum=0.1, maximum=600.0),
    Parameter('resend', 1.0, '[s] a transition that is not acknowledged by then is sent again',
              minimum=0.01, maximum=600.0),
    Parameter('sync_each', True, 'force each transition to the disk before it is sent, so that '
              'not even a power cut loses what the learner has; in lockstep, and if false, each '
              'episode at its end'),
    Parameter('journal_gigabytes', 0.0, '[GB] more of the journal is not kept, once every kept '
              'checkpoint of the learner has it; 0: everything is', minimum=0.0, maximum=1e6),
    Parameter('journal_hours', 0.0, '[h] the same by age; 0: everything is kept',
              minimum=0.0, maximum=1e6),
    Parameter('low_space', 1.0, '[GB] less than this left on the disk of the journal is worth a '
              'warning; 0: never', minimum=0.0, maximum=1e6),
)
_RECENT = 1000
# Of each stream, until the actions that they belong to have come: 20 s at 100 and at 30 Hz.
_SAMPLES, _IMAGES = 2048, 600


class RecorderNode(ManagedNode):
    """Bags and the journal."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__('recorder_node', PARAMETERS, **arguments)

    def setup(self) -> None:
        """Open the journal and make the streams."""
        contract = self.contract
        if self.value('storage') not in STORAGES:
            raise ValueError(f'storage is {self.value("storage")!r}: {" or ".join(STORAGES)}')
        ros_typestore()  # made now: at the beginning of an episode nobody has the time for it
        self._aligner = FrameAligner(
            contract, history=_SAMPLES, images=True, image_history=_IMAGES)
        self._episode: EpisodeRecord | None = None
        # Topics are not ordered among each other: the first messages of an episode may come before
        # the event that announces it.
        self._recent: deque[tuple[Captured, Any]] = deque(maxlen=_RECENT)
        self._chunks: deque[ActionChunk] = deque(maxlen=_RECENT)
        self._stream: TransitionStream | None = None
        if self.value('journal'):
            self._stream = TransitionStream(
                self, Path(self.value('journal')), self.run_id, self.value('resend'),
                self.value('sync_each') and not self.lockstep,
                Retention(self.value('journal_gigabytes'), self.value('journal_hours')))
        self._report = RecorderReport(self, self._stream)
        self.require(self.create_subscription(EpisodeEvent, EVENT_TOPIC, self._event, qos.EVENT))
        if self._stream is not None:
            self.require(*self._stream.endpoints)
        # Sent once, and part of every episode.
        self._latched: dict[str, deque[tuple[Captured, Any]]] = {
            topic: deque(maxlen=_RECENT) for topic in contract.latched_topics()}
        self._plan = StreamPlan.of(
            contract, self._aligner.topics, bool(self.value('demonstrations')))
        self._read = {*self._plan.observed, *self._plan.ours}
        self._topics = RecordedTopics(self, self._plan, self._take, self._forget)
        if self._stream is not None:
            self.require(self.create_subscription(
                ActionChunk, 'action_chunk', self._take_chunk, qos.RECORD))
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(0.1, self._watch, clock=steady)
        self.create_timer(1.0, self._look_around, clock=steady)

    def why_not_ready(self) -> str:
        """Say whether subscriptions still have to take up what the publishers offer."""
        changed = self._topics.adapt(recording=self._episode is not None)
        return f'subscribed anew to {changed}' if changed else ''

    def teardown(self) -> None:
        """Close the running bag as it is, and the journal."""
        if getattr(self, '_episode', None) is not None:
            self._discard('the recorder was stopped')
        if getattr(self, '_stream', None) is not None:
            self._stream.close()

    # What comes in.

    def _take(self, topic: str, kind: str, raw: bytes) -> None:
        """Take a serialised message of a stream in."""
        received = self.now()
        # Most of what is recorded nobody here looks into.
        message = deserialize_message(
            raw, message_type(kind)) if topic in self._read else None
        stamp = serialised_stamp(raw) if begins_with_header(kind) else 0
        if topic in self._plan.observed:
            try:
                self._aligner.add(topic, message, received)
            except CodecError as error:
                self.get_logger().warning(str(error), throttle_duration_sec=2.0)
                return
        if topic in self._plan.timed_here:
            stamp = received
        item = Captured(topic, kind, stamp or received, bytes(raw),
                        None if self.lockstep else received)
        if topic in self._latched:
            self._latched[topic].append((item, message))
        if self._episode is None:
            if topic not in self._latched:
                self._recent.append((item, message))
            return
        self._episode.take(item, message)
        # Any message may be the last that lockstep awaits; in real time a look per tick is enough.
        if self.lockstep or topic == EXECUTED_TOPIC:
            self._advance(self._episode)

    def _forget(self, topic: str) -> None:
        """Forget what was sent once on a topic: it will come again."""
        if topic in self._latched:
            self._latched[topic].clear()

    def _take_chunk(self, message: ActionChunk) -> None:
        """Take in how a chunk was drawn; it may come before the event that began its episode."""
        self._chunks.append(message)
        if self._episode is not None:
            self._add_extras(self._episode)
            self._advance(self._episode)

    def _add_extras(self, episode: EpisodeRecord) -> None:
        episode.add_extras(self._chunks)
        self._chunks.clear()

    def _event(self, message: EpisodeEvent) -> None:
        if message.event == EpisodeEvent.RESETTING:
            if self._episode is not None:
                self._discard('the next episode began before its messages had come')
            self._begin(message)
        elif self._episode is None or message.episode_id != self._episode.event.episode_id:
            self._answer_for_unknown(message)
        elif message.event == EpisodeEvent.STARTED:
            self._episode.begin(message)
        elif message.event == EpisodeEvent.ENDED and message.outcome == EpisodeEvent.ABORTED:
            self._episode.end = message
            self._discard(f'aborted: {message.reason}')
        elif message.event == EpisodeEvent.ENDED:
            self._episode.finish(message)
            self._advance(self._episode)

    def _answer_for_unknown(self, message: EpisodeEvent) -> None:
        """Say that an episode is lost whose beginning this process didn't see, once it ends."""
        if (message.event == EpisodeEvent.ENDED and message.episode_id != self._report.told
                and self._is_ours(message)):
            self.get_logger().error(f'episode {message.episode_id} discarded: its beginning was '
                                    'not seen, the recorder was started in the middle of it')
            self._report.verdict(message, EpisodeEvent.DISCARDED, 'its beginning was not seen')

    def _is_ours(self, message: EpisodeEvent) -> bool:
        """Say whether episodes of this purpose are recorded here."""
        if message.purpose == EpisodeRequest.DEMONSTRATION:
            return bool(self.value('demonstrations'))
        return message.purpose == EpisodeRequest.ROLLOUT and self._stream is not None

    def _begin(self, message: EpisodeEvent) -> None:
        if not self._is_ours(message):
            return
        demonstration = message.purpose == EpisodeRequest.DEMONSTRATION
        plan = self._plan
        self._episode = EpisodeRecord(
            message, self.contract,
            TransitionAssembler(self.contract, self._aligner, self.lockstep,
                                chunk_source=None if demonstration else ExecutedAction.POLICY),
            EpisodeCapture(
                frozenset({*plan.observed, self.contract.episode.outcome_topic}),
                plan.every_tick if self.lockstep else frozenset(),
                self.contract.lookback(self.lockstep)),
            self._new_bag(message) if demonstration else None)
        latched = [pair for pairs in self._latched.values() for pair in pairs]
        for item, early in [*latched, *self._recent]:
            self._episode.take(item, early)
        self._recent.clear()
        self._add_extras(self._episode)

    def _new_bag(self, message: EpisodeEvent) -> QueuedBag:
        folder = Path(self.value('demonstrations'))
        name = f'{next_number(folder):04d}_{message.episode_id[:8]}'
        return QueuedBag(EpisodeBag(folder, name, self.value('storage'), self._topics.offers()),
                         lossless=self.lockstep)

    # What goes out.

    def _advance(self, episode: EpisodeRecord) -> None:
        """Send what has become complete; finish an ended episode when all of it is here."""
        try:
            decisions = episode.assembler.ready(self._settled())
        except FrameError as error:
            self._discard(str(error))
            return
        self._alarm(episode)
        for decision in decisions if episode.bag is None else ():
            try:
                self._stream.send(episode.transition(decision, self.header(decision.stamp)))
            except OSError as error:  # the disk is full, say: the robot goes on
                self._discard(f'it could not be journaled: {error}')
                return
            episode.sent = True
        if episode.end is None or not episode.assembler.finished:
            return
        settle = None if self.lockstep else self.value('settle')
        if episode.bag is not None and not episode.all_came(settle):
            return
        self._finish(episode)

    def _alarm(self, episode: EpisodeRecord) -> None:
        """Warn while recording when a stream pauses nearly as long as it may."""
        gap = episode.assembler.audit[-1][2] if episode.assembler.audit else 0.0
        if gap > self._plan.longest_gap:
            self.get_logger().warning(
                f'a stream pauses for {gap:.3f} s; the contract allows an age of '
                f'{self._plan.longest_gap:g} s', throttle_duration_sec=1.0)

    def _settled(self) -> int | None:
        """Return until when [ns] late messages have had their time; None: none can be late."""
        return None if self.lockstep else self.now() - round(1e9 * self.value('settle'))

    def _finish(self, episode: EpisodeRecord) -> None:
        if episode.bag is None:
            self._stream.sync()
            self._tell(episode, EpisodeEvent.SAVED, 'journaled')
            return
        try:
            path, kept = episode.close_bag()
        except BagError as error:
            self._discard(str(error))
            return
        self._report.dropped(str(episode.bag.path), episode.bag.dropped)
        self._tell(episode, EpisodeEvent.SAVED if kept else EpisodeEvent.DISCARDED, path)

    def _discard(self, reason: str) -> None:
        """Give an episode up: its bag goes to the rejected ones, the learner is told to forget."""
        episode = self._episode
        self.get_logger().error(f'episode {episode.event.episode_id} discarded: {reason}')
        if episode.bag is not None:
            self._report.dropped(str(episode.bag.path), episode.bag.dropped)
        if episode.bag is not None and not episode.bag.failure:
            with suppress(BagError):  # the episode is given up in any case
                episode.bag.close({'episode_id': episode.event.episode_id,
                                   'outcome': 'incomplete', 'reason': reason}, keep=False)
        elif episode.sent:
            self._stream.give_up(episode.event)
        self._tell(episode, EpisodeEvent.DISCARDED, reason)

    def _tell(self, episode: EpisodeRecord, event: int, reason: str) -> None:
        self._episode = None
        self._report.verdict(episode.end or episode.event, event, reason)

    def _look_around(self) -> None:
        """Take up what publishers offer that have come, and say how it goes."""
        self._topics.adapt(recording=self._episode is not None)
        if self._stream is not None:
            self._stream.warn_of_low_space(self.value('low_space'))
        self._report.publish_status()

    def _watch(self) -> None:
        """Send again what wasn't acknowledged; finish, or give up, an episode that has ended."""
        if self._stream is not None:
            self._stream.resend()
        episode = self._episode
        if episode is not None and episode.bag is not None and episode.bag.failure:
            self._discard(f'{episode.bag.failure}; what was written is left there')
            return
        if episode is None or episode.end is None:
            return
        self._advance(episode)
        # One that is behind on a busy machine is waited for as long as it goes on.
        if self._episode is episode and episode.waited() > self.value('give_up'):
            self._discard(f'never came: {episode.assembler.missing() or episode.awaited()}')


def main(arguments: list[str] | None = None) -> int:
    """Run the node."""
    return run(RecorderNode, PARAMETERS, __doc__, arguments)


if __name__ == '__main__':
    raise SystemExit(main())
