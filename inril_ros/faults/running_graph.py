# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A running graph for faults: its processes and episodes, recovery, and a person's actions.

It reports when everything works again, and what a person had to do for that; a person acts only
after the graph had time to recover by itself.
"""

from collections.abc import Callable
import os
import signal
import time
from typing import Any

from inril_ros.faults.account import Account
from inril_ros.faults.workplace import Workplace
from inril_ros.graph.supervisor import NodeDied, Supervisor
from inril_ros.msg import EpisodeEvent
from inril_ros.nodes.clients.fault_witness import FaultWitness
from inril_ros.nodes.learner.transition_messages import journaled

_POLL = 0.01  # [s]
#: [s] Time to recover by itself before a person acts.
_SELF_HELP = 4.0
#: [s] Time after which it counts as not recovered.
_PATIENCE = 240.0
_ANSWER = 10.0
_LATELY = 1_000_000_000  # [ns]
_SILENCE = 3.0  # [s] without a command of the policy, after which another episode is begun


class NotRecovered(RuntimeError):
    """An expected event didn't come; the message says which one."""


class RunningGraph:
    """One graph with its witness.

    Args:
        supervisor: The started supervisor of its processes.
        link: The ``NetworkLink`` between robot and learner, if there is one.

    Attributes:
        by_person: Actions of a person since the list was last cleared.
        episode: UUID of the running episode.
        account: All transitions read from the journal so far.
        undisturbed_gap: [ms] Longest gap between commands in the undisturbed stretches so far.
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

    def supervise(self) -> None:
        """Restart processes that may be restarted automatically; a person starts the others."""
        while True:
            try:
                self.supervisor.check()
            except NodeDied as death:
                self.by_person.append(f'start {death.name}')
                self.supervisor.restart(death.name)
            else:
                return

    def until(self, condition: Callable[[], Any], what: str, seconds: float = _PATIENCE,
              supervise: bool = True) -> Any:
        """Wait for a condition, and return its value.

        Raises:
            NotRecovered: It didn't become true.
        """
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if supervise:
                self.supervise()
            if time.monotonic() > deadline:
                raise NotRecovered(f'{what} did not come in {seconds:.0f} s')
            time.sleep(_POLL)
        return value

    def next_version(self, condition: Callable[[], Any], seconds: float) -> None:
        """Wait for a condition that the learner's next version fulfils.

        Raises:
            NotRecovered: It stays unfulfilled; the message reports the learner's progress.
        """
        idle_since = time.monotonic()

        def fulfilled() -> Any:
            nonlocal idle_since
            # Without a running episode the learner gets nothing to learn from.
            _, idle_since = self._kept_driving(idle_since)
            return condition()
        try:
            self.until(fulfilled, 'a version', seconds)
        except NotRecovered as error:
            learner = self.witness.status('learner_node')
            raise NotRecovered(
                f'{error}: the learner has {learner.sequence} transitions, has done '
                f'{learner.rl_updates} updates of {learner.rl_updates + learner.updates_due}, and '
                f'published version {learner.weights_version}') from error

    def wait(self, seconds: float) -> None:
        """Let time pass without restarting anything."""
        time.sleep(seconds)

    # Processes.

    def process(self, node: str) -> int:
        """Return the process id of a node."""
        return self.supervisor.process_id(node)

    def kill(self, node: str) -> None:
        """End a node by SIGKILL."""
        os.kill(self.process(node), signal.SIGKILL)

    # Episodes.

    def begin(self) -> None:
        """Begin an episode, and wait until the policy drives.

        Raises:
            NotRecovered: The policy never drives.
        """
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            self._act_as_person(time.monotonic() - _SELF_HELP)
            self._start_episode()
            if self._drives_within(_SILENCE):
                return
            self.end()
        raise NotRecovered('no episode in which the policy drives')

    def _start_episode(self) -> None:
        self.episode = self.witness.request()
        witness, began = self.witness, (EpisodeEvent.STARTED, EpisodeEvent.REFUSED)
        try:
            self.until(lambda: witness.event(self.episode, *began), 'an answer', _ANSWER + 5.0)
        except NotRecovered:
            return  # its reset takes longer, or the request was lost: another one follows

    def _drives_within(self, seconds: float) -> bool:
        since = time.time_ns()
        try:
            self.until(lambda: self.witness.driven(self.episode, since), 'the policy', seconds)
        except NotRecovered:
            return False
        return True

    def end(self) -> None:
        """End the running episode, and wait for the recorder's verdict."""
        witness, over = self.witness, (EpisodeEvent.ENDED, EpisodeEvent.REFUSED)
        kept = (EpisodeEvent.SAVED, EpisodeEvent.DISCARDED)
        running = witness.event(self.episode, EpisodeEvent.STARTED)
        if running is not None and not witness.event(self.episode, *over):
            for _ in range(10):
                witness.judge(witness.now())
                try:
                    self.until(lambda: witness.event(self.episode, *over), 'the end', 1.0)
                    break
                except NotRecovered:
                    continue
        elif running is None:
            self._answer('actuation_node/abort')
        if witness.event(self.episode, EpisodeEvent.ENDED):
            try:
                self.until(lambda: witness.event(self.episode, *kept), 'the record', 20.0)
            except NotRecovered:
                return  # the recorder was away when the episode ended

    # Recovery.

    def recover(self, since: int, also: Callable[[], Any] = lambda: True) -> None:
        """Wait until everything works again.

        Every node reports, the policy drives, and the learner has what was journaled since.

        Args:
            since: [ns] End of the fault.
            also: Further condition.

        Raises:
            NotRecovered: Something still doesn't work.
        """
        began = idle_since = time.monotonic()
        mark: list[int] = []

        def missing() -> str:
            nonlocal idle_since
            self._act_as_person(began)
            statuses = {name: self.witness.status(name, since) for name in (
                'actuation_node', 'policy_node', 'recorder_node', 'learner_node')}
            silent = [name for name, status in statuses.items() if status is None]
            if silent:
                return f'a status of {", ".join(silent)}'
            recorder, learner = statuses['recorder_node'], statuses['learner_node']
            mark[:] = mark or [recorder.journaled]
            driven, idle_since = self._kept_driving(idle_since, since)
            if not driven:
                return f'an episode that the policy drives ({statuses["actuation_node"].reason})'
            if learner.sequence < mark[0] or recorder.acknowledged < mark[0]:
                return (f'transition {mark[0]}: the learner has {learner.sequence}, '
                        f'{recorder.acknowledged} are acknowledged')
            return '' if also() else 'the expected change'

        last = ['nothing']

        def works() -> bool:
            last[0] = missing()
            return not last[0]
        try:
            self.until(works, 'recovery')
        except NotRecovered as error:
            raise NotRecovered(f'{error}: {last[0]}') from error

    def driven_lately(self, since: int = 0) -> bool:
        """Return whether the policy commanded within the last second, and since a time [ns]."""
        return self.witness.driven(self.episode, max(since, time.time_ns() - _LATELY))

    def _kept_driving(self, idle_since: float, since: int = 0) -> tuple[bool, float]:
        """Begin another episode if the policy was silent for too long.

        Args:
            idle_since: [s] Last time at which it drove, by the monotonic clock.
            since: [ns] Earlier commands don't count.

        Returns:
            Whether the policy drives, and ``idle_since`` for the next call.
        """
        if self.driven_lately(since):
            return True, time.monotonic()
        if time.monotonic() - idle_since > _SILENCE:
            self.end()
            self._start_episode()
            return False, time.monotonic()
        return False, idle_since

    def _act_as_person(self, began: float) -> None:
        """Enable and resume if necessary, after the graph had time to recover by itself."""
        status = self.witness.status('actuation_node')
        if status is None or time.monotonic() - began < _SELF_HELP:
            return
        if not status.enabled:
            if self._answer('actuation_node/enable', True):
                self.by_person.append('enable')
            self._await_status('actuation_node')
        elif status.latched:
            if self._answer('actuation_node/resume'):
                self.by_person.append(f'resume ({status.latched})')
            self._await_status('actuation_node')

    def _await_status(self, node: str) -> None:
        """Wait for a status sent from now on."""
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
        """Let the learner ingest everything that is journaled, and write a checkpoint.

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
        """Add the journal's present transitions to the account."""
        self.account.read(journaled(self.place.journal))
