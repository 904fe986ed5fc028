# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Moves models in Gazebo by its own command line, where the bridge can't carry ``set_pose``.

ros_gz of Humble and Iron bridges no such service (ros_gz#881). The command takes a second or two,
in a process of its own; a timer looks whether it has ended.
"""

import shutil
import subprocess
from types import SimpleNamespace

from geometry_msgs.msg import Pose
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future

# Fortress has ``ign``; ``gz`` may be Gazebo Classic's there, which knows no services.
_COMMANDS = {'gz': 'gz.msgs', 'ign': 'ignition.msgs'}
_TIMEOUT = 4000  # [ms] for an answer


class GazeboCommand:
    """The command line of the installed Gazebo.

    Args:
        service: Gazebo's service that moves models.

    Attributes:
        names: The installed commands; each is tried in turn.
    """

    def __init__(self, node: Node, service: str) -> None:
        self._service = service
        self._running: tuple[subprocess.Popen[str], list[list[str]], Future] | None = None
        self.names = [name for name in _COMMANDS if shutil.which(name)]
        node.create_timer(0.1, self._check, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def place(self, model: str, pose: Pose) -> Future:
        """Move a model; return a future answer with ``success``."""
        at, turn = pose.position, pose.orientation
        request = (f'name: "{model}", position: {{x: {at.x}, y: {at.y}, z: {at.z}}}, orientation: '
                   f'{{x: {turn.x}, y: {turn.y}, z: {turn.z}, w: {turn.w}}}')
        done = Future()
        self._start([[
            name, 'service', '-s', self._service, '--reqtype', f'{types}.Pose', '--reptype',
            f'{types}.Boolean', '--timeout', str(_TIMEOUT), '--req', request,
        ] for name, types in _COMMANDS.items() if name in self.names], done)
        return done

    def _start(self, commands: list[list[str]], done: Future) -> None:
        if self._running is not None:
            self._running[0].kill()
        process = subprocess.Popen(
            commands[0], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self._running = process, commands[1:], done

    def _check(self) -> None:
        if self._running is None or self._running[0].poll() is None:
            return
        process, others, done = self._running
        self._running = None
        success = process.returncode == 0 and 'data: true' in process.communicate()[0]
        if others and not success:
            self._start(others, done)
        else:
            done.set_result(SimpleNamespace(success=success))
