# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the robot hears when nobody commands it: braking, the hold, then silence.

An arm at rest is left in peace, so that whoever else drives it (a pendant, another controller)
isn't talked over. Only controllers that keep to their last command for ever are told the hold on
and on.
"""

from collections.abc import Callable
import time

from rclpy.impl.rcutils_logger import RcutilsLogger

from inril_ros.nodes.actuation.command_sender import CommandSender
from inril_ros.robot.motion.command_path import CommandPath
from inril_ros.robot.motion.tick import Executed, TickInput

_AFTER_REST = 3  # holds that are sent to an arm that has come to rest
_LONGEST_BRAKING = 3.0  # [s]


class CommandHold:
    """The end of commanding.

    Args:
        path: The robot's command path.
        sender: The way to the robot.
        period: [s] One tick.
        lockstep: Nothing moves between two commands.

    Attributes:
        commanding: A command was sent, and the arm not yet left in peace for good.
    """

    def __init__(
        self, path: CommandPath, sender: CommandSender, period: float, lockstep: bool,
    ) -> None:
        self._path = path
        self._sender = sender
        self._period = period
        self._lockstep = lockstep
        self._left = 0
        self.commanding = False

    def sent(self) -> None:
        """Note that a command was sent."""
        self.commanding, self._left = True, _AFTER_REST

    def send(self, executed: Executed, stamp: int) -> None:
        """Send what came of a tick at ``stamp`` [ns] outside of episodes, as long as need be."""
        driven = executed.requested is not None  # the way home
        if executed.action is None or not (self.commanding or driven):
            return
        if driven or self._path.gate.moving:
            self.sent()
        self._sender.send(executed.action, stamp, executed.following,
                          lasting_only=self._left == 0)
        if not self._path.gate.moving:
            self._left = max(0, self._left - 1)

    def come_to_rest(self, stamp: Callable[[], int], logger: RcutilsLogger) -> None:
        """Send the hold until the arm rests: the last thing that the robot hears.

        Args:
            stamp: Returns the time [ns] of a command.
            logger: Hears of mistakes: this is what is done after all others.
        """
        if not self.commanding:
            return
        self.commanding = False
        began = time.monotonic()
        for count in range(1 + round(_LONGEST_BRAKING / self._period)):
            rests = self._lockstep or not self._path.gate.moving
            try:
                action = self._path.tick(TickInput(time.monotonic(), None)).action
            except Exception as error:  # the last command, at rest, is the least there is to say
                logger.error(f'braking failed: {error!r}')
                action, rests = self._path.gate.resting, True
            if action is None:
                return
            self._sender.send(action, stamp())
            if rests:
                break
            time.sleep(max(0.0, began + (count + 1) * self._period - time.monotonic()))
        self._sender.wait_delivered()
