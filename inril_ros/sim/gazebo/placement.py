# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The wait for an object that Gazebo was asked to move: it has a limit, and ends with a reason.

Gazebo's ``set_pose`` answers true as soon as the request is queued, for a model that doesn't exist
too. Whether it was done shows in the object's pose alone.
"""

import numpy as np

from inril_ros.robot.timing.rule_clock import RuleClock

_NEAR, _ALIGNED = 0.02, 0.1  # [m], [rad] within which the object counts as placed
LIMIT = 5.0  # [s] of the rules' clock
_STOPPED = 10.0  # [s] steady: a clock that stands still for longer ends the wait


class Placement:
    """One object on its way to its place.

    Args:
        model: Name of the object's model.
        world: Name of the world.
        topic: ROS topic of its pose.
        pose: (7,) Where it was put: x y z [m], quaternion x y z w.
        clock: The clock of rules.
    """

    def __init__(
        self, model: str, world: str, topic: str, pose: np.ndarray, clock: RuleClock,
    ) -> None:
        self._model = model
        self._service = f'/world/{world}/set_pose'
        self._topic = topic
        self._pose = pose
        self._clock = clock
        self._began = clock.now()
        self._answered = False
        self._refused = ''
        self._last: np.ndarray | None = None

    @property
    def not_bridged(self) -> str:
        """What to say where the bridge doesn't carry the service."""
        return (f'Gazebo does not move model {self._model!r}: {self._service} is not bridged '
                '(`ros2 service list`; ros_gz of Jazzy can from 1.0.11, those of Humble and Iron '
                "can't), and Gazebo's command line, gz or ign, is not installed here")

    @property
    def not_moved(self) -> str:
        """What to say if the service refuses."""
        return f'Gazebo does not move model {self._model!r}: {self._service} refused it'

    def answered(self) -> None:
        """Note that the service said yes."""
        self._answered = True

    def refused(self, reason: str) -> None:
        """Note a pose that couldn't be read; the first reason is kept."""
        self._refused = self._refused or reason

    def seen(self, pose: np.ndarray) -> bool:
        """Return whether the object, seen at a pose (7,), is at its place."""
        self._last = pose
        turned = 2.0 * np.arccos(min(1.0, abs(float(pose[3:] @ self._pose[3:]))))
        return bool(np.linalg.norm(pose[:3] - self._pose[:3]) < _NEAR and turned < _ALIGNED)

    def why_given_up(self) -> str:
        """Return why the wait is over, with what to check; empty while it goes on."""
        if self._clock.now() - self._began <= LIMIT:
            stopped = self._clock.why_stopped(_STOPPED)
            return f'{self._model!r} was not seen at its place: {stopped}' if stopped else ''
        if not self._answered:
            return (f'no answer from {self._service} within {LIMIT} s: does Gazebo run '
                    '(`gz service -l`), and does its world have the system UserCommands?')
        if self._last is not None:
            place, target = (np.round(each[:3], 3).tolist() for each in (self._last, self._pose))
            return (f'{self._model!r} is at {place} {LIMIT} s after it was to be put at {target}: '
                    f'{self._service} answers true for a model that does not exist too; does the '
                    f'world have a model {self._model!r}, and is {self._topic} its pose in the '
                    'world?')
        if self._refused:
            return f'no pose on {self._topic} could be read within {LIMIT} s: {self._refused}'
        return (f'no message on {self._topic} within {LIMIT} s: is there one on '
                f'`gz topic -e -t /model/{self._model}/pose`, and does the bridge carry it '
                f'(`ros2 topic info {self._topic}`)?')
