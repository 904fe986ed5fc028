# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The record of one running episode: its messages so far, its transitions, its bag."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import numpy as np
from rclpy.serialization import serialize_message
from std_msgs.msg import Header

from inril_ros.data.bags.bags import BagError, EVENT_TOPIC, EXECUTED_TOPIC
from inril_ros.data.bags.dry_run import is_dry, REASON
from inril_ros.data.bags.queued_bag import QueuedBag
from inril_ros.data.bags.reading import executed_tick
from inril_ros.data.frames.assembly import Decision, TransitionAssembler
from inril_ros.data.frames.capture import Captured, EpisodeCapture
from inril_ros.data.frames.transition_images import pack_images
from inril_ros.data.run.gate_log import GateCount
from inril_ros.msg import ActionChunk, EpisodeEvent, ExecutedAction, Outcome, Transition
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.codecs import stamp_ns
from inril_ros.robot.timing.rule_clock import RuleClock

OUTCOME_NAMES = {
    EpisodeEvent.UNKNOWN: 'unknown', EpisodeEvent.SUCCESS: 'success',
    EpisodeEvent.FAILURE: 'failure', EpisodeEvent.TIME_LIMIT: 'time_limit',
    EpisodeEvent.ABORTED: 'aborted'}


class EpisodeRecord:
    """The record of the running episode.

    Args:
        assembler: Assembles its decisions.
        capture: Selects the messages that belong to it.
        bag: Bag of a demonstration; None: its decisions become transitions.
        clock: The clock of rules. If it is simulated and stands still, a steady one counts.

    Attributes:
        end: The event that ended the episode; None while it runs.
        ended_at: [s] Arrival of that event by the clock of rules.
        sent: Whether transitions of it were sent to the learner.
        dry_run: Whether nothing was sent to the robot.
        gate: What the safety gate did in it.
    """

    def __init__(
        self, event: EpisodeEvent, contract: Contract, assembler: TransitionAssembler,
        capture: EpisodeCapture, bag: QueuedBag | None, clock: RuleClock,
    ) -> None:
        self.event = event
        self.assembler = assembler
        self.bag = bag
        self.end: EpisodeEvent | None = None
        self.ended_at = 0.0
        self.sent = False
        self.dry_run = False
        self.gate = GateCount()
        self._contract = contract
        self._clock = clock
        self._capture = capture
        self._last_tick = 0
        self._progress = 0.0

    def add(self, item: Captured, message: Any) -> None:
        """Add a message, serialised and not."""
        if self.bag is not None:
            self._capture.add(item)
        if item.topic == EXECUTED_TOPIC:
            self._add_executed(message)
        elif item.topic == self._contract.episode.outcome_topic:
            self.assembler.add_reward(
                item.stamp, message.reward, final=message.outcome != Outcome.RUNNING)

    def _add_executed(self, message: ExecutedAction) -> None:
        if message.episode_id != self.event.episode_id:
            return
        self.dry_run |= is_dry(message)
        self.gate.add(message.source, message.reasons)
        self.assembler.add_executed(executed_tick(message))
        self._last_tick = stamp_ns(message)
        self._progress = self._clock.now()
        if self.bag is not None:
            self._write(self._capture.confirmed(self._last_tick))

    def add_extras(self, chunks: Iterable[ActionChunk]) -> None:
        """Add the extras of the episode's chunks."""
        for chunk in chunks:
            if chunk.episode_id == self.event.episode_id:
                self.assembler.add_extras(chunk.first_tick, np.array(chunk.extras, np.float32))

    def begin(self, started: EpisodeEvent) -> None:
        """Note when tick 0 is."""
        self._capture.begin(stamp_ns(started))
        self._write_event(started)

    def finish(self, ended: EpisodeEvent) -> None:
        """Note when the final observation is."""
        self.end = ended
        self.ended_at = self._clock.now()
        self.assembler.end(
            ended.tick, stamp_ns(ended),
            # In the time for a veto everything else has come, and nothing but this is waited for.
            decided=self._contract.episode.veto > 0.0
            and ended.outcome in (EpisodeEvent.SUCCESS, EpisodeEvent.FAILURE))

    def all_came(self, settle: float | None) -> bool:
        """Return whether all messages of the ended episode have come.

        Args:
            settle: [s] Time to wait for them; None: until each topic has sent its last one.
        """
        if settle is None:
            return not self.missing_topics()
        return max(self._clock.now() - self.ended_at, self._clock.stopped()) >= settle

    def silence(self) -> float:
        """Return the time [s] since the end, or since its last action came."""
        quiet = self._clock.now() - max(self.ended_at, self._progress)
        return max(quiet, self._clock.stopped())

    def missing_topics(self) -> list[str]:
        """Return the topics with a message at each tick whose last message hasn't come."""
        return self._capture.awaited(self._last_tick, stamp_ns(self.end))

    @property
    def account(self) -> str:
        """The ticks of the ended episode that can't be learned from in full, in words."""
        return self.assembler.account.of(self.end.tick)

    @property
    def has_steps(self) -> bool:
        """Return whether there is a step that can be learned from."""
        return bool(self.assembler.audit) if self.bag is not None else self.sent

    def close_bag(self) -> tuple[str, bool]:
        """Write the rest and close the bag; return its path, and whether it is kept.

        A dry run is never kept, and is said with the path.

        Raises:
            BagError: The disk failed.
        """
        end = self.end
        self._write(self._capture.rest(stamp_ns(end)))
        self._write_event(end)
        kept = end.outcome == EpisodeEvent.SUCCESS and not self.dry_run
        age, skew, gap = np.max(self.assembler.audit or [(0.0, 0.0, 0.0)], axis=0)
        path = self.bag.close({
            'episode_id': end.episode_id, 'outcome': OUTCOME_NAMES[end.outcome],
            'operator': end.operator_name, 'task': end.task,
            'contract': self._contract.name, 'contract_hash': self._contract.hash,
            'worst_age': f'{age:.4f}', 'worst_skew': f'{skew:.4f}', 'worst_gap': f'{gap:.4f}',
            **({'account': self.account} if self.account else {}),
            **({'dry_run': 'true', 'reason': REASON} if self.dry_run else {})}, kept)
        return f'{REASON}: {path}' if self.dry_run else str(path), kept

    def reject_bag(self, reason: str) -> None:
        """Close the bag of an episode that is given up, unless writing it has failed."""
        if not self.bag.failure:
            with suppress(BagError):
                self.bag.close({'episode_id': self.event.episode_id, 'outcome': 'incomplete',
                                'reason': reason}, keep=False)

    def transition(self, decision: Decision, header: Header) -> Transition:
        """Return a decision as a message to the learner, without its number.

        A row of NaN says that there was no valid observation at its tick.
        """
        end = self.end if decision.last else None
        images = pack_images(decision.images)
        observations = np.where(decision.seen[:, None], decision.observations, np.float32('nan'))
        message = Transition(
            header=header, run_id=self.event.run_id, episode_id=self.event.episode_id,
            first_tick=decision.first_tick, steps=len(decision.executed),
            observation_size=self._contract.observation_size,
            action_size=self._contract.action_size,
            observations=observations.ravel().tolist(),
            requested=decision.requested.ravel().tolist(),
            executed=decision.executed.ravel().tolist(), source=decision.source.tolist(),
            rewards=decision.rewards.tolist(), extras=decision.extras.tolist(),
            terminated=end is not None and end.outcome != EpisodeEvent.TIME_LIMIT,
            truncated=end is not None and end.outcome == EpisodeEvent.TIME_LIMIT,
            outcome=end.outcome if end else EpisodeEvent.UNKNOWN,
            weights_version=decision.weights_version, contract_hash=self._contract.hash,
            image_sizes=images.sizes, image_rows=images.rows)
        message.image_data.frombytes(images.data)
        return message

    def _write(self, items: Iterable[Captured]) -> None:
        for item in items:
            self.bag.write(item.topic, item.message_type, item.bag_time, item.raw)

    def _write_event(self, event: EpisodeEvent) -> None:
        if self.bag is not None:
            self.bag.write(EVENT_TOPIC, 'inril_ros/msg/EpisodeEvent', stamp_ns(event),
                           serialize_message(event))
