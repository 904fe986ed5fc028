# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The life of an episode on the robot's side: one table of states, no clock, no ROS.

    IDLE --request--> RESETTING --reset done--> WAITING --first frame--> RUNNING --end--> IDLE

``abort`` leads back to IDLE from anywhere. The tick counter counts executed actions: the
observation at tick k is followed by action k.
"""

from dataclasses import dataclass
from enum import Enum


class Phase(Enum):
    """Where an episode is."""

    IDLE = 'idle'
    RESETTING = 'resetting'
    WAITING = 'waiting'
    RUNNING = 'running'


class Purpose(Enum):
    """What an episode is for; the values are those of EpisodeRequest.msg."""

    DEMONSTRATION = 1
    ROLLOUT = 2
    EVALUATION = 3


class EpisodeOutcome(Enum):
    """How an episode ended; the values are those of EpisodeEvent.msg."""

    UNKNOWN = 0
    SUCCESS = 1
    FAILURE = 2
    TIME_LIMIT = 3
    ABORTED = 4


@dataclass(frozen=True)
class Request:
    """What was asked for; see EpisodeRequest.msg."""

    run_id: str
    episode_id: str
    purpose: Purpose
    explore: bool = False
    seed: int = 0
    task: str = ''
    operator_name: str = ''


class IllegalTransition(RuntimeError):
    """A step that the present phase doesn't allow."""


class EpisodeMachine:
    """Phases of one episode after the other.

    Args:
        time_limit_ticks: An episode ends after this many actions.
    """

    def __init__(self, time_limit_ticks: int) -> None:
        self._time_limit_ticks = time_limit_ticks
        self._seen: set[str] = set()
        self.phase = Phase.IDLE
        self.request: Request | None = None
        self.tick = 0
        self.start_stamp = 0

    def refusal(self, request: Request) -> str:
        """Say why a request can't be carried out now; empty if it can."""
        if not request.episode_id:
            return 'episode_id is empty'
        if request.episode_id in self._seen:
            return f'episode {request.episode_id} was asked for before'
        if self.phase is not Phase.IDLE:
            return f'busy: episode {self.request.episode_id} is {self.phase.value}'
        return ''

    def begin_reset(self, request: Request) -> None:
        """Accept a request: IDLE to RESETTING."""
        reason = self.refusal(request)
        if reason:
            raise IllegalTransition(reason)
        self._seen.add(request.episode_id)
        self.request = request
        self.phase = Phase.RESETTING
        self.tick = 0
        self.start_stamp = 0

    def reset_done(self) -> None:
        """Wait for the first observation: RESETTING to WAITING."""
        self._expect(Phase.RESETTING)
        self.phase = Phase.WAITING

    def start(self, stamp: int) -> None:
        """Take the observation at ``stamp`` [ns] as tick 0: WAITING to RUNNING."""
        self._expect(Phase.WAITING)
        self.phase = Phase.RUNNING
        self.start_stamp = stamp

    def executed(self) -> int:
        """Count an executed action; return its tick."""
        self._expect(Phase.RUNNING)
        self.tick += 1
        return self.tick - 1

    def outcome_now(self, judged: EpisodeOutcome) -> EpisodeOutcome:
        """Return the outcome that ends the episode at the present observation, or UNKNOWN.

        Args:
            judged: The verdict on the present observation, UNKNOWN if there is none.
        """
        self._expect(Phase.RUNNING)
        if judged is not EpisodeOutcome.UNKNOWN:
            return judged
        if self.tick >= self._time_limit_ticks:
            return EpisodeOutcome.TIME_LIMIT
        return EpisodeOutcome.UNKNOWN

    def end(self) -> Request:
        """Go back to IDLE from anywhere; return the request of the episode that ended."""
        if self.request is None:
            raise IllegalTransition('no episode to end')
        request, self.request = self.request, None
        self.phase = Phase.IDLE
        return request

    def _expect(self, phase: Phase) -> None:
        if self.phase is not phase:
            raise IllegalTransition(f'needs {phase.value}, is {self.phase.value}')
