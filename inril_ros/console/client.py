# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The console's end of one robot's graph: snapshots come out, presses go in.

Its thread takes all messages. Nothing here publishes a topic, and no node waits for it.
"""

from collections import deque
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from threading import Lock
import time
from typing import Any

from sensor_msgs.msg import CompressedImage

from inril_ros.console.episode_list import EpisodeRow, EpisodesDriven
from inril_ros.console.state import Press, RobotSnapshot, shows
from inril_ros.msg import EpisodeEvent, ExecutedAction
from inril_ros.nodes.base import qos
from inril_ros.nodes.clients.person_client import PersonClient
from inril_ros.nodes.person_view.robot_seen import RobotSeen
from inril_ros.robot.teleop.person_keys import BY_MEANING, PersonKey

_PERIOD = 0.3  # [s] between two images of a camera
_UNWATCHED = 3.0  # [s] without a look after which images of a camera are no longer taken
_MOST_PRESSES = 6
_STATUS = '/actuation/status'


@dataclass
class _Camera:
    """A camera that a page shows.

    Attributes:
        watched: Time of the last look at it [s].
        subscription: Its subscription.
        image: The last image as it came.
        came: Time of it [s].
    """

    watched: float
    subscription: Any
    image: bytes = b''
    came: float | None = None


class RobotClient:
    """One robot.

    Args:
        domain_id: ROS domain; None: that of the environment.
        namespace: Namespace of the robot.
        run_id: UUID of the run that the page is about.
        cameras: Topics of the cameras by their names.
        failed: Called with an error of a callback.
        clock: Returns the time [s].
    """

    def __init__(
        self, domain_id: int | None, namespace: str, run_id: str, cameras: Mapping[str, str],
        failed: Callable[[Exception], None], clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.namespace = namespace
        self._run_id, self._other_run = run_id, ''
        self._topics = cameras
        self._clock = clock
        self._lock = Lock()
        self._seen = RobotSeen(clock)
        self._driven = EpisodesDriven()
        self._cameras: dict[str, _Camera] = {}
        self._presses: deque[Press] = deque(maxlen=_MOST_PRESSES)
        self._client = PersonClient(
            domain_id, namespace, self._locked(self._seen.listen),
            self._locked(self._on_event), self._locked(self._on_conductor),
            self._answered, failed, name='console')
        self._client.node.create_subscription(
            ExecutedAction, 'executed_action', self._on_action, qos.WATCHED)
        self._client.node.create_timer(_PERIOD, self._look_again)
        self._client.__enter__()

    def leave(self) -> None:
        """Take no messages any more.

        The node stays until the process ends: Fast DDS sometimes crashes when a participant is
        deleted while others end.
        """
        self._client.__exit__(RuntimeError, None, None)

    def snapshot(self) -> RobotSnapshot:
        """Return what is known now."""
        with self._lock:
            now = self._clock()
            return RobotSnapshot(
                self.namespace, self._seen.statuses, self._seen.ages,
                deepcopy(self._seen.episodes), tuple(self._presses),
                {name: None if camera.came is None else now - camera.came
                 for name, camera in self._cameras.items()}, self._other_run)

    def driven(self) -> tuple[EpisodeRow, ...]:
        """Return the episodes that were seen, oldest first."""
        with self._lock:
            return self._driven.rows

    def namespaces(self) -> set[str]:
        """Return the namespaces of all robots in the domain."""
        node = self._client.node
        return {topic.removesuffix(_STATUS).strip('/')
                for topic, _ in node.get_topic_names_and_types()
                if topic.endswith(_STATUS) and node.count_publishers(topic)}

    def press(self, meaning: str, why_not: str) -> None:
        """Do what a key means, unless there is a reason not to; snapshots have the answer."""
        with self._lock:
            arm = self._seen.statuses.actuation
            self._presses.appendleft(Press(
                meaning, False if why_not else None, why_not,
                episode=arm.episode_id if arm else ''))
        if not why_not:
            self._client.call(BY_MEANING[meaning])

    def image(self, camera: str) -> bytes:
        """Return the last image of a camera as it came; empty: none has come yet.

        Raises:
            KeyError: The robot has no such camera.
        """
        topic = self._topics[camera]
        with self._lock:
            found = self._cameras.get(camera)
            if found is not None:
                found.watched = self._clock()
                return found.image
        self._client.do(self._watch, camera, topic)
        return b''

    def _on_event(self, event: EpisodeEvent) -> None:
        self._seen.on_event(event)
        self._driven.on_event(event)

    def _on_action(self, action: ExecutedAction) -> None:
        with self._lock:
            self._driven.on_action(action)

    def _on_conductor(self, status: Any) -> None:
        other = status.hardware_id != self._run_id
        self._other_run = status.hardware_id if other else ''
        self._seen.on_conductor(status)

    def _locked(self, take: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return a callback that takes a message, and looks which presses it shows."""
        def taken(message: Any) -> None:
            with self._lock:
                take(message)
                for index, press in enumerate(self._presses):
                    if press.done and not press.shown and shows(
                            press, self._seen.statuses, self._seen.episodes):
                        self._presses[index] = replace(press, shown=True)
        return taken

    def _answered(self, key: PersonKey, done: bool, text: str) -> None:
        with self._lock:
            for index, press in enumerate(self._presses):
                if press.meaning == key.meaning and press.done is None:
                    self._presses[index] = replace(press, done=done, text=text)
                    return
            self._presses.appendleft(Press(key.meaning, done, text))  # an answer after all

    # Cameras, in the client's thread. Between two looks the executor doesn't serve a subscription,
    # and the newest image alone waits in it.

    def _watch(self, camera: str, topic: str) -> None:
        node = self._client.node
        with self._lock:
            if camera in self._cameras:
                return
            entry = self._cameras[camera] = _Camera(self._clock(), None)
        entry.subscription = node.create_subscription(
            CompressedImage, topic,
            lambda message: self._take(entry, message), qos.PREVIEW)

    def _take(self, camera: _Camera, message: Any) -> None:
        with self._lock:
            camera.image, camera.came = bytes(message.data), self._clock()
        self._client.node.rest([camera.subscription])

    def _look_again(self) -> None:
        node, now = self._client.node, self._clock()
        with self._lock:
            unwatched = [name for name, camera in self._cameras.items()
                         if now - camera.watched > _UNWATCHED and camera.subscription]
            left = [self._cameras.pop(name).subscription for name in unwatched]
            served = [camera.subscription for camera in self._cameras.values()
                      if camera.subscription]
        for subscription in left:
            node.destroy_subscription(subscription)
        node.rouse(served)
