# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A terminal that delivers each key as it is pressed, and is restored afterwards.

It is restored however the process ends, except by SIGKILL, and while it is suspended by Ctrl-Z or
in the background of its shell, whose keys are not taken. Ctrl-C keeps its meaning.
"""

import atexit
from collections.abc import Callable
from contextlib import suppress
import os
import select
import signal
import sys
import termios
import time
import tty
from types import FrameType

# By default they end the process without cleanup. SIGINT and SIGTERM are handled by the node.
_ENDS = (signal.SIGHUP, signal.SIGQUIT)
_MOST = 256  # [byte] read at once


class KeyTerminal:
    """Keys of a terminal, unbuffered and not echoed, until ``close``.

    Args:
        descriptor: The terminal's descriptor; None: standard input.
        resumed: Called when the process continues after Ctrl-Z.
        left: Called when the terminal is restored, also by a handler of signals.

    Raises:
        ValueError: It isn't a terminal.
    """

    def __init__(self, descriptor: int | None = None,
                 resumed: Callable[[], None] = lambda: None,
                 left: Callable[[], None] = lambda: None) -> None:
        self._descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        self._resumed = resumed
        self._left = left
        if not os.isatty(self._descriptor):
            raise ValueError('a keyboard needs a terminal: run the node in one, not from a launch '
                             'file or in the background')
        self._before = termios.tcgetattr(self._descriptor)
        self._handlers = {}
        atexit.register(self.close)
        for number in _ENDS:
            self._handlers[number] = signal.signal(number, self._ended)
        self._handlers[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, self._suspended)
        self._open, self._taken = True, False
        self._take()

    def read(self, wait: float = 0.0) -> bytes:
        """Return the keys typed since the last call, after at most ``wait`` [s]."""
        if not self._open or not self._take():
            time.sleep(wait)
            return b''
        if not select.select([self._descriptor], [], [], wait)[0]:
            return b''
        try:
            return os.read(self._descriptor, _MOST) if self._open else b''
        except OSError:  # the terminal is gone
            time.sleep(wait)
            return b''

    def close(self) -> None:
        """Restore the terminal; a second call does nothing."""
        if not self._open:
            return
        self._open = False
        self._restore()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        atexit.unregister(self.close)

    def _take(self) -> bool:
        """Take the terminal unless it is the shell's now; return whether it is taken."""
        if not in_foreground(self._descriptor):
            self._taken = False
        elif not self._taken:
            with suppress(termios.error):  # the terminal is gone
                tty.setcbreak(self._descriptor)
            self._taken = True
        return self._taken

    def _restore(self) -> None:
        if self._taken and in_foreground(self._descriptor):
            with suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)
            self._left()
        self._taken = False

    def _ended(self, number: int, frame: FrameType | None) -> None:
        self.close()
        signal.raise_signal(number)

    def _suspended(self, number: int, frame: FrameType | None) -> None:
        self._restore()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        # The process continues here after `fg`.
        signal.signal(signal.SIGTSTP, self._suspended)
        if self._open:
            self._take()
        self._resumed()


def in_foreground(descriptor: int) -> bool:
    """Return whether this process may read a terminal: it isn't in the background of a shell."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:  # not the terminal of this session: there is no job control
        return True
