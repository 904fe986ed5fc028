# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A person at a terminal: a process whose keys are pressed, and whose screen is read."""

import fcntl
import os
from pathlib import Path
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

from running_command import LIMIT

ROOT = Path(__file__).resolve().parents[2]
_MARKS = re.compile(r'\x1b\[[0-9;?]*[A-Za-z]')


class Person:
    """A Python process in a terminal. Ends with the context.

    Args:
        arguments: Of Python.
        own: Whether it is alone there. A process without a shell can't be suspended.
        environment: Further environment variables.
    """

    def __init__(self, *arguments, own=True, **environment):
        self._master, self._slave = os.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 160, 0, 0))
        self._text, self._read = '', 0
        self.before = termios.tcgetattr(self._slave)
        self.process = subprocess.Popen(
            [*(['setsid', '--ctty'] if own else []), sys.executable, *map(str, arguments)],
            cwd=ROOT, preexec_fn=None if own else os.setpgrp, stdin=self._slave,
            stdout=self._slave, stderr=self._slave,
            env={**os.environ, 'TERM': 'xterm', 'OMP_NUM_THREADS': '1', **environment})

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.press(b'\x11')  # Ctrl-Q, if its output was stopped
            self.process.send_signal(signal.SIGINT)
            try:
                self.finish()
            finally:
                self.process.kill()
                self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    @property
    def raw(self):
        """Whether keys arrive at once."""
        return not termios.tcgetattr(self._slave)[3] & termios.ICANON

    @property
    def restored(self):
        """Whether the terminal is as it was, with its cursor."""
        self._take(0.0)
        shown = self._text.rfind('\x1b[?25h') > self._text.rfind('\x1b[?25l')
        return termios.tcgetattr(self._slave) == self.before and shown

    def press(self, keys):
        os.write(self._master, keys)

    def sees(self, text):
        """Wait until a text is written after those that were seen before."""
        self.presses_until(b'', text)

    def presses_until(self, keys, text, pause=1.0):
        """Press keys, again after each pause [s], until a text is written."""
        deadline, pressed = time.monotonic() + LIMIT, float('-inf')
        while (place := self._words().find(text, self._read)) < 0:
            ended = self.process.poll() is not None
            self._take(0.0)
            assert time.monotonic() < deadline and not (
                ended and self._words().find(text, self._read) < 0
            ), f'{text!r} is not in {self._words()[-3000:]}'
            if keys and time.monotonic() - pressed > pause:
                self.press(keys)
                pressed = time.monotonic()
            self._take(0.1)
        self._read = place + len(text)

    def until(self, condition, what):
        """Wait for a condition, and read the screen meanwhile."""
        deadline = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < deadline and self.process.poll() is None, (
                f'{what}: {self._words()[-3000:]}')
            self._take(0.1)

    def waits(self, seconds):
        """Do nothing for a time [s], and read the screen meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self._words()[-3000:]
            self._take(0.5)

    def finish(self):
        """Wait for the end; return the exit status."""
        deadline = time.monotonic() + LIMIT
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self._words()[-3000:]
            self._take(0.05)
        return self.process.returncode

    def _take(self, seconds):
        while select.select([self._master], [], [], seconds)[0]:
            self._text += os.read(self._master, 65536).decode(errors='replace')
            seconds = 0.0

    def _words(self):
        return _MARKS.sub('', self._text)
