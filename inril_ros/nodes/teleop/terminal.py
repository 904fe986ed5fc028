# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A terminal that gives each key as it is pressed, and is left as it was found.

However the process ends but by SIGKILL: by an exception, a signal, or suspended by Ctrl-Z. Ctrl-C
stays what it is.
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
from types import FrameType, TracebackType

# Their default is an end at once, with nobody to clean up. SIGINT and SIGTERM belong to the node.
_ENDS = (signal.SIGHUP, signal.SIGQUIT)
_MOST = 256  # [byte] read at once


class KeyTerminal:
    """Keys of a terminal, unbuffered and not echoed, as a context or until ``close``.

    Args:
        descriptor: Of the terminal; None: standard input.
        resumed: Called when the process goes on after Ctrl-Z.

    Raises:
        ValueError: It isn't a terminal.
    """

    def __init__(self, descriptor: int | None = None,
                 resumed: Callable[[], None] = lambda: None) -> None:
        self._descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        self._resumed = resumed
        if not os.isatty(self._descriptor):
            raise ValueError('a keyboard needs a terminal: run it in one, not from a launch file '
                             'or in the background')
        self._before = termios.tcgetattr(self._descriptor)
        self._handlers = {}
        atexit.register(self.close)
        for number in _ENDS:
            self._handlers[number] = signal.signal(number, self._ended)
        self._handlers[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, self._suspended)
        tty.setcbreak(self._descriptor)
        self._open = True

    def __enter__(self) -> 'KeyTerminal':
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def read(self) -> bytes:
        """Return what was typed since the last call, without waiting."""
        if not self._open or not select.select([self._descriptor], [], [], 0.0)[0]:
            return b''
        try:
            return os.read(self._descriptor, _MOST)
        except OSError:  # the terminal is gone
            return b''

    def close(self) -> None:
        """Leave the terminal as it was. May be called again."""
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
        # Here it goes on after `fg`.
        signal.signal(signal.SIGTSTP, self._suspended)
        if self._open:
            tty.setcbreak(self._descriptor)
        self._resumed()
