# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Records demonstrations in bags, and rollouts in the journal, from which the learner gets them.

A demonstration is kept as its messages came. A rollout becomes transitions; each is written to the
journal before it is sent, and sent again until the learner has acknowledged it. The robot never
waits for any of this; the next episode waits until this one is SAVED. Ticks without a valid
observation are marked, and an episode is cut where an action is lost: what can be learned from is
kept, and the verdict says what is not.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rclpy.clock import Clock, ClockType

from inril_ros.data.bags.bags import BagError, EpisodeBag, EVENT_TOPIC, EXECUTED_TOPIC
from inril_ros.data.bags.queued_bag import QueuedBag
from inril_ros.data.bags.storage import STORAGES
from inril_ros.data.demonstrations.demonstration_set import next_number
from inril_ros.data.frames.assembly import Decision, TransitionAssembler
from inril_ros.data.frames.capture import Captured, EpisodeCapture
from inril_ros.data.frames.sync import FrameAligner
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.data.record_files import JsonLines
from inril_ros.data.run.gate_log import NAME as GATE_LOG
from inril_ros.msg import ActionChunk, EpisodeEvent, EpisodeRequest, ExecutedAction
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.belonging import check_ours
from inril_ros.nodes.base.diagnostics import Health
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.message_bounds import check_bounds
from inril_ros.nodes.base.message_types import begins_with_header, message_type
from inril_ros.nodes.base.node_process import run
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.nodes.base.serialised_messages import (
    check_serialised,
    read_message,
    serialised_stamp,
)
from inril_ros.nodes.base.verdicts import check_verdict
from inril_ros.nodes.cameras.view_guard import ViewGuard
from inril_ros.nodes.recording.early_messages import EarlyMessages
from inril_ros.nodes.recording.episode_record import EpisodeRecord, OUTCOME_NAMES
from inril_ros.nodes.recording.recorded_topics import RecordedTopics, StreamPlan
from inril_ros.nodes.recording.report import RecorderReport
from inril_ros.nodes.recording.transition_stream import TransitionStream
from inril_ros.robot.messages.codecs import CodecError
from inril_ros.robot.motion.tick import DRY_RUN
from inril_ros.transport.journal.retention import Retention

PARAMETERS = (
    Parameter('demonstrations', '', 'folder for bags of demonstrations; empty: none are recorded'),
    Parameter('attempts', '', 'folder for bags of evaluation episodes, from which a classifier of '
              'success learns; empty: none are recorded'),
    Parameter('storage', 'mcap', 'format of the bags: mcap or sqlite3'),
    Parameter('journal', '', 'folder of the rollout journal; empty: rollouts are not kept'),
    Parameter('settle', 0.5, '[s] wait for late messages at the end of an episode, unless in '
              'lockstep',
              minimum=0.0, maximum=10.0),
    Parameter('give_up', 10.0, '[s] silence after which an ended episode is cut where an action '
              'never came; a demonstration is discarded', minimum=0.1, maximum=600.0),
    Parameter('resend', 1.0, '[s] time after which an unacknowledged transition is sent again',
              minimum=0.01, maximum=600.0),
    Parameter('sync_each', True, 'force each transition to the disk before it is sent, so that '
              'not even a power cut loses what the learner has; if false, and in lockstep, each '
              'episode is forced to the disk at its end'),
    Parameter('journal_gigabytes', 0.0, '[GB] size beyond which the oldest segments of the '
              'journal that every kept checkpoint of the learner has are removed; 0: no limit',
              minimum=0.0, maximum=1e6),
    Parameter('journal_hours', 0.0, '[h] age beyond which such segments are removed; 0: no limit',
              minimum=0.0, maximum=1e6),
    Parameter('low_space', 1.0, '[GB] free space on the disk of the journal below which a '
              'warning is given; 0: never', minimum=0.0, maximum=1e6),
)
_CHUNKS = 1000  # kept until their episode is announced
# Kept per stream until the actions that they belong to come: 20 s at 100 Hz and at 30 Hz.
_SAMPLES, _IMAGES = 2048, 600
_SAMPLE_RATE, _IMAGE_RATE = 1000.0, 60.0  # [Hz] at most


class RecorderNode(ManagedNode):
    """Bags and the journal."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__('recorder_node', PARAMETERS, **arguments)

    def setup(self) -> None:
        """Open the journal, and make publishers and subscriptions."""
        contract = self.contract
        if self.value('storage') not in STORAGES:
            raise ValueError(f'storage is {self.value("storage")!r}: {" or ".join(STORAGES)}')
        ros_typestore()  # made now, because it takes too long when an episode begins
        # The final observation is kept until its verdict counts.
        veto = 0.0 if self.lockstep else contract.episode.veto
        self._aligner = FrameAligner(
            contract, history=_SAMPLES + round(veto * _SAMPLE_RATE), images=True,
            image_history=_IMAGES + round(veto * _IMAGE_RATE))
        self._episode: EpisodeRecord | None = None
        folder = self.value('demonstrations')
        self._views = ViewGuard(self, folder, folder and (
            'there are no reference views yet (inril camera check RUN makes them)'))
        self._early = EarlyMessages(contract.latched_topics())
        self._chunks: deque[ActionChunk] = deque(maxlen=_CHUNKS)
        self._stream: TransitionStream | None = None
        if self.value('journal'):
            self._stream = TransitionStream(
                self, Path(self.value('journal')), self.run_id, contract.hash,
                self.value('resend'),
                self.value('sync_each') and not self.lockstep,
                Retention(self.value('journal_gigabytes'), self.value('journal_hours')))
            self._gate = JsonLines(Path(self.value('journal')) / GATE_LOG)
        self.sole_publishers.expect(EXECUTED_TOPIC)
        self._report = RecorderReport(self, self._stream)
        self.require(self.create_subscription(
            EpisodeEvent, EVENT_TOPIC, self._on_event, qos.EVENT))
        if self._stream is not None:
            self.require(*self._stream.endpoints)
            self.sole_publishers.expect('transition_ack', 'action_chunk')
        self._plan = StreamPlan.of(
            contract, self._aligner.topics,
            bool(self.value('demonstrations') or self.value('attempts')),
            bool(self.value('demonstrations')))
        self._decoded = {*self._plan.observed, *self._plan.ours}
        self._topics = RecordedTopics(self, self._plan, self._on_message, self._early.forget)
        if self._stream is not None:
            self.require(self.create_subscription(
                ActionChunk, 'action_chunk', self._on_chunk, qos.RECORD))
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._topics.rest()
        self.create_timer(0.1, self._check_progress, clock=steady)
        self.create_timer(1.0, self._check_and_report, clock=steady)

    def why_not_ready(self) -> str:
        """Return which subscriptions just adapted, or which camera is not where it was."""
        changed = self._topics.adapt(recording=self._episode is not None)
        return f'subscribed again to {changed}' if changed else self._views.refusal

    def health(self) -> Health:
        """Return the node's state, with what became of the episodes and of the records."""
        health, stream = super().health(), getattr(self, '_stream', None)
        details = {**health.details, **(self._report.details if hasattr(self, '_report') else {})}
        if self.configured and self._views.warning:
            details['cameras'] = self._views.warning
        if stream is not None:
            details['records that are not learned from'] = str(stream.untaken)
        return replace(health, details=details)

    def teardown(self) -> None:
        """Discard the running episode, and close the journal."""
        if getattr(self, '_episode', None) is not None:
            self._discard('the recorder was stopped')
        if getattr(self, '_stream', None) is not None:
            self._stream.close()
            self._gate.close()

    # Messages.

    def _on_message(self, topic: str, kind: str, raw: bytes, came: int = 0) -> None:
        """Record a serialised message.

        Args:
            topic: Its topic.
            kind: Its type.
            raw: The message.
            came: When it came [ns]; 0: now.

        Raises:
            MessageRefused: It can't be read.
        """
        received = came or self.now()
        message = None
        if topic in self._decoded:
            message = read_message(raw, message_type(kind))
            check_bounds(message)
            if topic == self.contract.episode.outcome_topic:
                check_verdict(message, self.contract, None if self.lockstep else received)
        else:
            check_serialised(raw, message_type(kind))
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
        self._early.add(item, message, running=self._episode is not None)
        if self._episode is None:
            return
        self._episode.add(item, message)
        if self._episode.dry_run and self._episode.bag is None:
            self._discard(f'{DRY_RUN}, so there is nothing to learn')
            return
        # Any message may be the last one in lockstep; in real time a check per tick is enough.
        if self.lockstep or topic == EXECUTED_TOPIC:
            self._advance(self._episode)

    def _on_chunk(self, message: ActionChunk) -> None:
        """Keep a chunk's extras; it may come before the event that began its episode."""
        self._chunks.append(message)
        if self._episode is not None:
            self._add_extras(self._episode)
            self._advance(self._episode)

    def _add_extras(self, episode: EpisodeRecord) -> None:
        episode.add_extras(self._chunks)
        self._chunks.clear()

    def _on_event(self, message: EpisodeEvent) -> None:
        check_ours(self, message)
        if message.event == EpisodeEvent.RESETTING:
            if self._episode is not None:
                self._give_up(self._episode, 'the next episode began before its messages had come')
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
        """Report an ended episode as lost if this process didn't see its beginning."""
        if (message.event == EpisodeEvent.ENDED and self._is_recorded(message)
                and message.episode_id != self._report.last_episode):
            self.get_logger().error(f'episode {message.episode_id} discarded: its beginning was '
                                    'not seen, the recorder was started in the middle of it')
            self._report.publish_verdict(
                message, EpisodeEvent.DISCARDED, 'its beginning was not seen')

    def _is_recorded(self, message: EpisodeEvent) -> bool:
        """Return whether episodes of this purpose are recorded here."""
        if message.purpose == EpisodeRequest.ROLLOUT:
            return self._stream is not None
        return bool(self._bags(message))

    def _bags(self, message: EpisodeEvent) -> str:
        """Return the folder for bags of episodes of this purpose; empty if they have none."""
        name = {EpisodeRequest.DEMONSTRATION: 'demonstrations',
                EpisodeRequest.EVALUATION: 'attempts'}.get(message.purpose)
        return self.value(name) if name else ''

    def _begin(self, message: EpisodeEvent) -> None:
        if not self._is_recorded(message):
            return
        bagged = bool(self._bags(message))
        if message.purpose == EpisodeRequest.DEMONSTRATION:
            self._views.begin()
        plan = self._plan
        self._topics.rouse()
        self._episode = EpisodeRecord(
            message, self.contract,
            TransitionAssembler(self.contract, self._aligner, self.lockstep,
                                chunk_source=None if bagged else ExecutedAction.POLICY),
            EpisodeCapture(
                frozenset({*plan.observed, self.contract.episode.outcome_topic}),
                plan.every_tick if self.lockstep else frozenset(),
                self.contract.lookback(self.lockstep)),
            self._new_bag(message) if bagged else None, self.rule_clock)
        for item, early in self._early.pop():
            self._episode.add(item, early)
        self._add_extras(self._episode)

    def _new_bag(self, message: EpisodeEvent) -> QueuedBag:
        folder = Path(self._bags(message))
        episode = ''.join(filter(str.isalnum, message.episode_id))  # never a path
        name = f'{next_number(folder):04d}_{episode[:8]}'
        return QueuedBag(EpisodeBag(folder, name, self.value('storage'), self._topics.offers()),
                         lossless=self.lockstep)

    # Results.

    def _advance(self, episode: EpisodeRecord) -> None:
        """Send complete transitions; finish an ended episode when it is complete."""
        until = None if self.lockstep else self.now() - round(1e9 * self.value('settle'))
        self._take(episode, lambda: episode.assembler.ready(until))

    def _give_up(self, episode: EpisodeRecord, reason: str) -> None:
        """Keep what an ended rollout has before and after what never came; else discard it."""
        if episode.bag is None and episode.end is not None:
            self._take(episode, episode.assembler.cut)
        if self._episode is episode:
            self._discard(reason)

    def _take(self, episode: EpisodeRecord, assemble: Callable[[], list[Decision]]) -> None:
        """Send the decisions that the assembler gives; finish an ended episode."""
        try:
            decisions = assemble()
        except ValueError as error:  # actions whose sizes differ
            self._discard(str(error))
            return
        self._warn_of_gap(episode)
        first = episode.assembler.first_images
        if first and (refusal := self._views.refuses_to_record(first)):
            self._discard(refusal)
            return
        for decision in decisions if episode.bag is None else ():
            try:
                self._stream.send(episode.transition(decision, self.header(decision.stamp)))
            except (OSError, ValueError) as error:  # a full disk, for example: the robot goes on
                self._discard(f'it could not be journaled: {error}')
                return
            episode.sent = True
        if episode.end is None or not episode.assembler.finished:
            return
        settle = None if self.lockstep else self.value('settle')
        if episode.bag is not None and not episode.all_came(settle):
            return
        self._finish(episode)

    def _warn_of_gap(self, episode: EpisodeRecord) -> None:
        """Warn when a stream pauses longer than the contract allows."""
        gap = episode.assembler.audit[-1][2] if episode.assembler.audit else 0.0
        if gap > self._plan.longest_gap:
            self.get_logger().warning(
                f'a stream pauses for {gap:.3f} s; the contract allows an age of '
                f'{self._plan.longest_gap:g} s', throttle_duration_sec=1.0)

    def _finish(self, episode: EpisodeRecord) -> None:
        account = episode.account
        if account and not episode.has_steps:
            self._discard(account)
            return
        if episode.bag is None:
            if episode.sent and not episode.assembler.ended:
                self._stream.cut_off(episode.end)
            self._stream.sync()
            self._report_verdict(episode, EpisodeEvent.SAVED, 'journaled', account)
            return
        try:
            path, kept = episode.close_bag()
        except BagError as error:
            self._discard(str(error))
            return
        self._report.count_dropped(episode.bag)
        self._report_verdict(
            episode, EpisodeEvent.SAVED if kept else EpisodeEvent.DISCARDED, path, account)

    def _discard(self, reason: str) -> None:
        """Give the episode up: its bag is rejected, or the learner forgets its transitions."""
        episode = self._episode
        self.get_logger().error(f'episode {episode.event.episode_id} discarded: {reason}')
        if episode.bag is not None:
            self._report.count_dropped(episode.bag)
            episode.reject_bag(reason)
        elif episode.sent:
            self._stream.give_up(episode.event)
        self._report_verdict(episode, EpisodeEvent.DISCARDED, reason)

    def _report_verdict(
        self, episode: EpisodeRecord, event: int, reason: str, account: str = '',
    ) -> None:
        self._episode = None
        self._topics.rest()
        if episode.bag is None:
            self._note_gate(episode)
        self._report.publish_verdict(episode.end or episode.event, event, reason, account)

    def _note_gate(self, episode: EpisodeRecord) -> None:
        """Note what the safety gate did, which transitions do not say."""
        end = episode.end or episode.event
        try:
            self._gate.append({'episode_id': end.episode_id, 'outcome': OUTCOME_NAMES.get(
                end.outcome, 'unknown'), **episode.gate.to_json()})
        except OSError as error:
            self.get_logger().warning(f'{self._gate.path}: {error}', throttle_duration_sec=60.0)

    def _check_and_report(self) -> None:
        self._topics.adapt(recording=self._episode is not None)
        if self._episode is None:
            self._views.look_again(self._aligner)
        if self._stream is not None:
            self._stream.warn_of_low_space(self.value('low_space'))
        self._report.publish_status()

    def _check_progress(self) -> None:
        """Send again what wasn't acknowledged; finish an ended episode, or give it up."""
        self._topics.take_waiting()
        self._views.abort()
        if self._stream is not None:
            self._stream.resend()
        episode = self._episode
        if episode is not None and episode.bag is not None and episode.bag.failure:
            self._discard(f'{episode.bag.failure}; the messages written so far are kept')
            return
        if episode is None or episode.end is None:
            return
        self._advance(episode)
        # On a busy machine messages may be late: wait as long as they go on coming.
        if self._episode is not episode or episode.silence() <= self.value('give_up'):
            return
        self._give_up(
            episode, f'never came: {episode.assembler.missing() or episode.missing_topics()}')


main = partial(run, RecorderNode, PARAMETERS, __doc__)

if __name__ == '__main__':
    raise SystemExit(main())
