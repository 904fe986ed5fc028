# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the arm may do now: modes, the table of what may follow what, and the reason for each.

The e-stop latches: it is left only by ``resume``, after it was released and motion was enabled
anew. A latched hold is left only by ``resume`` too. This is software; it does not replace the
robot's rated stop.
"""

from enum import Enum


class Mode(Enum):
    """What commands the arm; the values are those of ActuationStatus.msg."""

    IDLE = 0
    POLICY = 1
    TELEOP = 2
    HOLD = 3
    RESET = 4
    ESTOP = 5


#: What may follow each mode. Whatever isn't here can't happen.
LEGAL: dict[Mode, frozenset[Mode]] = {
    Mode.IDLE: frozenset({Mode.RESET, Mode.HOLD, Mode.ESTOP}),
    Mode.RESET: frozenset({Mode.IDLE, Mode.HOLD, Mode.ESTOP}),
    Mode.HOLD: frozenset({Mode.IDLE, Mode.POLICY, Mode.TELEOP, Mode.RESET, Mode.ESTOP}),
    Mode.POLICY: frozenset({Mode.IDLE, Mode.TELEOP, Mode.HOLD, Mode.ESTOP}),
    Mode.TELEOP: frozenset({Mode.IDLE, Mode.POLICY, Mode.HOLD, Mode.ESTOP}),
    Mode.ESTOP: frozenset({Mode.IDLE}),
}
#: Modes in which the arm may be moved; in the others it brakes and stays.
MOVING = frozenset({Mode.POLICY, Mode.TELEOP, Mode.RESET})


class IllegalMode(RuntimeError):
    """A change that the table doesn't allow."""


class ModeMachine:
    """The mode, why it is what it is, and what stands in the way of motion.

    Args:
        enabled: Whether motion is consented to from the start. Not on a real arm.
    """

    def __init__(self, enabled: bool = False) -> None:
        self.mode = Mode.IDLE
        self.reason = 'started'
        self.enabled = enabled
        self.pressed = False
        self.latched = ''

    def obstacle(self) -> str:
        """Say why the arm may not be moved now; empty if it may."""
        if self.mode is Mode.ESTOP:
            return f'e-stop: {self.reason}'
        if not self.enabled:
            return 'motion is not enabled'
        return f'held until resumed: {self.latched}' if self.latched else ''

    def change(self, mode: Mode, reason: str) -> bool:
        """Go to a mode; return whether that is a change.

        Raises:
            IllegalMode: The table doesn't allow it, or something stands in the way of motion.
            ValueError: There is no reason.
        """
        if not reason:
            raise ValueError('a mode needs a reason')
        if mode is self.mode:
            return False
        if mode not in LEGAL[self.mode]:
            raise IllegalMode(f'{self.mode.name} is not followed by {mode.name}')
        if mode in MOVING and self.obstacle():
            raise IllegalMode(f'{mode.name} is not possible: {self.obstacle()}')
        if self.mode is Mode.ESTOP:
            raise IllegalMode('the e-stop is left by resume')
        self.mode, self.reason = mode, reason
        return True

    def press(self, reason: str) -> None:
        """Stop: from any mode, at once, until released, enabled and resumed."""
        self.pressed, self.enabled, self.latched = True, False, ''
        self.mode, self.reason = Mode.ESTOP, reason or 'pressed'

    def release(self) -> None:
        """The e-stop is no longer pressed; nothing moves by that."""
        self.pressed = False

    def enable(self, consent: bool) -> None:
        """Give or withdraw consent to motion."""
        self.enabled = consent

    def latch(self, reason: str) -> None:
        """Hold until ``resume``."""
        if self.mode is Mode.ESTOP:
            return
        self.latched = reason or 'a fault'
        if self.mode is not Mode.IDLE:
            self.change(Mode.HOLD, self.latched)

    def resume(self) -> str:
        """Leave the e-stop or a latched hold; return what prevents it, empty if it was done."""
        if self.mode is Mode.ESTOP:
            if self.pressed:
                return 'the e-stop is still pressed'
            if not self.enabled:
                return 'motion is not enabled'
            self.mode, self.reason = Mode.IDLE, 'resumed after the e-stop'
            return ''
        if not self.latched:
            return 'nothing to resume from'
        if not self.enabled:
            return 'motion is not enabled'
        self.latched = ''
        return ''
