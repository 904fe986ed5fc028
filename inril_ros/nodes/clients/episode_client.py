# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The messages of one episode: the seed of its scene, its request, and the events that follow."""

from collections.abc import Callable
from typing import Any

from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient

from inril_ros.msg import EpisodeEvent, EpisodeRequest
from inril_ros.nodes.base import qos
from inril_ros.nodes.clients.graph_client import GraphStalled
from inril_ros.nodes.clients.learner_client import LearnerClient
from inril_ros.robot.messages.codecs import stamp_ns

_STATUS_PERIOD = 5.0  # [s] the actuation node sends its status more often
_SAVE_TIMEOUT = 60.0  # [s] the recorder gives up long before
_EVENTS = {
    EpisodeEvent.ENDED: 'actuation_node that it ended',
    EpisodeEvent.REFUSED: 'that it was refused',
    EpisodeEvent.SAVED: 'recorder_node that it was saved',
    EpisodeEvent.DISCARDED: 'that it was discarded'}


class _LostEpisode:
    """Tells from the actuation node's statuses that the message of an episode's end was lost."""

    _STATUSES, _SECONDS = 10, 30.0  # without the episode; both, as a process may sleep for long

    def __init__(self, now: float) -> None:
        self._since = self._last = now
        self._others = 0

    def note(self, heard: float, ours: bool) -> None:
        """Note the last status: when it was heard [s], and whether it names the episode."""
        if ours:
            self._since, self._others = heard, 0
        elif heard > self._last:
            self._others += 1
        self._last = heard

    @property
    def certain(self) -> bool:
        """Whether the episode is over, and its end was not heard of."""
        return self._others >= self._STATUSES and self._last - self._since > self._SECONDS


class EpisodeClient(LearnerClient):
    """A client that asks for episodes.

    Args:
        scene_node: Node that takes the seed of the next reset.
        others: See GraphClient.
    """

    def __init__(self, *others: Any, scene_node: str) -> None:
        super().__init__(*others)
        self._scene_node = scene_node
        self._episode_id = ''
        self._events: dict[int, EpisodeEvent] = {}  # of that episode, by their kind
        self._request = self._node.create_publisher(EpisodeRequest, 'episode/request', qos.EVENT)
        self._node.create_subscription(EpisodeEvent, 'episode/event', self._on_event, qos.EVENT)

    def _publish(self, request: EpisodeRequest) -> None:
        self._episode_id, self._events = request.episode_id, {}
        self._request.publish(request)

    def _show_episode(self) -> None:
        """Show what the episode that begins or runs does."""

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
        began = self._clock()
        verdict = self._await_event(
            ended.episode_id, (EpisodeEvent.SAVED, EpisodeEvent.DISCARDED), _SAVE_TIMEOUT,
            lambda: 'recorder_node' in self._restarted
            or self._attended and self._clock() - began > _SAVE_TIMEOUT)
        why = 'recorder_node was started again before it was saved'
        if verdict is None and 'recorder_node' not in self._restarted:
            why = f'recorder_node has not said for {_SAVE_TIMEOUT:.0f} s that it was saved'
        return verdict or EpisodeEvent(
            event=EpisodeEvent.DISCARDED, episode_id=ended.episode_id, reason=why)

    def _await_event(
        self, episode_id: str, events: tuple[int, ...], timeout: float,
        in_vain: Callable[[], bool] = lambda: False,
    ) -> EpisodeEvent | None:
        def found() -> EpisodeEvent | None:
            return next((self._events[event] for event in events if event in self._events), None)

        def complaint() -> str:
            return (f'episode {episode_id}: no message from {names}; actuation_node reports: '
                    f'{self.actuation.waiting_for or self.actuation.reason}')
        names = ' or '.join(_EVENTS[event] for event in events)
        steady, robot = self._clock(), self._robot_time()
        running, lost = EpisodeEvent.ENDED in events, _LostEpisode(steady)
        while found() is None and not in_vain():
            self._wait_once()
            if running:
                self._show_episode()
            lost.note(self._heard, self.actuation.episode_id == episode_id)
            if self._attended and running and lost.certain:
                return EpisodeEvent(
                    event=EpisodeEvent.ENDED, outcome=EpisodeEvent.ABORTED, episode_id=episode_id,
                    reason=f'the message that it ended was lost: {complaint()}')
            waited = min(self._clock() - steady, self._robot_time() - robot)
            if waited > timeout and not self._attended:
                raise GraphStalled(f'{complaint()} (waited {timeout:.0f} s)')
        self._note_wait(None)
        return found()

    def _robot_time(self) -> float:
        """Return the robot's time [s]; it goes on where the robot falls silent."""
        silence = max(0.0, self._clock() - self._heard - _STATUS_PERIOD)
        return stamp_ns(self.actuation) / 1e9 + silence

    def _on_event(self, message: EpisodeEvent) -> None:
        if message.episode_id == self._episode_id:
            self._events[message.event] = message
