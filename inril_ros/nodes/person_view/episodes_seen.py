# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The episodes of a robot as a person hears of them: the running one, the last one, all so far."""

from collections import Counter

from inril_ros.data.frames.tick_account import account_in
from inril_ros.msg import EpisodeEvent
from inril_ros.robot.episode import EpisodeOutcome, Purpose
from inril_ros.robot.messages.codecs import stamp_ns

_PURPOSES = {Purpose.DEMONSTRATION: 'demonstration', Purpose.ROLLOUT: 'rollout',
             Purpose.EVALUATION: 'evaluation'}


class EpisodesSeen:
    """What the events of episodes have told since this began.

    Attributes:
        purpose: Purpose of the present episode, or of the last one, in words.
        running: Whether actions are being executed.
        begins: Whether it is being prepared.
        last: How the last one ended, and what became of its record; empty: none has ended.
    """

    def __init__(self) -> None:
        self.purpose = ''
        self.running = self.begins = False
        self.last = ''
        self._id = ''
        self._ended_id = ''
        self._started = 0  # [ns]
        self._ended = ''  # how the last one ended
        self._helped = False
        self._counts: Counter[str] = Counter()

    def add(self, event: EpisodeEvent) -> None:
        """Add an event; those of the recorder may come late."""
        kind = event.event
        if kind in (EpisodeEvent.SAVED, EpisodeEvent.DISCARDED):
            if event.episode_id == self._ended_id:
                self._recorded(event)
        elif kind == EpisodeEvent.REFUSED:
            self._counts['refused'] += 1
            self.last = f'refused: {event.reason}'
        elif kind == EpisodeEvent.RESETTING:
            self._begin(event)
        elif kind == EpisodeEvent.STARTED:
            if event.episode_id != self._id:
                self._begin(event)  # this began in its reset
            self.running, self.begins, self._started = True, False, stamp_ns(event)
        elif kind == EpisodeEvent.TAKEN_OVER:
            self._helped = True
        elif kind == EpisodeEvent.ENDED:
            self._end(event)

    def seconds(self, now: int) -> float:
        """Return how long [s] the running episode has run at a stamp [ns] of the robot's clock."""
        return max(0, now - self._started) / 1e9 if self.running else 0.0

    @property
    def tally(self) -> str:
        """How the episodes so far have ended, in words; empty if none has."""
        counts = self._counts
        return ', '.join(f'{counts[name]} {name}' for name in (
            'success', 'rescued', 'failure', 'time limit', 'aborted', 'in part', 'discarded',
            'refused') if counts[name])

    def _begin(self, event: EpisodeEvent) -> None:
        self._id = event.episode_id
        try:
            self.purpose = _PURPOSES[Purpose(event.purpose)]
        except ValueError:
            self.purpose = f'episode of unknown purpose {event.purpose}'
        self.running, self.begins, self._helped = False, True, False

    def _end(self, event: EpisodeEvent) -> None:
        try:
            outcome = EpisodeOutcome(event.outcome).name.lower().replace('_', ' ')
        except ValueError:
            outcome = f'unknown outcome {event.outcome}'
        rescued = outcome == 'success' and self._helped
        self._counts['rescued' if rescued else outcome] += 1
        because = f': {event.reason}' if event.reason else ''
        seconds = f' after {self.seconds(stamp_ns(event)):.1f} s' if self.running else ''
        self._ended = (f'{outcome}{seconds}{", rescued by a person" * rescued}{because}')
        self.last, self._ended_id = self._ended, event.episode_id
        self.running = self.begins = False

    def _recorded(self, event: EpisodeEvent) -> None:
        if event.event == EpisodeEvent.DISCARDED:
            fate = f'discarded: {event.reason}'
            self._counts['discarded'] += event.outcome != EpisodeEvent.ABORTED
        else:
            account = account_in(event.reason)
            fate = f'kept in part: {account}' if account else 'kept'
            self._counts['in part'] += bool(account)
        self.last = f'{self._ended}; {fate}'
