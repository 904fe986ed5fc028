# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A running graph that faults are done to: episodes, blows, recovery, and a person where need be.

Nothing here decides what a fault is. It says when everything works again, and what a person had to
do for it: that is tried only after the graph had its time to help itself.
"""

from collections.abc import Callable
import os
import signal
import time
from typing import Any

from inril_ros.faults.account import Account
from inril_ros.faults.measurement import Span
from inril_ros.faults.workplace import Workplace
from inril_ros.graph.supervisor import NodeDied, Supervisor
from inril_ros.msg import EpisodeEvent
from inril_ros.nodes.clients.fault_witness import FaultWitness
from inril_ros.nodes.learner.transition_messages import journaled

_POLL = 0.01  # [s]
#: [s] The graph has so long to go on by itself before a person does something.
_SELF_HELP = 4.0
#: [s] It has recovered by then, or never.
_PATIENCE = 240.0
_ANSWER = 10.0
_LATELY = 1_000_000_000  # [ns]
_SILENCE = 3.0  # [s] without a command of the policy, after which another episode is begun


class NotRecovered(RuntimeError):
    """What was waited for didn't come; the message says what it was."""


class RunningGraph:
    """One graph with its witness.

    Args:
        place: Its folders.
        supervisor: Of its processes, started.
        witness: In it.
        link: The cable between robot and learner (``network_link``), where there is one.

    Attributes:
        by_person: What a person had to do since ``forget``.
        episode: UUID of the running episode.
        account: What was ever in the journal, as far as it was read.
        undisturbed_gap: [ms] Longest gap between commands in all undisturbed stretches so far.
    """

    def __init__(self, place: Workplace, supervisor: Supervisor, witness: FaultWitness,
                 link: Any = None) -> None:
        self.place, self.supervisor, self.witness = place, supervisor, witness
        self.link = link
        self.by_person: list[str] = []
        self.episode = ''
        self.account = Account()
        self.undisturbed_gap = 0.0

    # Waiting.

    def look_after(self) -> None:
        """Bring back what may come back by itself; a person starts the rest."""
        while True:
            try:
                self.supervisor.check()
            except NodeDied as death:
                self.by_person.append(f'start {death.name}')
                self.supervisor.restart(death.name)
            else:
                return

    def until(self, condition: Callable[[], Any], what: str, seconds: float = _PATIENCE,
              look_after: bool = True) -> Any:
        """Wait for a condition, and return what it gave.

        Raises:
            NotRecovered: It didn't come true.
        """
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if look_after:
                self.look_after()
            if time.monotonic() > deadline:
                raise NotRecovered(f'{what} did not come in {seconds:.0f} s')
            time.sleep(_POLL)
        return value

    def next_version(self, condition: Callable[[], Any], seconds: float) -> None:
        """Wait for what comes with the learner's next version.

        Raises:
            NotRecovered: It doesn't; the message says how far the learner is.
        """
        idle_since = time.monotonic()

        def there() -> Any:
            nonlocal idle_since
            # An episode that is over, by its time limit, brings the learner nothing to learn from.
            _, idle_since = self._kept_driving(idle_since)
            return condition()
        try:
            self.until(there, 'a version', seconds)
        except NotRecovered as error:
            learner = self.witness.status('learner_node')
            raise NotRecovered(
                f'{error}: the learner has {learner.sequence} transitions, has done '
                f'{learner.rl_updates} updates of {learner.rl_updates + learner.updates_due}, and '
                f'published version {learner.weights_version}') from error

    def wait(self, seconds: float) -> None:
        """Let time pass, and nothing be repaired."""
        time.sleep(seconds)

    # Blows.

    def process(self, node: str) -> int:
        """Return the process id of a node."""
        return self.supervisor.process_id(node)

    def kill(self, node: str) -> None:
        """End a node by SIGKILL."""
        os.kill(self.process(node), signal.SIGKILL)

    def freeze(self, node: str, seconds: float) -> None:
        """Stop a node for a while."""
        os.kill(self.process(node), signal.SIGSTOP)
        try:
            self.wait(seconds)
        finally:
            os.kill(self.process(node), signal.SIGCONT)

    # Episodes.

    def begin(self) -> None:
        """Begin an episode, and wait until the policy drives in it.

        Raises:
            NotRecovered: It can't be begun.
        """
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            self._do_what_a_person_does(time.monotonic() - _SELF_HELP)
            self._start_episode()
            if self._drives_within(_SILENCE):
                return
            self.end()
        raise NotRecovered('no episode in which the policy drives')

    def _start_episode(self) -> None:
        self.episode = self.witness.request()
        witness, began = self.witness, (EpisodeEvent.STARTED, EpisodeEvent.REFUSED)
        try:
            self.until(lambda: witness.told(self.episode, *began), 'an answer', _ANSWER + 5.0)
        except NotRecovered:
            return  # its reset may take longer, or the request was lost: another one is asked for

    def _drives_within(self, seconds: float) -> bool:
        since = time.time_ns()
        try:
            self.until(lambda: self.witness.driven(self.episode, since), 'the policy', seconds)
        except NotRecovered:
            return False
        return True

    def end(self) -> None:
        """End the running episode, and wait until the recorder has said what became of it."""
        witness, over = self.witness, (EpisodeEvent.ENDED, EpisodeEvent.REFUSED)
        kept = (EpisodeEvent.SAVED, EpisodeEvent.DISCARDED)
        running = witness.told(self.episode, EpisodeEvent.STARTED)
        if running is not None and not witness.told(self.episode, *over):
            for _ in range(10):
                witness.judge(witness.now())
                try:
                    self.until(lambda: witness.told(self.episode, *over), 'the end', 1.0)
                    break
                except NotRecovered:
                    continue
        elif running is None:
            self._answer('actuation_node/abort')
        if witness.told(self.episode, EpisodeEvent.ENDED):
            try:
                self.until(lambda: witness.told(self.episode, *kept), 'the record', 20.0)
            except NotRecovered:
                return  # the recorder was away: it knows nothing of the end

    # Recovery.

    def recover(self, since: int, also: Callable[[], Any] = lambda: True) -> None:
        """Wait until everything works that worked before.

        Every node speaks, the policy drives, and the learner has what was journaled since.

        Args:
            since: [ns] When the fault was over.
            also: What else must be true.

        Raises:
            NotRecovered: It doesn't.
        """
        began = idle_since = time.monotonic()
        mark: list[int] = []

        def lacking() -> str:
            nonlocal idle_since
            self._do_what_a_person_does(began)
            said = {name: self.witness.status(name, since) for name in (
                'actuation_node', 'policy_node', 'recorder_node', 'learner_node')}
            silent = [name for name, status in said.items() if status is None]
            if silent:
                return f'a word from {", ".join(silent)}'
            recorder, learner = said['recorder_node'], said['learner_node']
            mark[:] = mark or [recorder.journaled]
            driven, idle_since = self._kept_driving(idle_since, since)
            if not driven:
                return f'an episode that the policy drives ({said["actuation_node"].reason})'
            if learner.sequence < mark[0] or recorder.acknowledged < mark[0]:
                return (f'transition {mark[0]}: the learner has {learner.sequence}, '
                        f'{recorder.acknowledged} are acknowledged')
            return '' if also() else 'what was to change'

        lack = ['nothing']

        def well() -> bool:
            lack[0] = lacking()
            return not lack[0]
        try:
            self.until(well, 'recovery')
        except NotRecovered as error:
            raise NotRecovered(f'{error}: {lack[0]}') from error

    def driven_lately(self, since: int = 0) -> bool:
        """Say whether the policy has commanded within the last second, since a time [ns]."""
        return self.witness.driven(self.episode, max(since, time.time_ns() - _LATELY))

    def _kept_driving(self, idle_since: float, since: int = 0) -> tuple[bool, float]:
        """Begin another episode if the policy was silent for too long.

        Args:
            idle_since: [s] When it was last seen to drive, of the monotonic clock.
            since: [ns] Commands before it don't count.

        Returns:
            Whether the policy drives, and what to give the next time.
        """
        if self.driven_lately(since):
            return True, time.monotonic()
        if time.monotonic() - idle_since > _SILENCE:
            self.end()
            self._start_episode()
            return False, time.monotonic()
        return False, idle_since

    def _do_what_a_person_does(self, began: float) -> None:
        """Give consent and resume where that is lacking, after the graph had time for itself."""
        status = self.witness.status('actuation_node')
        if status is None or time.monotonic() - began < _SELF_HELP:
            return
        if not status.enabled:
            if self._answer('actuation_node/enable', True):
                self.by_person.append('enable')
            self._fresh('actuation_node')
        elif status.latched:
            if self._answer('actuation_node/resume'):
                self.by_person.append(f'resume ({status.latched})')
            self._fresh('actuation_node')

    def _fresh(self, node: str) -> None:
        """Wait for a status that was sent from now on."""
        since = time.time_ns()
        try:
            self.until(lambda: self.witness.status(node, since), node, 5.0)
        except NotRecovered:
            return

    def _answer(self, service: str, data: bool | None = None, seconds: float = _ANSWER) -> Any:
        """Call a service; return its answer if it is a yes, else None."""
        answer = self.witness.call(service, data)
        try:
            given = self.until(answer, service, seconds)
        except NotRecovered:
            return None
        return given if given.success else None

    def save(self) -> None:
        """Let the learner take in everything that is journaled, and write a checkpoint.

        Raises:
            NotRecovered: It can't.
        """
        def all_in() -> bool:
            recorder = self.witness.status('recorder_node')
            learner = self.witness.status('learner_node')
            return (recorder is not None and learner is not None
                    and learner.sequence >= recorder.journaled
                    and recorder.acknowledged >= recorder.journaled)
        since = time.time_ns()
        self.until(lambda: self.witness.status('recorder_node', since), 'the recorder', 20.0)
        self.until(all_in, 'the learner with all transitions', _PATIENCE)
        self.until(lambda: self._answer('learner_node/save', seconds=20.0), 'a checkpoint',
                   _PATIENCE)

    def read_journal(self) -> None:
        """Take into the account what is in the journal now."""
        self.account.read(journaled(self.place.journal))

    def span_since(self, begin: int) -> Span:
        """Return the time from ``begin`` [ns] until now."""
        return Span(begin, time.time_ns())
