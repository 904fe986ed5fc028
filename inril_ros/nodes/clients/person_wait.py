# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a person has to do before a robot can go on, read from the status of its actuation node."""

from collections.abc import Callable
from dataclasses import dataclass
import time

from inril_ros.msg import ActuationStatus
from inril_ros.robot.episode import PERSON_READY
from inril_ros.robot.teleop.person_keys import BY_MEANING

GO_ON = 'go_on'
#: What a person does about each action, in words.
ACTIONS = {'release': 'release the e-stop', 'enable': 'enable motion', 'resume': 'resume',
         'ready': 'set the scene, and say that it is ready', GO_ON: 'go on'}


@dataclass(frozen=True)
class Wait:
    """Something that is waited for.

    Attributes:
        reason: What it is, or what is wrong.
        action: What a person does about it: ``release``, ``enable``, ``resume``, ``ready`` or
            ``go_on``; the keys of a terminal have the same names. Empty: it goes on by itself
            once the reason is gone.
        namespace: Namespace of the robot.
    """

    reason: str
    action: str = ''
    namespace: str = ''

    @property
    def service(self) -> str:
        """Full name of the service that does it; empty if none does."""
        if not self.action:
            return ''
        space = self.namespace.strip('/')
        key = BY_MEANING[self.action]
        return f'/{"/".join(filter(None, (space, key.node, key.service)))}'

    @property
    def key(self) -> str:
        """Key that does it in a terminal with keys; empty if none does."""
        return BY_MEANING[self.action].key if self.action else ''

    @property
    def data(self) -> bool | None:
        """Argument of the service; None: it takes none."""
        return BY_MEANING[self.action].data if self.action else None

    @property
    def to_do(self) -> str:
        """What a person does, in words; empty if nothing."""
        if not self.action:
            return ''
        argument = '' if self.data is None else f' with data: {str(self.data).lower()}'
        return f'{ACTIONS[self.action]} (key {self.key}, or service {self.service}{argument})'

    def __str__(self) -> str:
        return ': '.join(filter(None, (self.reason, self.to_do)))


def obstacle(status: ActuationStatus | None, namespace: str = '') -> Wait | None:
    """Return what keeps an episode from beginning, None if nothing that is known.

    Args:
        status: Last status of the actuation node; None: none yet.
        namespace: Namespace of the robot.
    """
    if status is None:
        return None
    stopped = status.mode == ActuationStatus.ESTOP
    if status.estop:
        return Wait('the e-stop is pressed', 'release', namespace)
    if not status.enabled:
        after = ' after the e-stop' if stopped else ''
        return Wait(f'motion is not enabled{after}', 'enable', namespace)
    if stopped or status.latched:
        return Wait(f'the arm is held: {status.latched or status.reason}', 'resume', namespace)
    return Wait('; '.join(status.faults)) if status.faults else None


def wait_in_episode(status: ActuationStatus | None, namespace: str = '') -> Wait | None:
    """Return what the episode that begins or runs waits for, None if for nothing."""
    found = obstacle(status, namespace)
    if status is None or found and found.action:
        return found
    if status.waiting_for:
        scene = status.waiting_for.startswith(PERSON_READY)
        return Wait(status.waiting_for, 'ready' if scene else '', namespace)
    return found


class ToldWaits:
    """Says what is waited for: once when it begins, then now and then, and when it is over.

    What lasts shorter than ``delay`` is not said, unless a person has to do something.

    Args:
        say: Takes a line.
        delay: [s] How long something is waited for without a word.
        period: [s] Time between two lines about the same.
        clock: Returns the time [s].
    """

    def __init__(
        self, say: Callable[[str], None], delay: float = 5.0, period: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say, self._delay, self._period, self._clock = say, delay, period, clock
        self._wait: Wait | None = None
        self._since = 0.0
        self._said: float | None = None

    @property
    def wait(self) -> Wait | None:
        """What is waited for now."""
        return self._wait

    @property
    def seconds(self) -> float:
        """How long it is waited for [s]."""
        return self._clock() - self._since if self._wait else 0.0

    def note(self, wait: Wait | None) -> bool:
        """Note what is waited for now, None for nothing; return whether that is something new."""
        before, now = self._wait, self._clock()
        # Reasons often have numbers that count up: the same action is the same wait.
        same = (wait is None) == (before is None) and (
            wait is None or wait == before or bool(wait.action) and wait.action == before.action)
        self._wait = wait
        if not same:
            if before is not None and wait is None and self._said is not None:
                self._say(f'goes on after {now - self._since:.0f} s')
            if before is None or wait is None or wait.action or before.action:
                self._since, self._said = now, None
        if wait is not None:
            lasted = now - self._since
            due = lasted >= self._delay or bool(wait.action) if self._said is None else (
                now - self._said >= self._period)
            if due:
                self._said = now
                self._say(f'waiting: {wait}' if lasted < self._period else
                          f'still waiting after {lasted / 60:.0f} min: {wait}')
        return not same
