# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A terminal that delivers each key as it is pressed, and is restored afterwards.

It is restored however the process ends, except by SIGKILL, and while it is suspended by Ctrl-Z.
Ctrl-C keeps its meaning.
"""

import atexit
from collections.abc import Callable
from contextlib import suppress
import os
import select
import signal
import sys
import termios
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

    Raises:
        ValueError: It isn't a terminal.
    """

    def __init__(self, descriptor: int | None = None,
                 resumed: Callable[[], None] = lambda: None) -> None:
        self._descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        self._resumed = resumed
        if not os.isatty(self._descriptor):
            raise ValueError('a keyboard needs a terminal: run the node in one, not from a launch '
                             'file or in the background')
        self._before = termios.tcgetattr(self._descriptor)
        self._handlers = {}
        atexit.register(self.close)
        for number in _ENDS:
            self._handlers[number] = signal.signal(number, self._ended)
        self._handlers[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, self._suspended)
        tty.setcbreak(self._descriptor)
        self._open = True

    def read(self) -> bytes:
        """Return the keys typed since the last call, without waiting."""
        if not self._open or not select.select([self._descriptor], [], [], 0.0)[0]:
            return b''
        try:
            return os.read(self._descriptor, _MOST)
        except OSError:  # the terminal is gone
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

    def _restore(self) -> None:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

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
            tty.setcbreak(self._descriptor)
        self._resumed()
