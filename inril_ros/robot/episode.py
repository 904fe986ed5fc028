# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The life of an episode on the robot's side, and the steps of the reset before it.

No clock and no ROS:

    IDLE --request--> RESETTING --reset done--> WAITING --first frame--> RUNNING --end--> IDLE

Where a person may overrule the judge, RUNNING --verdict--> JUDGED --end--> IDLE. An abort leads
back to IDLE from anywhere. The tick counter counts executed actions: the observation at tick k is
followed by action k.
"""

from dataclasses import dataclass
from enum import Enum
import re

_ID = re.compile(r'[0-9A-Za-z_-]{1,64}')
#: What an episode waits for that only a person can give.
PERSON_READY = 'a person to confirm that the scene is ready'
#: Beginnings of the reasons of aborts that a person wanted, or has to do with.
DISCARDED, ABORT_REQUESTED, STOPPED = 'discarded by a person', 'requested by ~/abort', 'e-stop'
HELD = 'a person had to resume'
_MOST_HELD = 0.1  # of the time limit
_NO_ID, _REPEATED, _FOREIGN = 'is no UUID', 'was requested before', 'of run '


class Phase(Enum):
    """Phase of an episode."""

    IDLE = 'idle'
    RESETTING = 'resetting'
    WAITING = 'waiting'
    RUNNING = 'running'
    JUDGED = 'judged'


class Purpose(Enum):
    """Purpose of an episode; the values are those of EpisodeRequest.msg."""

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


def is_episode_id(text: str) -> bool:
    """Return whether a text may name an episode: a UUID, or as harmless in a path and as short."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True)
class Request:
    """A request for an episode; see EpisodeRequest.msg."""

    run_id: str
    episode_id: str
    purpose: Purpose
    explore: bool = False
    seed: int = 0
    task: str = ''
    operator_name: str = ''


def aborted_by_person(reason: str) -> bool:
    """Return whether a person wanted the abort of an episode with this reason, or a stop did."""
    return reason.startswith((DISCARDED, ABORT_REQUESTED, STOPPED, HELD))


def foreign_run(request: Request, ours: str) -> str:
    """Return why a request is of another run than ours; empty if it isn't."""
    return f'{_FOREIGN}{request.run_id[:36]}, this is run {ours}' if (
        ours and request.run_id != ours) else ''


def refused_for_good(refusal: str) -> bool:
    """Return whether a request would be refused however long one waits."""
    return refusal.startswith(_FOREIGN) or refusal.endswith(_NO_ID)


def refused_as_repeated(refusal: str) -> bool:
    """Return whether a request was refused because its episode was requested before."""
    return refusal.endswith(_REPEATED)


class IllegalTransition(RuntimeError):
    """The present phase doesn't allow this step."""


class EpisodeMachine:
    """The phases of episodes, one episode after the other.

    Args:
        time_limit_ticks: Number of actions after which an episode ends.

    Attributes:
        time_limit_ticks: The same of the present episode, which may be cut earlier.
        held_ticks: Number of actions of the episode at which a person had to let the arm go on.
    """

    def __init__(self, time_limit_ticks: int) -> None:
        self._longest = self.time_limit_ticks = time_limit_ticks
        self._seen: set[str] = set()
        self.phase = Phase.IDLE
        self.request: Request | None = None
        self.tick = self.held_ticks = 0
        self.start_stamp = 0

    def refusal(self, request: Request) -> str:
        """Return why a request can't be carried out now; empty if it can."""
        if not is_episode_id(request.episode_id):
            return f'episode_id {request.episode_id[:64]!r} {_NO_ID}'
        if request.episode_id in self._seen:
            return f'episode {request.episode_id} {_REPEATED}'
        if self.phase is not Phase.IDLE:
            return f'busy: episode {self.request.episode_id} is {self.phase.value}'
        return ''

    def begin_reset(self, request: Request, cut: int = 0) -> None:
        """Accept a request: IDLE to RESETTING.

        Args:
            request: The request.
            cut: Number of actions after which the episode ends, if fewer than usual; 0: as usual.
        """
        reason = self.refusal(request)
        if reason:
            raise IllegalTransition(reason)
        self._seen.add(request.episode_id)
        self.time_limit_ticks = min(self._longest, cut or self._longest)
        self.request = request
        self.phase = Phase.RESETTING
        self.tick = self.held_ticks = 0
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

    def executed(self, held: bool = False) -> int:
        """Count an executed action; return its tick.

        Args:
            held: Whether the arm is held until a person lets it go on.
        """
        self._expect(Phase.RUNNING)
        self.tick += 1
        self.held_ticks += held
        return self.tick - 1

    def outcome_now(self, judged: EpisodeOutcome) -> EpisodeOutcome:
        """Return the outcome that ends the episode at the present observation, or UNKNOWN.

        Time that ran out while the arm was held says nothing about the policy: the episode is
        aborted if that was more than a tenth of it.

        Args:
            judged: Verdict on the present observation; UNKNOWN if there is none.
        """
        self._expect(Phase.RUNNING)
        if judged is not EpisodeOutcome.UNKNOWN:
            return judged
        if self.tick >= self.time_limit_ticks:
            if self.held_ticks > _MOST_HELD * self.time_limit_ticks:
                return EpisodeOutcome.ABORTED
            return EpisodeOutcome.TIME_LIMIT
        return EpisodeOutcome.UNKNOWN

    def judge(self) -> None:
        """Execute nothing more, while a person may overrule the verdict: RUNNING to JUDGED."""
        self._expect(Phase.RUNNING)
        self.phase = Phase.JUDGED

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


class ResetStep(Enum):
    """Progress of a reset."""

    IDLE = 'idle'
    HOMING = 'driving home'
    SCRIPT = 'waiting for the reset service'
    PERSON = 'waiting for a person to be ready'
    DONE = 'done'
    FAILED = 'failed'


class ResetProcedure:
    """The steps of a reset: drive home, run the reset service, wait for a person.

    Args:
        home: Whether to drive home first.
        person: Whether a person confirms at the end that the scene is set.
        script: Whether there is a reset service.
    """

    def __init__(self, home: bool, person: bool, script: bool = True) -> None:
        self._last = ResetStep.PERSON if person else ResetStep.DONE
        self._after_home = ResetStep.SCRIPT if script else self._last
        self._first = ResetStep.HOMING if home else self._after_home
        self.step = ResetStep.IDLE
        self.reason = ''

    def begin(self) -> ResetStep:
        """Start from the beginning."""
        self.step, self.reason = self._first, ''
        return self.step

    def arrived(self) -> ResetStep:
        """Go on after the arm has come home."""
        return self._go(ResetStep.HOMING, self._after_home)

    def script_answered(self, success: bool, message: str = '') -> ResetStep:
        """Go on after the answer of the reset service, or fail."""
        if self.step is ResetStep.SCRIPT and not success:
            return self.fail(f'the reset service failed: {message or "it gave no reason"}')
        return self._go(ResetStep.SCRIPT, self._last)

    def ready(self) -> ResetStep:
        """Go on after a person has confirmed that the scene is set; too early doesn't count."""
        return self._go(ResetStep.PERSON, ResetStep.DONE)

    def fail(self, reason: str) -> ResetStep:
        """Give up, unless the reset is over."""
        if self.step not in (ResetStep.IDLE, ResetStep.DONE, ResetStep.FAILED):
            self.step, self.reason = ResetStep.FAILED, reason
        return self.step

    def _go(self, expected: ResetStep, after: ResetStep) -> ResetStep:
        if self.step is expected:
            self.step = after
        return self.step
