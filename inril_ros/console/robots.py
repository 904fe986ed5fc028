# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The robots of a run, wherever its graph is: clients come and go with the stages of the run."""

from collections.abc import Callable, Sequence
import os
from threading import Event, Thread

from inril_ros.console.client import RobotClient
from inril_ros.console.episode_list import EpisodeRow, MOST, noted_episodes, together
from inril_ros.console.learning_facts import learning_facts, LearningFacts
from inril_ros.console.state import Press, robot_page, RobotPage, RobotSnapshot
from inril_ros.data.record_files import read_json_lines, RecordError
from inril_ros.data.run.graph_place import graph_place, GraphPlace
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.graph.domain import domain_environment
from inril_ros.robot.contract.contract import Contract

_PERIOD = 1.0  # [s] between two looks for graphs and robots
_COMPRESSED = 'sensor_msgs/msg/CompressedImage'


def in_address(namespace: str) -> str:
    """Return a namespace as one part of an address; it has no dots of its own."""
    return namespace.strip('/').replace('/', '.') or '-'


def from_address(part: str) -> str:
    """Return the namespace that a part of an address names."""
    return '' if part == '-' else part.replace('.', '/')


class Robots:
    """All robots of a run, as a context manager.

    Args:
        run: The run.
        contract: Its contract.
        domain_id: ROS domain; None: as the run notes, else that of the environment.
        namespaces: Namespaces of the robots; none: all that are found.
        failed: Called with an error of a callback.

    Attributes:
        run, contract: See above.
        cameras: Topics of the cameras that can be shown, by their names.
    """

    def __init__(
        self, run: RunDirectory, contract: Contract, domain_id: int | None,
        namespaces: Sequence[str], failed: Callable[[Exception], None],
    ) -> None:
        self.run, self.contract = run, contract
        self._domain_id, self._asked = domain_id, tuple(namespaces)
        self._failed = failed
        self.cameras = {name: camera.topic for name, camera in contract.cameras.items()
                        if camera.type == _COMPRESSED}
        self._place: GraphPlace | None = None
        self._clients: dict[str, RobotClient] = {}
        self._environment = tuple(domain_environment(0))
        self._given = {name: os.environ[name] for name in self._environment
                       if name in os.environ}
        self._driven: dict[str, tuple[EpisodeRow, ...]] = {}  # in former graphs
        self._entered: int | None = None
        self._unsent: tuple[Press, ...] = ()  # while there was no robot
        self._ending = Event()
        self._thread = Thread(target=self._follow, name='robots', daemon=True)

    def __enter__(self) -> 'Robots':
        self._connect()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.set()
        self._thread.join()
        for client in self._clients.values():
            client.leave()

    @property
    def names(self) -> list[str]:
        """The namespaces of the robots that are shown; where none is known, of the one wanted."""
        return sorted(self._clients) or list(self._asked) or ['']

    def page(self, namespace: str) -> RobotPage:
        """Return what is shown of a robot."""
        client = self._clients.get(namespace)
        snapshot = RobotSnapshot(namespace, presses=self._unsent) if client is None \
            else client.snapshot()
        return robot_page(self.contract.name, snapshot, self._place, str(self.run.path),
                          self.contract.episode.time_limit)

    def episodes(self, namespace: str) -> list[EpisodeRow]:
        """Return the episodes of a robot, the last one first."""
        client = self._clients.get(namespace)
        return together(noted_episodes(self._records(namespace)),
                        self._driven.get(namespace, ()) + (client.driven() if client else ()))

    def learning(self, namespace: str) -> LearningFacts:
        """Return how the fine-tuning on a robot goes; nothing where that can't be read."""
        client = self._clients.get(namespace)
        told = client.snapshot().statuses.conductor if client else {}
        try:
            return learning_facts(read_json_lines(self._records(namespace).episodes), told)
        except (OSError, RecordError):
            return LearningFacts()

    def _records(self, namespace: str) -> RunDirectory:
        """Return the run with the records of a robot."""
        return RunDirectory(self.run.path, self.run.settings, namespace) if (
            namespace in self.run.robots()) else self.run

    def press(self, namespace: str, meaning: str) -> None:
        """Do what a key means, for one robot, if its button can be pressed."""
        client = self._clients.get(namespace)
        if client is not None:
            client.press(meaning, self.page(namespace).buttons[meaning].why_not)
        else:
            self._unsent = Press(meaning, False, 'there is no robot: nothing was sent'),

    def image(self, namespace: str, camera: str) -> bytes:
        """Return the last image of a camera; see RobotClient.

        Raises:
            KeyError: There is no such robot or camera.
        """
        return self._clients[namespace].image(camera)

    def _follow(self) -> None:
        while not self._ending.wait(_PERIOD):
            try:
                if graph_place(self.run.path) != self._place:
                    self._connect()
                self._find_others()
            except Exception as error:  # the next look may succeed
                self._failed(error)

    def _connect(self) -> None:
        """Leave the robots of the former graph, and listen to those of the present one."""
        former, self._place = self._clients, graph_place(self.run.path)
        noted = None if self._place is None else self._place.domain_id
        # The middleware reads where to look for others when a client is made.
        for name in self._environment:
            os.environ.pop(name, None)
        os.environ.update(self._given if noted is None else domain_environment(noted))
        self._entered = noted if self._domain_id is None else self._domain_id
        # A simulated run has a domain of its own: in that of the environment are other robots.
        nowhere = self.run.settings.simulation and self._entered is None
        self._clients = {} if nowhere else {
            name: self._client(name) for name in self._asked or ('',)}
        for name, client in former.items():
            client.leave()
            self._driven[name] = (self._driven.get(name, ()) + client.driven())[-MOST:]

    def _client(self, namespace: str) -> RobotClient:
        return RobotClient(self._entered, namespace, self.run.settings.run_id, self.cameras,
                           self._failed)

    def _find_others(self) -> None:
        """Show the robots that were found; one without a namespace if there is no other."""
        if self._asked or not self._clients:
            return
        found = next(iter(self._clients.values())).namespaces()
        if not found - set(self._clients):
            return
        clients = {name: self._clients.get(name) or self._client(name) for name in found}
        unused = [client for name, client in self._clients.items() if name not in clients]
        self._clients = clients
        for client in unused:
            client.leave()
