# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Transitions, assembled from the streams of a running episode.

An executed action gives the time of a tick; the aligner gives the observation at it. A transition
is one decision: consecutive ticks whose actions came from the same chunk. It is complete when the
observation after its last tick is known.

At a tick without a valid observation the arm was held, or followed a chunk. Its action and reward
are known, so the tick is kept and marked. The episode is cut where an action, or the chunk that it
came from, is lost: what came before and what comes after are kept as two pieces
(docs/explanation/decisions/data/0027).
"""

from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from inril_ros.data.frames.observation_builder import ObservationBuilder
from inril_ros.data.frames.sync import FrameAligner
from inril_ros.data.frames.tick_account import TickAccount
from inril_ros.robot.contract.contract import Contract


@dataclass(frozen=True)
class ExecutedTick:
    """One executed action, as in ExecutedAction.msg."""

    tick: int
    stamp: int
    source: int
    requested: np.ndarray
    executed: np.ndarray
    weights_version: int
    chunk_first_tick: int


@dataclass(frozen=True)
class Decision:
    """One transition, as in Transition.msg, with the encoded images of each policy camera.

    Attributes:
        seen: (S + 1,) whether there was a valid observation; the others have the last values that
            were known.
    """

    first_tick: int
    stamp: int
    observations: np.ndarray
    requested: np.ndarray
    executed: np.ndarray
    source: np.ndarray
    rewards: np.ndarray
    extras: np.ndarray
    weights_version: int
    last: bool
    seen: np.ndarray
    images: tuple[tuple[bytes, ...], ...] = ()


class _Seen(NamedTuple):
    """What was observed at a tick."""

    observation: np.ndarray
    images: tuple[bytes, ...]
    valid: bool
    fit: tuple[float, float, float]  # age, skew, gap [s]


@dataclass
class _Open:
    """The decision whose ticks are being collected."""

    ticks: list[ExecutedTick] = field(default_factory=list)
    observed: list[_Seen] = field(default_factory=list)


class TransitionAssembler:
    """Assembles the transitions of one episode.

    Args:
        contract: The robot's contract.
        aligner: Makes the frames; the caller adds the messages to it.
        lockstep: Whether an observation is final only when every stream and the judge have
            reached its stamp. In real time streams may be slower than the ticks, and the newest
            sample is used.
        chunk_source: Source of the ticks that follow an action chunk: their decision is complete
            only when its extras are known. None if chunks have no extras.

    Attributes:
        audit: Age, skew and gap [s] of each frame so far.
        account: Ticks without a valid observation, and ticks that are left out.
        first_images: The encoded images of the first valid observation; empty without cameras.
        finished: Whether all ticks of the ended episode are assembled.
        ended: Whether the last decision of the episode is complete, so that it was returned.
    """

    def __init__(
        self, contract: Contract, aligner: FrameAligner, lockstep: bool,
        chunk_source: int | None = None,
    ) -> None:
        self._contract = contract
        self._aligner = aligner
        self._lockstep = lockstep
        self._chunk_source = chunk_source
        self._extras: dict[int, np.ndarray] = {}
        self._builder = ObservationBuilder(contract)
        self._ticks: dict[int, ExecutedTick] = {}
        self._rewards: list[tuple[int, float, bool]] = []
        self._judged, self._decided, self._to_be_decided = 0, False, False
        self._open = _Open()
        self._next = 0
        self._end: tuple[int, int] | None = None
        self._until: int | None = None
        self._last_seen: _Seen | None = None  # None: the next tick begins a piece
        self.audit: list[tuple[float, float, float]] = []
        self.account = TickAccount()
        self.first_images: tuple[bytes, ...] = ()
        self.finished = self.ended = False

    def add_executed(self, tick: ExecutedTick) -> None:
        """Add an executed action, in any order."""
        self._ticks.setdefault(tick.tick, tick)

    def add_extras(self, first_tick: int, extras: np.ndarray) -> None:
        """Add the extras (D,) of the chunk that begins at a tick: how it was drawn."""
        self._extras[first_tick] = extras

    def add_reward(self, stamp: int, reward: float, final: bool = False) -> None:
        """Add the reward for the observation at ``stamp`` [ns].

        It belongs to the step that led there: the one from the last tick before ``stamp``. An
        episode is decided once: of its final verdicts, the first one's reward counts. There can be
        others before it ends, for example while the arm is held without a valid observation.
        """
        self._rewards.append((stamp, reward, final))
        self._judged = max(self._judged, stamp)

    def end(self, tick: int, stamp: int, decided: bool = False) -> None:
        """End the episode.

        Args:
            tick: Number of its actions.
            stamp: [ns] Stamp of the final observation.
            decided: Whether a final verdict ended it, which is waited for.
        """
        self._end, self._to_be_decided = (tick, stamp), decided

    def missing(self) -> str:
        """Return what an ended episode still waits for; empty if it is finished."""
        if self._end is None or self.finished:
            return ''
        return (f'executed action {self._next} of {self._end[0]}, or the observation, the '
                'verdict or the action chunk that belong to it')

    def ready(self, until: int | None = None) -> list[Decision]:
        """Return the decisions that have become complete, in order.

        Args:
            until: In real time, observations after this time [ns] may still change because late
                messages are on their way. None if all messages have come.
        """
        self._until = until
        done: list[Decision] = []
        while not self.finished and self._advance(done):
            pass
        return done

    def _advance(self, done: list[Decision]) -> bool:
        """Add the next tick if it and its observation are known; return whether it was added."""
        if self._end is not None and self._next >= self._end[0]:
            if not self._observed(self._end[1]) or not self._chunk_is_known() or (
                    self._to_be_decided and not self._verdict_came()):
                return False
            if self._open.ticks:
                done.append(self._close(self._observe(self._end[1]), self._end[1], last=True))
                self.ended = True
            self.finished = True
            return False
        tick = self._ticks.get(self._next)
        if tick is None or not self._observed(tick.stamp):
            return False
        if self._open.ticks and self._starts_decision(tick) and not self._chunk_is_known():
            return False
        seen = self._observe(tick.stamp)
        if self._open.ticks and self._starts_decision(tick):
            done.append(self._close(seen, tick.stamp, last=False))
        if seen is not None:
            self._open.ticks.append(tick)
            self._open.observed.append(seen)
        del self._ticks[self._next]
        self._next += 1
        return True

    def cut(self, until: int | None = None) -> list[Decision]:
        """Cut the ended episode where an action, or the chunk of one, is lost.

        In lockstep nothing is lost but by a fault of a node, and nothing is cut.

        Args:
            until: As for ``ready``.

        Returns:
            The decisions that have become complete, in order; the ticks at the cuts are left out.
        """
        done: list[Decision] = []
        while not (self.finished or self._lockstep) and self._cut(done):
            done += self.ready(until)
        return done

    def _cut(self, done: list[Decision]) -> bool:
        """Leave out what belongs to the next thing that is lost; return whether anything is."""
        if self._end is None:
            return False
        ticks, chunk_lost = self._open.ticks, not self._chunk_is_known()
        action_lost = self._next < self._end[0] and self._next not in self._ticks
        if chunk_lost:
            # What was observed at its first tick ends the decision before.
            self._leave_out(len(ticks),
                            f'the action chunk of tick {ticks[0].chunk_first_tick} never came')
        elif action_lost and ticks:
            # What followed from the last action before the gap isn't known.
            last, seen = ticks.pop(), self._open.observed.pop()
            if ticks:
                done.append(self._close(seen, last.stamp, last=False))
            self._leave_out(1, f'executed action {self._next} never came')
        if action_lost:
            there = [tick for tick in self._ticks if self._next < tick < self._end[0]]
            following = min(there, default=self._end[0])
            self._leave_out(following - self._next, f'executed action {self._next} never came')
            self._build_between(following)
            self._next = following
        return chunk_lost or action_lost

    def _build_between(self, following: int) -> None:
        """Let derived quantities, which count ticks, see those of lost actions before a tick."""
        if following not in self._ticks:
            return
        for ahead in range(following - self._next, 0, -1):
            stamp = self._ticks[following].stamp - ahead * self._contract.period_ns
            with suppress(ValueError):
                self._builder.build(self._aligner.late_frame(stamp).values)

    def _leave_out(self, ticks: int, reason: str) -> None:
        """Leave ticks out: with the next one a new piece begins."""
        self.account.leave_out(ticks, reason)
        self._open, self._last_seen = _Open(), None

    def _starts_decision(self, tick: ExecutedTick) -> bool:
        previous = self._open.ticks[-1]
        return (tick.source, tick.chunk_first_tick) != (
            previous.source, previous.chunk_first_tick)

    def _chunk_is_known(self) -> bool:
        """Return whether the extras of the open decision's chunk are known, if it has a chunk."""
        ticks = self._open.ticks
        return (not ticks or ticks[0].source != self._chunk_source
                or ticks[0].chunk_first_tick in self._extras)

    def _verdict_came(self) -> bool:
        return self._decided or any(final for _, _, final in self._rewards)

    def _observed(self, stamp: int) -> bool:
        if not self._lockstep:
            return self._until is None or stamp <= self._until
        judged = self._next == 0 or self._judged >= stamp
        return judged and self._aligner.newest_complete() >= stamp

    def _observe(self, stamp: int) -> _Seen | None:
        """Return what was observed at a tick.

        Without a valid observation that are the last values that are known; None at the beginning
        of a piece, where nothing is kept of such a tick.
        """
        before, seen = self._last_seen, None
        try:
            frame = self._aligner.late_frame(stamp)
            # Derived quantities count ticks, so the builder gets those of late frames, too.
            seen = _Seen(self._builder.build(frame.values), frame.images, not frame.late,
                         (frame.age, frame.skew, frame.gap))
            reason = frame.late
        except ValueError as error:  # whatever the messages hold
            reason = str(error)
            if before is not None:
                seen = before._replace(valid=False)
        if reason and before is None:
            self.account.leave_out(1, reason)
            return None
        if reason:
            self.account.add_unseen(reason)
        self._last_seen = seen
        self.first_images = self.first_images or seen.images
        self.audit.append(seen.fit)
        return seen

    def _reward(self, before: int, after: int) -> float:
        """Return the reward of the step between two stamps [ns]."""
        total = 0.0
        for at, reward, final in sorted(self._rewards, key=itemgetter(0)):
            if before < at <= after and not (final and self._decided):
                total += reward
                self._decided |= final
        return total

    def _close(self, seen: _Seen, stamp: int, last: bool) -> Decision:
        ticks, observed = self._open.ticks, [*self._open.observed, seen]
        images = tuple(each.images for each in observed) if seen.images else ()
        self._open = _Open()
        size = self._contract.action_size
        stamps = [*(tick.stamp for tick in ticks), stamp]
        rewards = [self._reward(before, after) for before, after in pairwise(stamps)]
        self._rewards = [each for each in self._rewards if each[0] > stamp]
        # A chunk that continues after a hold was drawn for an earlier tick.
        begins = ticks[0].tick == ticks[0].chunk_first_tick
        extras = self._extras.get(ticks[0].tick) if begins else None
        return Decision(
            first_tick=ticks[0].tick,
            stamp=stamp,
            observations=np.stack([each.observation for each in observed]),
            requested=np.stack([
                tick.requested if tick.requested.size == size
                else np.full(size, np.nan, np.float32) for tick in ticks]),
            executed=np.stack([tick.executed for tick in ticks]),
            source=np.array([tick.source for tick in ticks], np.uint8),
            rewards=np.array(rewards, np.float32),
            extras=np.zeros(0, np.float32) if extras is None else extras,
            weights_version=ticks[0].weights_version,
            last=last,
            seen=np.array([each.valid for each in observed]),
            images=images,
        )
