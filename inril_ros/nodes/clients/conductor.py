# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Requests episodes one after the other, and waits for their results.

The ``inril`` command drives a running graph with it; ``ros2 topic pub`` could do the same.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
import json
import time
from typing import Any

from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient

from inril_ros.data.frames.tick_account import account_in
from inril_ros.msg import EpisodeEvent, EpisodeRequest
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.diagnostics import DiagnosticStatus, KeyValue
from inril_ros.nodes.clients.graph_client import GraphClient, GraphStalled
from inril_ros.robot.episode import EpisodeOutcome, Purpose
from inril_ros.robot.messages.codecs import stamp_ns

_STATUS_PERIOD = 5.0  # [s] the actuation node sends its status more often
_SAVE_TIMEOUT = 60.0  # [s] the recorder gives up long before
_EVENTS = {
    EpisodeEvent.ENDED: 'actuation_node that it ended',
    EpisodeEvent.REFUSED: 'that it was refused',
    EpisodeEvent.SAVED: 'recorder_node that it was saved',
    EpisodeEvent.DISCARDED: 'that it was discarded'}


@dataclass(frozen=True)
class EpisodeResult:
    """The result of an episode.

    Attributes:
        episode_id: UUID.
        outcome: How it ended.
        ticks: Number of executed actions.
        saved: Whether the recorder kept it.
        reason: The bag's path, or why the episode was aborted or discarded.
        weights_version: Version that acted when it ended.
        sequence: Number of transitions journaled when it was saved.
        person_ticks: Number of actions that a person commanded.
    """

    episode_id: str
    outcome: EpisodeOutcome
    ticks: int
    saved: bool
    reason: str
    weights_version: int
    sequence: int
    person_ticks: int

    @property
    def account(self) -> str:
        """Which of its ticks can't be learned from in full, and why; empty if all can."""
        return account_in(self.reason)

    @property
    def fate(self) -> str:
        """What became of its record: kept, in part, discarded, or aborted."""
        if self.outcome is EpisodeOutcome.ABORTED:
            return 'aborted'
        if not self.saved:
            return 'discarded'
        return 'in part' if self.account else 'kept'

    @property
    def success(self) -> bool:
        """Whether the policy succeeded without a person: a demonstration is no success of it."""
        return self.outcome is EpisodeOutcome.SUCCESS and not self.person_ticks

    @property
    def rescued(self) -> bool:
        """Whether it succeeded after a person had commanded some of its actions."""
        return self.outcome is EpisodeOutcome.SUCCESS and self.person_ticks > 0


@dataclass(frozen=True)
class HeldVersion:
    """A version that acts until it is released.

    Attributes:
        version: Its number; 0: the model from disk that the policy began with.
        learner_step: RL updates that led to it.
        content_hash: SHA-256 of its weights.
        folder: Name of its model's folder.
    """

    version: int
    learner_step: int
    content_hash: str
    folder: str


class Conductor(GraphClient):
    """Lets one robot's graph run episodes, and waits for what follows from them.

    Args:
        task: Name of the task, kept with the data.
        domain_id, namespace, check, listen: See GraphClient.
        most_aborted: Accepted number of episodes aborted in a row; a person may abort one.
        scene_node: Node that takes the seed of the next reset.
    """

    def __init__(
        self, run_id: str, task: str, domain_id: int | None = None, namespace: str = '',
        check: Callable[[], Iterable[str]] = lambda: (),
        listen: Callable[[Any], None] = lambda status: None, most_aborted: int = 2,
        scene_node: str = 'sim_node',
    ) -> None:
        super().__init__('conductor', domain_id, namespace, check, listen)
        self._run_id = run_id
        self._task = task
        self._most_aborted = most_aborted
        self._scene_node = scene_node
        self._aborted = 0
        self._episode_id = ''
        self._events: dict[int, EpisodeEvent] = {}  # of that episode, by their kind
        self._request = self._node.create_publisher(EpisodeRequest, 'episode/request', qos.EVENT)
        self._evaluations = DiagnosticStatus and self._node.create_publisher(
            DiagnosticStatus, 'evaluation/status', qos.STATE)
        self._node.create_subscription(EpisodeEvent, 'episode/event', self._on_event, qos.EVENT)

    def run_episode(
        self, episode_id: str, purpose: Purpose, seed: int, scene_seed: int | None = None,
        explore: bool = False, operator_name: str = '', timeout: float = 300.0,
    ) -> EpisodeResult:
        """Request one episode and wait for its end, and for the recorder if that records it.

        Args:
            episode_id: UUID of the episode.
            purpose: Purpose of the episode.
            seed: Seed of everything random in it except the scene.
            scene_seed: Seed of the simulator's reset; None: don't set it (a real robot).
            explore: Whether the policy may add exploration noise.
            operator_name: Name of the person who drives, kept with the data.
            timeout: [s] Longest duration, by the robot's clock and a steady one: in a simulation
                slower than real time, the simulated duration counts.

        Raises:
            GraphStalled: It was refused, didn't end in time, or too many were aborted in a row.
        """
        if self._restarted:
            self._ready_again()
            self._restarted.clear()
        if scene_seed is not None:
            self._set_scene_seed(scene_seed)
        self._episode_id, self._events = episode_id, {}
        ticks_before, person_before = self.actuation.ticks, self.actuation.person_ticks
        self._request.publish(EpisodeRequest(
            run_id=self._run_id, episode_id=episode_id, purpose=purpose.value, explore=explore,
            seed=seed, task=self._task, operator_name=operator_name))
        ended = self._await_event(episode_id, (EpisodeEvent.ENDED, EpisodeEvent.REFUSED), timeout)
        if ended.event == EpisodeEvent.REFUSED:
            raise GraphStalled(f'episode {episode_id} refused: {ended.reason}')
        self._aborted = self._aborted + 1 if ended.outcome == EpisodeEvent.ABORTED else 0
        if self._aborted > self._most_aborted:
            raise GraphStalled(f'episode {episode_id} aborted: {ended.reason}')
        kept = ended
        if purpose is not Purpose.EVALUATION:
            kept = self._await_verdict(ended)
        # Topics have no common order: the counts may come after the event.
        self._wait(lambda: self.actuation.ticks - ticks_before >= ended.tick, timeout,
                   lambda: f'actuation_node counts {self.actuation.ticks} ticks')
        return EpisodeResult(
            episode_id, EpisodeOutcome(ended.outcome), ended.tick,
            kept.event == EpisodeEvent.SAVED, kept.reason,
            self.policy.weights_version if self.policy else 0, kept.sequence,
            self.actuation.person_ticks - person_before)

    def hold_version(self) -> HeldVersion:
        """Let the acting version stay until it is released or a rollout begins.

        Weights that come meanwhile wait. Its model is written to the folder of the policy node.
        """
        held = HeldVersion(**json.loads(self.call('policy_node/hold_version', data=True)))
        self._wait(lambda: self.policy.weights_version == held.version, 30.0,
                   lambda: f'the policy reports version {self.policy.weights_version}')
        return held

    def release_version(self) -> None:
        """Let newer versions act again."""
        self.call('policy_node/hold_version', data=False)

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

    def wait_first_weights(self, timeout: float = 600.0) -> None:
        """Wait until weights of the learner act instead of the model on disk.

        A host may act by another kind of policy than the clone that it began with.

        Raises:
            GraphStalled: The policy refused them, or they don't come.
        """
        self._wait(lambda: self.policy.weights_version or self.policy.refused_version, timeout,
                   lambda: f'no weights of the learner act: {self.policy.refusal}')
        if not self.policy.weights_version:
            raise GraphStalled(f"the learner's first weights were refused: {self.policy.refusal}")

    def _applied(self) -> bool:
        """Return whether the newest weights act, or never will: pinned or refused."""
        newest = self.learner.weights_version
        # A forged version may have been refused under a higher number than any of the learner's.
        return self.policy.pinned or newest <= self.policy.weights_version \
            or newest == self.policy.refused_version

    def wait_learned_again(self, lag: int) -> None:
        """Wait until a learner that was restarted has learned from all that is journaled.

        Until then the weights that act are older than those that acted before.
        """
        self._wait(lambda: self.recorder is not None, 60.0, lambda: 'no status of recorder_node')
        self.wait_learner(lag, applied=True, sequence=self.recorder.journaled)

    def wait_learner(self, lag: int, applied: bool = False, timeout: float = 600.0,
                     sequence: int = 0) -> None:
        """Wait until the learner has at most ``lag`` updates left to do.

        Args:
            lag: RL updates that may be due.
            sequence: Transitions that it must have, up to this one.
            applied: Also wait until the policy acts with the last published weights, or has
                refused them for good.
            timeout: [s] Longest time without progress of the learner.
        """
        def progress() -> tuple[int, int, int]:
            status, policy = self.learner, self.policy
            return status.rl_updates, status.sequence, policy.weights_version

        def done() -> bool:
            return self.learner.sequence >= sequence and self.learner.updates_due <= lag and (
                not applied or self._applied())

        before, since = progress(), time.monotonic()
        while not done():
            self._wait_once()
            if progress() != before:
                before, since = progress(), time.monotonic()
            if time.monotonic() - since > timeout:
                raise GraphStalled(f'the learner makes no progress: {self.learner}')

    def wait_ingested(self, sequence: int, timeout: float = 60.0) -> None:
        """Wait until the learner has every transition up to a sequence number."""
        self._wait(lambda: self.learner.sequence >= sequence, timeout,
                   lambda: f'the learner has transitions up to {self.learner.sequence}, '
                           f'{sequence} are journaled')

    def wait_acknowledged(self, timeout: float = 60.0) -> None:
        """Wait until the recorder knows that the learner has everything."""
        self._wait(lambda: self.recorder.acknowledged >= self.recorder.journaled, timeout,
                   lambda: f'{self.recorder.acknowledged} of {self.recorder.journaled} '
                           'transitions are acknowledged')

    def _set_scene_seed(self, seed: int) -> None:
        name = self._scene_node
        client = self._clients.get(name)
        if client is None:
            client = self._clients[name] = AsyncParameterClient(self._node, name)
        self._wait(client.services_are_ready, 30.0, lambda: f'{name} does not take parameters')
        future = client.set_parameters([Parameter('next_seed', value=seed)])
        self._wait(future.done, 30.0, lambda: f'{name} does not answer')
        if not future.result().results[0].successful:
            raise GraphStalled(f'next_seed refused: {future.result().results[0].reason}')

    def _await_verdict(self, ended: EpisodeEvent) -> EpisodeEvent:
        """Return the recorder's event; if it was started again meanwhile, that it has nothing.

        A recorder that has just started doesn't know of an episode that ended before.
        """
        verdict = self._await_event(
            ended.episode_id, (EpisodeEvent.SAVED, EpisodeEvent.DISCARDED), _SAVE_TIMEOUT,
            lambda: 'recorder_node' in self._restarted)
        return verdict or EpisodeEvent(
            event=EpisodeEvent.DISCARDED, episode_id=ended.episode_id,
            reason='recorder_node was started again before it was saved')

    def _await_event(
        self, episode_id: str, events: tuple[int, ...], timeout: float,
        in_vain: Callable[[], bool] = lambda: False,
    ) -> EpisodeEvent | None:
        def found() -> EpisodeEvent | None:
            return next((self._events[event] for event in events if event in self._events), None)
        names = ' or '.join(_EVENTS[event] for event in events)
        steady, robot = time.monotonic(), self._robot_time()
        self._wait(lambda: found() is not None or in_vain(), timeout,
                   lambda: f'episode {episode_id}: no message from {names}; actuation_node '
                           f'reports: {self.actuation.waiting_for or self.actuation.reason}',
                   lambda: min(time.monotonic() - steady, self._robot_time() - robot))
        return found()

    def _robot_time(self) -> float:
        """Return the robot's time [s]; it goes on where the robot falls silent."""
        silence = max(0.0, time.monotonic() - self._heard - _STATUS_PERIOD)
        return stamp_ns(self.actuation) / 1e9 + silence

    def _on_event(self, message: EpisodeEvent) -> None:
        if message.episode_id == self._episode_id:
            self._events[message.event] = message
