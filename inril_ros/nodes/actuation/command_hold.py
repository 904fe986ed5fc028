# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The commands outside of episodes: braking, the hold, then none.

An arm at rest gets no commands, so that they don't interfere with another source (a pendant,
another controller). Only controllers that never abandon their last command get the hold forever.
"""

from collections.abc import Callable
import time

from rclpy.impl.rcutils_logger import RcutilsLogger

from inril_ros.nodes.actuation.command_sender import CommandSender
from inril_ros.robot.motion.command_path import CommandPath
from inril_ros.robot.motion.tick import Executed, TickInput
from inril_ros.robot.timing.rule_clock import RuleClock

_AFTER_REST = 3  # holds sent to an arm that has come to rest
_LONGEST_BRAKING = 3.0  # [s]


class CommandHold:
    """The end of commanding.

    Args:
        clock: The clock of rules.
        period: [s] Time between two ticks.
        lockstep: Whether nothing moves between two commands.

    Attributes:
        commanding: Whether a command was sent since the arm last came to rest for good.
    """

    def __init__(
        self, path: CommandPath, sender: CommandSender, clock: RuleClock, period: float,
        lockstep: bool, logger: RcutilsLogger,
    ) -> None:
        self._path = path
        self._sender = sender
        self._clock = clock
        self._period = period
        self._lockstep = lockstep
        self._logger = logger
        self._left = 0
        self.commanding = False

    def note_command(self) -> None:
        """Note that a command was sent."""
        self.commanding, self._left = True, _AFTER_REST

    def send(self, executed: Executed, stamp: int) -> None:
        """Send the result of a tick at ``stamp`` [ns] outside of episodes, if it is necessary."""
        driven = executed.requested is not None  # the way home
        if executed.action is None or not (self.commanding or driven):
            return
        if driven or self._path.gate.moving:
            self.note_command()
        self._sender.send(executed.action, stamp, executed.following,
                          lasting_only=self._left == 0)
        if not self._path.gate.moving:
            self._left = max(0, self._left - 1)

    def send_once(self, stamp: int) -> None:
        """Send one hold at ``stamp`` [ns]."""
        self._sender.send(self._path.tick(TickInput(self._clock.now(), None)).action, stamp)

    def come_to_rest(self, stamp: Callable[[], int]) -> None:
        """Send the hold until the arm rests, as the last commands of all.

        They are sent one period apart by a steady clock. Simulated time doesn't go on for a node
        whose thread waits here.

        Args:
            stamp: Returns the time [ns] of a command.
        """
        if not self.commanding:
            return
        self.commanding = False
        began = time.monotonic()
        for count in range(1 + round(_LONGEST_BRAKING / self._period)):
            rests = self._lockstep or not self._path.gate.moving
            try:
                action = self._path.tick(TickInput(self._clock.now(), None)).action
            except Exception as error:  # even then a command to rest must be sent
                self._logger.error(f'braking failed: {error!r}')
                action, rests = self._path.gate.resting, True
            if action is None:
                return
            self._sender.send(action, stamp())
            if rests:
                break
            time.sleep(max(0.0, began + (count + 1) * self._period - time.monotonic()))
        self._sender.wait_delivered()
