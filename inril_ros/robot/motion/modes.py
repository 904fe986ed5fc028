# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the arm may do now: modes, which mode may follow which, and the reason for each change.

The e-stop latches: it is left only by ``resume``, after it was released and motion was enabled
again. A latched hold is left only by ``resume`` too. This is software; it does not replace the
robot's rated stop.
"""

from enum import Enum


class Mode(Enum):
    """Who commands the arm; the values are those of ActuationStatus.msg."""

    IDLE = 0
    POLICY = 1
    TELEOP = 2
    HOLD = 3
    RESET = 4
    ESTOP = 5


#: The modes that may follow each mode; no other change is possible.
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
    """The change of mode is not allowed."""


class ModeMachine:
    """The present mode, the reason for it, and what prevents motion.

    Args:
        enabled: Consent to motion from the start. Never on a real arm.
    """

    def __init__(self, enabled: bool = False) -> None:
        self.mode = Mode.IDLE
        self.reason = 'started'
        self.enabled = enabled
        self.pressed = False
        self.latched = ''
        self._fault_since: float | None = None

    def obstacle(self) -> str:
        """Return why the arm must not be moved now; empty if it may."""
        if self.mode is Mode.ESTOP:
            return f'e-stop: {self.reason}'
        if not self.enabled:
            return 'motion is not enabled'
        return f'held until resumed: {self.latched}' if self.latched else ''

    def change(self, mode: Mode, reason: str) -> bool:
        """Change to a mode; return whether that is another one.

        Raises:
            IllegalMode: It must not follow the present mode, or something prevents motion.
            ValueError: The reason is empty.
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
        """Press the e-stop, in any mode; it stays until released, enabled and resumed."""
        self.pressed, self.enabled, self.latched = True, False, ''
        self.mode, self.reason = Mode.ESTOP, reason or 'pressed'

    def release(self) -> None:
        """Release the e-stop; nothing moves by that."""
        self.pressed = False

    def enable(self, consent: bool) -> str:
        """Give or withdraw consent to motion; return why it is refused, empty if it is taken."""
        if consent and self.pressed:
            return 'the e-stop is still pressed: release it, then enable, then resume'
        self.enabled = consent
        return ''

    def latch(self, reason: str) -> None:
        """Hold until ``resume``."""
        if self.mode is Mode.ESTOP:
            return
        self.latched = reason or 'a fault'
        if self.mode is not Mode.IDLE:
            self.change(Mode.HOLD, self.latched)

    def latch_lasting(self, fault: str, now: float, longest: float) -> None:
        """Latch a fault that lasts.

        Args:
            fault: What is wrong in this tick; empty if nothing is.
            now: [s] Time of the tick.
            longest: [s] A fault that lasts longer is latched.
        """
        if not fault:
            self.fault_over()
        elif self._fault_since is None:
            self._fault_since = now
        elif now - self._fault_since > longest and not self.latched:
            self.latch(fault)

    def fault_over(self) -> None:
        """Count the duration of the next fault from its beginning."""
        self._fault_since = None

    def resume(self) -> str:
        """Leave the e-stop or a latched hold; return what prevents it, empty if nothing did."""
        if self.mode is Mode.ESTOP and self.pressed:
            return 'the e-stop is still pressed'
        if self.mode is not Mode.ESTOP and not self.latched:
            return 'nothing to resume from'
        if not self.enabled:
            return 'motion is not enabled'
        if self.mode is Mode.ESTOP:
            self.mode, self.reason = Mode.IDLE, 'resumed after the e-stop'
        self.latched = ''
        return ''
