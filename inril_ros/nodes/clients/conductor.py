# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Requests episodes one after the other, and waits for their results, for people and for faults.

The ``inril`` command drives a running graph with it; ``ros2 topic pub`` could do the same. What it
does and waits for is on ``conductor/status``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import inf
import time
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from inril_ros.msg import EpisodeEvent, EpisodeRequest
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.diagnostics import DiagnosticStatus, KeyValue
from inril_ros.nodes.base.verdicts import JUDGE_STATUS
from inril_ros.nodes.clients.conductor_orders import ConductorOrders, EndedByPerson
from inril_ros.nodes.clients.conductor_status import ConductorStatus
from inril_ros.nodes.clients.episode_client import EpisodeClient
from inril_ros.nodes.clients.episode_result import EpisodeResult
from inril_ros.nodes.clients.graph_client import GraphStalled
from inril_ros.nodes.clients.person_wait import GO_ON, obstacle, Wait, wait_in_episode
from inril_ros.nodes.clients.reporting import Reporter, ShownBar
from inril_ros.robot.contract.rules import CLASSIFIER
from inril_ros.robot.episode import (
    aborted_by_person,
    EpisodeOutcome,
    Purpose,
    refused_as_repeated,
    refused_for_good,
)
from inril_ros.robot.messages.codecs import stamp_ns

_FRESH = 3.0  # [s] in which a status comes that is younger than an event
_ASK_AGAIN, _MOST = 1.0, 10.0  # [s] before the first and the later repetitions of a request
_UNATTENDED = 300.0  # [s] for which a person is awaited where nobody needs to be


class Conductor(EpisodeClient):
    """Lets one robot's graph run episodes, and waits for what follows from them.

    Before each episode it waits until the arm may move: for consent, for the release of the
    e-stop, for ``resume``, and for faults to be mended. Where a person attends the robot, these
    waits have no time limit, and nothing but a request that can't be carried out ever, or the end
    of a process, ends the conductor.

    Args:
        task: Name of the task, kept with the data.
        domain_id, namespace, check, listen, attended, say, clock, arguments: See GraphClient.
        learner: Name of the learner; with a slash first if it is in another namespace.
        most_aborted: Accepted number of episodes aborted in a row without a person's doing; after
            more of them a person is asked to go on, or, unattended, the conductor gives up.
        scene_node: Node that takes the seed of the next reset.

    Attributes:
        status: What is published on ``conductor/status``.
    """

    def __init__(
        self, run_id: str, task: str, domain_id: int | None = None, namespace: str = '',
        check: Callable[[], Iterable[str]] = lambda: (),
        listen: Callable[[Any], None] = lambda status: None, most_aborted: int = 2,
        scene_node: str = 'sim_node', attended: bool = False,
        say: Callable[[str], None] = lambda text: None,
        clock: Callable[[], float] = time.monotonic, arguments: list[str] | None = None,
        learner: str = 'learner_node',
    ) -> None:
        super().__init__('conductor_node', domain_id, namespace, check, listen, attended, say,
                         clock, arguments, scene_node=scene_node)
        self.learner_name = learner
        self._run_id = run_id
        self._task = task
        self._most_aborted = most_aborted
        self._aborted = self._asked = 0
        self._begun: Callable[[], object] | None = None  # to be called when the episode begins
        self.status = ConductorStatus(self._node, run_id, listen, clock)
        self._evaluations = DiagnosticStatus and self._node.create_publisher(
            DiagnosticStatus, 'evaluation/status', qos.STATE)
        self._orders = ConductorOrders(
            self._node, lambda: self._told.wait, lambda order: self.status.set(order=order))
        self._judge: DiagnosticStatus | None = None  # the last status of a classifier
        self._uncounted = ''  # the last episode, which it must have counted before the next
        if DiagnosticStatus is not None:
            self._node.create_subscription(
                DiagnosticStatus, JUDGE_STATUS, self._on_judge, qos.STATE)

    def run_episode(
        self, episode_id: str, purpose: Purpose, seed: int, scene_seed: int | None = None,
        explore: bool = False, operator_name: str = '', timeout: float = 300.0,
        begun: Callable[[], object] = lambda: None, recorded: bool = False,
    ) -> EpisodeResult:
        """Request one episode and wait for its end, and for the recorder if that records it.

        Args:
            episode_id: UUID of the episode. If it was requested before, by a conductor that was
                killed, the episode gets another one, which is in the result.
            purpose: Purpose of the episode.
            seed: Seed of everything random in it except the scene.
            scene_seed: Seed of the simulator's reset; None: don't set it (a real robot).
            explore: Whether the policy may add exploration noise.
            operator_name: Name of the person who drives, kept with the data.
            timeout: [s] Longest duration where nobody attends the robot, by the robot's clock and
                a steady one: in a simulation slower than real time, the simulated duration counts.
            begun: Called once it has begun, that is after the reset and a person's ready.
            recorded: Whether the recorder keeps it though it is an evaluation.

        Raises:
            GraphStalled: It was refused for good; or, unattended, it was refused, didn't end in
                time, too many were aborted in a row, or the classifier that judges erred too
                often.
            EndedByPerson: A person wants the stage to end.
        """
        self._wait_while_paused()
        if self._restarted or self._unready:
            self._ready_again()
            self._restarted.clear()
            self._unready = False
        self._asked += 1
        self.status.set(episode=self._asked, episode_id=episode_id, state='asking')
        self._wait_for_a_judge()
        self._wait_movable()
        if scene_seed is not None:
            self._set_scene_seed(scene_seed)
        ticks_before, person_before = self.actuation.ticks, self.actuation.person_ticks
        self._begun = begun
        ended = self._requested(EpisodeRequest(
            run_id=self._run_id, episode_id=episode_id, purpose=purpose.value, explore=explore,
            seed=seed, task=self._task, operator_name=operator_name), timeout)
        self._tell_begin()  # a short one has ended before it was looked at
        kept, recorded = ended, recorded or purpose is not Purpose.EVALUATION
        if recorded:
            self.status.set(state='saving')
            kept = self._await_verdict(ended)
        # Topics have no common order: the counts may come after the event.
        limit = self._clock() + (_FRESH if self._attended else inf)
        self._wait(lambda: self.actuation.ticks - ticks_before >= ended.tick
                   or self._clock() > limit, timeout,
                   lambda: f'actuation_node counts {self.actuation.ticks} ticks')
        by_person = ended.outcome == EpisodeEvent.ABORTED and self._by_person(ended.reason)
        result = EpisodeResult(
            self._episode_id, EpisodeOutcome(ended.outcome), ended.tick,
            kept.event == EpisodeEvent.SAVED, kept.reason,
            self.policy.weights_version if self.policy else 0, kept.sequence,
            max(0, self.actuation.person_ticks - person_before), by_person, ended.reason)
        recorded = recorded or result.outcome is EpisodeOutcome.ABORTED
        self.status.set(
            state='learning' if purpose is Purpose.ROLLOUT else 'asking', episode_seconds='',
            outcome=result.outcome.name.lower(), fate=result.fate if recorded else '',
            reason=result.account or ('' if result.saved else result.reason),
            version=result.weights_version)
        self._count(result, ended.reason)
        if purpose is Purpose.DEMONSTRATION and not result.saved:
            self._unready = True  # the recorder may wait for a camera that was moved
        if result.outcome is not EpisodeOutcome.ABORTED:
            self._uncounted = self._episode_id
        return result

    @contextmanager
    def bar(self, reporter: Reporter, stage: str, total: int, unit: str, done: int = 0
            ) -> Iterator[ShownBar]:
        """Show the progress of a stage by a reporter, and in the status."""
        self.status.begin(stage, total, unit, done)
        with reporter.bar(stage, total, unit, done) as bar:
            yield ShownBar(bar, self.status)

    def stuck(self, error: Exception) -> None:
        """Ask a person whether to go on, or, where nobody attends the robot, raise the error."""
        if not self._attended:
            self.status.set(state='failed', reason=error)
            raise error
        self._orders.goes_on = False
        while not self._orders.goes_on:
            self._wait_once()
            self._end_if_wanted()
            self._note_wait(self._obstacle() or Wait(
                f'{error}. Find the cause', GO_ON, self._namespace))
        self._note_wait(None)

    def report_evaluation(self, text: str, values: Mapping[str, object]) -> None:
        """Publish on ``evaluation/status`` what an evaluation has shown so far.

        Args:
            text: The result in words.
            values: Numbers and names.
        """
        if self._evaluations is not None:
            self._evaluations.publish(DiagnosticStatus(
                level=DiagnosticStatus.OK, name='evaluation', message=text,
                hardware_id=self._run_id,
                values=[KeyValue(key=key, value=str(value)) for key, value in values.items()]))

    def _on_judge(self, status: DiagnosticStatus) -> None:
        self._judge = status

    def _wait_for_a_judge(self) -> None:
        """Ask a person whether to go on, if the classifier that judges erred too often.

        Raises:
            GraphStalled: Nobody attends the robot.
        """
        def has_counted() -> bool:
            return self._judge is not None and (not self._uncounted or any(
                value.value == self._uncounted for value in self._judge.values))
        if not self._node.count_publishers(JUDGE_STATUS):
            return
        limit = self._clock() + _FRESH
        while not has_counted() and self._clock() < limit:
            self._wait_once()
        if self._judge is not None and self._judge.level == DiagnosticStatus.ERROR:
            self.stuck(GraphStalled(self._judge.message))
            self.call(f'{CLASSIFIER}/count_anew')

    def _wait_movable(self) -> None:
        """Wait until the arm may move, as far as the actuation node's status says."""
        began = self._clock()
        while (found := obstacle(self.actuation, self._namespace)) is not None:
            if self._clock() - began > _UNATTENDED and not self._attended:
                raise GraphStalled(f'no episode can begin: {found}')
            self._note_wait(found)
            self._wait_once()
            self._end_if_wanted()
        self._note_wait(None)

    def _wait_while_paused(self) -> None:
        """Wait as long as a person wants a pause, attended or not."""
        while self._orders.order:
            self._end_if_wanted()
            self._note_wait(Wait('a person wanted a pause', GO_ON, self._namespace))
            self._wait_once()
        self._note_wait(None)

    def _end_if_wanted(self) -> None:
        """End the stage if a person wants that.

        Raises:
            EndedByPerson: That is so.
        """
        if self._orders.order == 'end':
            self._note_wait(None)
            self.status.set(state='ended')
            raise EndedByPerson('a person ended the stage')

    def _requested(self, request: EpisodeRequest, timeout: float) -> EpisodeEvent:
        """Request an episode, again while it is refused for the time being; return its end."""
        pause = _ASK_AGAIN
        while True:
            self._publish(request)
            ended = self._await_event(
                request.episode_id, (EpisodeEvent.ENDED, EpisodeEvent.REFUSED), timeout)
            if ended.event != EpisodeEvent.REFUSED:
                return ended
            if refused_as_repeated(ended.reason):  # by a conductor that was killed in it
                request.episode_id = str(uuid5(NAMESPACE_OID, f'{request.episode_id} again'))
                self.status.set(episode_id=request.episode_id)
                continue
            self._wait_fresh_status()
            attended = self._attended or obstacle(self.actuation) is not None
            if refused_for_good(ended.reason) or not attended:
                raise GraphStalled(f'episode {request.episode_id} refused: {ended.reason}')
            until = self._clock() + pause
            while self._clock() < until:
                self._note_wait(self._obstacle() or Wait(ended.reason))
                self._wait_once()
            pause = min(2 * pause, _MOST)
            self._wait_movable()

    def _by_person(self, reason: str) -> bool:
        """Return whether a person ended an episode, or a stop after which a person resumes."""
        self._wait_fresh_status()
        return aborted_by_person(reason) or self._obstacle() is not None

    def _count(self, result: EpisodeResult, reason: str) -> None:
        """Count the aborted episodes in a row, without those that a person or a stop ended.

        Raises:
            GraphStalled: There were too many, and nobody attends the robot.
        """
        if result.outcome is not EpisodeOutcome.ABORTED or result.interrupted:
            self._aborted = 0
            return
        self._aborted += 1
        if self._aborted > self._most_aborted:
            self.stuck(GraphStalled(f'episode {self._episode_id} aborted: {reason}'))
            self._aborted = 0

    def _wait_fresh_status(self) -> None:
        """Wait for a status of the actuation node that is younger than what was just heard."""
        began = self._clock()
        while self._heard <= began and self._clock() - began < _FRESH:
            self._wait_once()

    def _show_episode(self) -> None:
        """Show what the episode that begins or runs does, and waits for."""
        self._note_wait(wait_in_episode(self.actuation, self._namespace))
        self._tell_begin()
        started = self._events.get(EpisodeEvent.STARTED)
        seconds = (stamp_ns(self.actuation) - stamp_ns(started)) / 1e9 if started else None
        self.status.set(
            state='running' if started else 'resetting',
            episode_seconds='' if seconds is None else f'{max(seconds, 0.0):.1f}',
            interventions=self.actuation.interventions)

    def _tell_begin(self) -> None:
        if self._begun is not None and EpisodeEvent.STARTED in self._events:
            begun, self._begun = self._begun, None
            begun()

    def _note_wait(self, wait: Wait | None) -> None:
        super()._note_wait(wait)
        self.status.wait(wait, self._told.seconds)

    def _wait_once(self) -> None:
        super()._wait_once()
        self.status.publish_now_and_then()
