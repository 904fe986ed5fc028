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
import time
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message, serialize_message
from rclpy.subscription import Subscription

from inril_ros.data.assembly import Decision, TransitionAssembler
from inril_ros.data.bags import (
    BagError,
    EpisodeBag,
    EVENT_TOPIC,
    executed_tick,
    EXECUTED_TOPIC,
)
from inril_ros.data.capture import Captured, EpisodeCapture
from inril_ros.data.demonstration_set import next_number
from inril_ros.data.queued_bag import QueuedBag
from inril_ros.data.sync import FrameAligner, FrameError
from inril_ros.data.transition_images import pack_images
from inril_ros.msg import (
    ActionChunk,
    EpisodeEvent,
    EpisodeRequest,
    ExecutedAction,
    RecorderStatus,
    Transition,
)
from inril_ros.nodes import qos
from inril_ros.nodes.managed_node import ManagedNode, message_type, run
from inril_ros.nodes.parameters import Parameter
from inril_ros.nodes.transition_stream import TransitionStream
from inril_ros.robot.codecs import CodecError, stamp_ns
from inril_ros.transport.journal_retention import Retention

PARAMETERS = (
    Parameter('demonstrations', '', 'folder for the bags of demonstrations; empty: none are made'),
    Parameter('journal', '', 'folder of the rollout journal; empty: rollouts are not kept'),
    Parameter('settle', 0.5, '[s] how long the end of an episode waits for late messages, in real '
              'time', minimum=0.0, maximum=10.0),
    Parameter('give_up', 10.0, '[s] an episode whose messages do not come by then is discarded',
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


class RecorderNode(ManagedNode):
    """Bags and the journal."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__('recorder_node', PARAMETERS, **arguments)

    def setup(self) -> None:
        """Open the journal and make the streams."""
        contract = self.contract
        self._aligner = FrameAligner(contract, images=True)
        self._episode: _Episode | None = None
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
        self._counts = {'saved': 0, 'discarded': 0}
        self._told = ''
        self._statuses = self.create_publisher(RecorderStatus, 'recorder/status', qos.STATE)
        self._events = self.create_publisher(EpisodeEvent, EVENT_TOPIC, qos.EVENT)
        self.need(self.create_subscription(EpisodeEvent, EVENT_TOPIC, self._event, qos.EVENT))
        if self._stream is not None:
            self.need(*self._stream.links)
        self._subscribe_to_streams()
        if self._stream is not None:
            self.need(self.create_subscription(
                ActionChunk, 'action_chunk', self._take_chunk, qos.RECORD))
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(0.1, self._watch, clock=steady)
        self.create_timer(1.0, self._publish_status, clock=steady)

    def teardown(self) -> None:
        """Close the running bag as it is, and the journal."""
        if getattr(self, '_episode', None) is not None:
            self._discard('the recorder was stopped')
        if getattr(self, '_stream', None) is not None:
            self._stream.close()

    def _subscribe_to_streams(self) -> None:
        """Subscribe, serialised, to everything that is recorded."""
        contract, rules = self.contract, self.contract.teleoperation
        observed = self._observed = self._aligner.topics
        ages = [entry.max_age for entry in contract.observations.values()]
        if contract.policy_images is not None:
            ages.append(contract.policy_images.max_age)
        self._longest_gap = max(ages)
        self._timed_here = {entry.topic for entry in contract.observations.values()
                            if entry.clock == 'receive'}
        # Sent once, and part of every episode.
        self._latched: dict[str, deque[tuple[Captured, Any]]] = {
            topic: deque(maxlen=_RECENT) for topic in contract.latched_topics()}
        outcome = contract.episode.outcome_topic
        commanded = {topic: kind for topic, kind in contract.action_topics().items()
                     if '/msg/' in kind}  # goals of an action are on no topic
        driven = {rules.twist_topic: 'geometry_msgs/msg/TwistStamped',
                  rules.joy_topic: 'sensor_msgs/msg/Joy'}
        ours = {EXECUTED_TOPIC: 'inril_ros/msg/ExecutedAction', outcome: 'inril_ros/msg/Outcome'}
        self._outcome_topic = outcome
        self._until_end = frozenset({*observed, outcome})
        self._every_tick = frozenset(
            {*contract.observation_topics(), *commanded, *driven, *ours} - self._latched.keys()
            if self.lockstep else ())
        bagged = {**commanded, **driven} if self.value('demonstrations') else {}
        if self.value('demonstrations'):
            for camera in contract.cameras.values():
                if camera.topic not in observed:
                    self._record(camera.topic, camera.type, qos.SENSOR)
        for topic, kind in {**observed, **bagged, **ours}.items():
            if topic in self._latched:
                self._record(topic, kind, qos.LATCHED)
                continue
            self.need(self._record(
                topic, kind, qos.RECORD if self.lockstep or topic in ours else qos.SENSOR))

    def _record(self, topic: str, kind: str, profile: QoSProfile) -> Subscription:
        return self.create_subscription(
            message_type(kind), topic, lambda raw: self._take(topic, kind, raw), profile, raw=True)

    # What comes in.

    def _take(self, topic: str, kind: str, raw: bytes) -> None:
        """Take a serialised message of a stream in."""
        message = deserialize_message(raw, message_type(kind))
        received = self.now()
        stamp = stamp_ns(message) if hasattr(message, 'header') else 0
        if topic in self._observed:
            try:
                self._aligner.add(topic, message, received)
            except CodecError as error:
                self.get_logger().warning(str(error), throttle_duration_sec=2.0)
                return
        if topic in self._timed_here:
            stamp = received
        item = Captured(topic, kind, stamp or received, bytes(raw),
                        None if self.lockstep else received)
        if topic in self._latched:
            self._latched[topic].append((item, message))
        if self._episode is None:
            if topic not in self._latched:
                self._recent.append((item, message))
            return
        self._route(self._episode, item, message)
        self._advance(self._episode)

    def _route(self, episode: '_Episode', item: Captured, message: Any) -> None:
        """Give a message to whatever of the episode it concerns."""
        if episode.bag is not None:
            episode.capture.add(item)
        if item.topic == EXECUTED_TOPIC:
            self._executed(episode, message)
        elif item.topic == self._outcome_topic:
            episode.assembler.add_reward(item.stamp, message.reward)

    def _take_chunk(self, message: ActionChunk) -> None:
        """Take in how a chunk was drawn; it may come before the event that began its episode."""
        self._chunks.append(message)
        if self._episode is not None:
            self._add_extras(self._episode)
            self._advance(self._episode)

    def _add_extras(self, episode: '_Episode') -> None:
        for chunk in self._chunks:
            if chunk.episode_id == episode.event.episode_id:
                episode.assembler.add_extras(
                    chunk.first_tick, np.array(chunk.extras, np.float32))
        self._chunks.clear()

    def _executed(self, episode: '_Episode', message: ExecutedAction) -> None:
        if message.episode_id != episode.event.episode_id:
            return
        episode.assembler.add_executed(executed_tick(message))
        episode.last_tick = stamp_ns(message)
        if episode.bag is not None:
            for item in episode.capture.confirmed(episode.last_tick):
                episode.bag.write(item.topic, item.message_type, item.bag_time, item.raw)

    def _event(self, message: EpisodeEvent) -> None:
        if message.event == EpisodeEvent.RESETTING:
            if self._episode is not None:
                self._discard('the next episode began before its messages had come')
            self._begin(message)
        elif self._episode is None or message.episode_id != self._episode.event.episode_id:
            self._answer_for_unknown(message)
        elif message.event == EpisodeEvent.STARTED:
            self._episode.capture.begin(stamp_ns(message))
            self._keep_event(message)
        elif message.event == EpisodeEvent.ENDED and message.outcome == EpisodeEvent.ABORTED:
            self._episode.end = message
            self._discard(f'aborted: {message.reason}')
        elif message.event == EpisodeEvent.ENDED:
            self._episode.end = message
            self._episode.ended_at = time.monotonic()
            self._episode.assembler.end(message.tick, stamp_ns(message))
            self._advance(self._episode)

    def _answer_for_unknown(self, message: EpisodeEvent) -> None:
        """Say that an episode is lost whose beginning this process didn't see, once it ends."""
        if (message.event == EpisodeEvent.ENDED and message.episode_id != self._told
                and self._is_ours(message)):
            self.get_logger().error(f'episode {message.episode_id} discarded: its beginning was '
                                    'not seen, the recorder was started in the middle of it')
            self._publish_verdict(message, EpisodeEvent.DISCARDED, 'its beginning was not seen')

    def _is_ours(self, message: EpisodeEvent) -> bool:
        """Say whether episodes of this purpose are recorded here."""
        if message.purpose == EpisodeRequest.DEMONSTRATION:
            return bool(self.value('demonstrations'))
        return message.purpose == EpisodeRequest.ROLLOUT and self._stream is not None

    def _begin(self, message: EpisodeEvent) -> None:
        if not self._is_ours(message):
            return
        demonstration = message.purpose == EpisodeRequest.DEMONSTRATION
        self._episode = _Episode(
            event=message,
            assembler=TransitionAssembler(
                self.contract, self._aligner, self.lockstep,
                chunk_source=None if demonstration else ExecutedAction.POLICY),
            capture=EpisodeCapture(self._until_end, self._every_tick,
                                   self.contract.lookback(self.lockstep)),
            bag=self._new_bag(message) if demonstration else None)
        latched = [pair for pairs in self._latched.values() for pair in pairs]
        for item, early in [*latched, *self._recent]:
            self._route(self._episode, item, early)
        self._recent.clear()
        self._add_extras(self._episode)

    def _new_bag(self, message: EpisodeEvent) -> QueuedBag:
        folder = Path(self.value('demonstrations'))
        name = f'{next_number(folder):04d}_{message.episode_id[:8]}'
        return QueuedBag(EpisodeBag(folder, name), lossless=self.lockstep)

    def _keep_event(self, message: EpisodeEvent) -> None:
        if self._episode.bag is not None:
            self._episode.bag.write(
                EVENT_TOPIC, 'inril_ros/msg/EpisodeEvent', stamp_ns(message),
                serialize_message(message))

    # What goes out.

    def _advance(self, episode: '_Episode') -> None:
        """Send what has become complete; finish an ended episode when all of it is here."""
        try:
            decisions = episode.assembler.ready(self._settled())
        except FrameError as error:
            self._discard(str(error))
            return
        self._alarm(episode)
        for decision in decisions if episode.bag is None else ():
            try:
                self._stream.send(self._transition(episode, decision))
            except OSError as error:  # the disk is full, say: the robot goes on
                self._discard(f'it could not be journaled: {error}')
                return
            episode.sent = True
        if episode.end is None or not episode.assembler.finished:
            return
        if episode.bag is not None and not self._all_came(episode):
            return
        self._finish(episode)

    def _alarm(self, episode: '_Episode') -> None:
        """Warn while recording when a stream pauses nearly as long as it may."""
        if episode.assembler.audit and episode.assembler.audit[-1][2] > self._longest_gap:
            self.get_logger().warning(
                f'a stream pauses for {episode.assembler.audit[-1][2]:.3f} s; the contract allows '
                f'an age of {self._longest_gap:g} s', throttle_duration_sec=1.0)

    def _settled(self) -> int | None:
        """Return until when [ns] late messages have had their time; None: none can be late."""
        return None if self.lockstep else self.now() - round(1e9 * self.value('settle'))

    def _all_came(self, episode: '_Episode') -> bool:
        if self.lockstep:
            return not episode.capture.awaited(episode.last_tick, stamp_ns(episode.end))
        return time.monotonic() - episode.ended_at >= self.value('settle')

    def _transition(self, episode: '_Episode', decision: Decision) -> Transition:
        end = episode.end if decision.last else None
        images = pack_images(decision.images)
        message = Transition(
            header=self.header(decision.stamp), run_id=episode.event.run_id,
            episode_id=episode.event.episode_id,
            first_tick=decision.first_tick, steps=len(decision.executed),
            observation_size=self.contract.observation_size, action_size=self.contract.action_size,
            observations=decision.observations.ravel().tolist(),
            requested=decision.requested.ravel().tolist(),
            executed=decision.executed.ravel().tolist(), source=decision.source.tolist(),
            rewards=decision.rewards.tolist(), extras=decision.extras.tolist(),
            terminated=end is not None and end.outcome != EpisodeEvent.TIME_LIMIT,
            truncated=end is not None and end.outcome == EpisodeEvent.TIME_LIMIT,
            outcome=end.outcome if end else EpisodeEvent.UNKNOWN,
            weights_version=decision.weights_version, contract_hash=self.contract.hash,
            image_sizes=images.sizes, image_rows=images.rows)
        message.image_data.frombytes(images.data)
        return message

    def _finish(self, episode: '_Episode') -> None:
        end = episode.end
        if episode.bag is None:
            self._stream.sync()
            self._tell(episode, EpisodeEvent.SAVED, 'journaled')
            return
        for item in episode.capture.rest(stamp_ns(end)):
            episode.bag.write(item.topic, item.message_type, item.bag_time, item.raw)
        self._keep_event(end)
        keep = end.outcome == EpisodeEvent.SUCCESS
        age, skew, gap = np.max(episode.assembler.audit or [(0.0, 0.0, 0.0)], axis=0)
        try:
            path = episode.bag.close({
                'episode_id': end.episode_id, 'outcome': _OUTCOME_NAMES[end.outcome],
                'operator': end.operator_name, 'task': end.task,
                'contract': self.contract.name, 'contract_hash': self.contract.hash,
                'worst_age': f'{age:.4f}', 'worst_skew': f'{skew:.4f}',
                'worst_gap': f'{gap:.4f}'}, keep)
        except BagError as error:
            self._discard(str(error))
            return
        if episode.bag.dropped:
            self.get_logger().error(f'{path}: {episode.bag.dropped} messages were lost: the disk '
                                    'is too slow for what is recorded')
        episode.bag = None
        self._tell(episode, EpisodeEvent.SAVED if keep else EpisodeEvent.DISCARDED, str(path))

    def _discard(self, reason: str) -> None:
        """Give an episode up: its bag goes to the rejected ones, the learner is told to forget."""
        episode = self._episode
        self.get_logger().error(f'episode {episode.event.episode_id} discarded: {reason}')
        if episode.bag is not None and not episode.bag.failure:
            with suppress(BagError):  # the episode is given up in any case
                episode.bag.close({'episode_id': episode.event.episode_id,
                                   'outcome': 'incomplete', 'reason': reason}, keep=False)
        elif episode.sent:
            self._stream.give_up(episode.event)
        self._tell(episode, EpisodeEvent.DISCARDED, reason)

    def _tell(self, episode: '_Episode', event: int, reason: str) -> None:
        self._episode = None
        self._publish_verdict(episode.end or episode.event, event, reason)

    def _publish_verdict(self, source: EpisodeEvent, event: int, reason: str) -> None:
        """Say what became of the record of an episode."""
        self._told = source.episode_id
        self._events.publish(EpisodeEvent(
            header=source.header, run_id=source.run_id, episode_id=source.episode_id, event=event,
            purpose=source.purpose, outcome=source.outcome, tick=source.tick,
            explore=source.explore, seed=source.seed, task=source.task,
            operator_name=source.operator_name, contract_hash=self.contract.hash, reason=reason,
            sequence=self._stream.last_sequence if self._stream else 0))
        self._counts['saved' if event == EpisodeEvent.SAVED else 'discarded'] += 1
        self._publish_status()

    def _publish_status(self) -> None:
        if self._stream is not None:
            self._stream.warn_of_low_space(self.value('low_space'))
        self._statuses.publish(RecorderStatus(
            header=self.header(self.now()), run_id=self.run_id,
            journaled=self._stream.last_sequence if self._stream else 0,
            sent=self._stream.sent if self._stream else 0,
            acknowledged=self._stream.acknowledged if self._stream else 0,
            damaged=self._stream.damaged if self._stream else 0, **self._counts))

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
        waited = time.monotonic() - episode.ended_at
        if self._episode is episode and waited > self.value('give_up'):
            awaited = episode.capture.awaited(episode.last_tick, stamp_ns(episode.end))
            self._discard(f'never came: {episode.assembler.missing() or awaited}')


class _Episode:
    """What is known of the running episode."""

    def __init__(
        self, event: EpisodeEvent, assembler: TransitionAssembler, capture: EpisodeCapture,
        bag: QueuedBag | None,
    ) -> None:
        self.event = event
        self.assembler = assembler
        self.capture = capture
        self.bag = bag
        self.end: EpisodeEvent | None = None
        self.ended_at = 0.0
        self.sent = False
        self.last_tick = 0


_OUTCOME_NAMES = {
    EpisodeEvent.UNKNOWN: 'unknown', EpisodeEvent.SUCCESS: 'success',
    EpisodeEvent.FAILURE: 'failure', EpisodeEvent.TIME_LIMIT: 'time_limit',
    EpisodeEvent.ABORTED: 'aborted'}


def main(arguments: list[str] | None = None) -> int:
    """Run the node."""
    return run(RecorderNode, PARAMETERS, __doc__, arguments)


if __name__ == '__main__':
    raise SystemExit(main())
