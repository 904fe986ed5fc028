# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Prints the growing log files of the nodes on the console, each line with its node's name."""

from collections.abc import Mapping
from pathlib import Path
import threading

from rich.console import Console
from rich.text import Text

_COLOURS = ('cyan', 'green', 'magenta', 'yellow', 'blue', 'bright_red')
_PERIOD = 0.1  # [s]
_BLOCK = 256 * 1024  # [byte] read from one file before the next file
_FAR_BEHIND = 4 * _BLOCK  # [byte] with more to show, text is skipped: the log file has it


class LogFollower:
    """Prints the lines that are added to files, in its own thread.

    Args:
        paths: Files by the name to print before their lines.
        console: Console to print on; default: the standard output.
    """

    def __init__(self, paths: Mapping[str, Path], console: Console | None = None) -> None:
        self._paths = dict(paths)
        self._console = console or Console(highlight=False)
        self._width = max(map(len, self._paths), default=0)
        self._offsets: dict[str, int] = {}
        self._rest: dict[str, bytes] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to print what is written from now on."""
        for name, path in self._paths.items():
            self._offsets[name] = path.stat().st_size if path.exists() else 0
            self._rest[name] = b''
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name='log follower', daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Print the rest, including an unfinished line, and end. May be called again."""
        if self._thread is None:
            return
        self._stopping.set()
        self._thread.join()
        self._thread = None

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._show_new():
                self._stopping.wait(_PERIOD)
        while self._show_new():
            pass
        for name, rest in self._rest.items():
            if rest:
                self._print(name, rest)

    def _show_new(self) -> bool:
        """Print what was added, at most one block per file; return whether there was any."""
        found = False
        for name, path in self._paths.items():
            if not path.exists():
                continue
            behind = path.stat().st_size - self._offsets[name]
            if behind > _FAR_BEHIND:
                skipped = behind - _BLOCK
                self._offsets[name] += skipped
                self._rest[name] = b''
                self._print(name, f'({skipped} bytes not shown, see {path})'.encode())
            with path.open('rb') as log:
                log.seek(self._offsets[name])
                data = log.read(_BLOCK)
            self._offsets[name] += len(data)
            found = found or bool(data)
            *lines, self._rest[name] = (self._rest[name] + data).split(b'\n')
            for line in lines:
                self._print(name, line)
        return found

    def _print(self, name: str, line: bytes) -> None:
        colour = _COLOURS[list(self._paths).index(name) % len(_COLOURS)]
        prefix = Text(f'{name:>{self._width}} ', style=colour)
        self._console.print(prefix + Text.from_ansi(line.decode(errors='replace')), soft_wrap=True)
