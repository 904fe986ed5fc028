# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The `inril` command as a process started like by a shell: its output and its nodes."""

import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
from uuid import uuid4

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 150.0  # [s] limit of all waits of a test; far more than needed


def until(condition, what, limit=LIMIT):
    """Wait for a condition and return its value; `what` (text or function) is missing."""
    deadline = time.monotonic() + limit
    while not (value := condition()):
        assert time.monotonic() < deadline, f'waited in vain: {what() if callable(what) else what}'
        time.sleep(0.02)
    return value


class Command:
    """A running `inril` command. As a context manager it leaves no process behind.

    Args:
        folder: Folder for its output.
        arguments: Arguments after `inril`.
        environment: Further environment variables.
    """

    def __init__(self, folder, *arguments, **environment):
        # All child processes inherit the mark, so survivors are found even when reparented.
        self._mark = f'INRIL_ROS_TEST={uuid4().hex}'
        name, _, value = self._mark.partition('=')
        Path(folder).mkdir(parents=True, exist_ok=True)
        self._out, self._err = (Path(folder, f'{value}.{end}') for end in ('out', 'err'))
        with self._out.open('wb') as out, self._err.open('wb') as err:
            self._process = subprocess.Popen(
                [sys.executable, '-m', 'inril_ros.cli.main', *map(str, arguments)], cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env={**os.environ, 'OMP_NUM_THREADS': '1', **environment, name: value})

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self._process.wait(LIMIT)

    @property
    def stdout(self):
        return self._out.read_text(encoding='utf-8')

    @property
    def stderr(self):
        return self._err.read_text(encoding='utf-8')

    def lines(self):
        """Return the JSON lines written so far; fail if a line is anything else."""
        return [json.loads(line) for line in self.stdout.split('\n')[:-1]]

    def processes(self):
        """Return the ids of the running processes of the command, including its own."""
        return [pid for pid in map(int, filter(str.isdigit, os.listdir('/proc')))
                if self._mark in _read(pid, 'environ').split('\0')]

    def node(self, name):
        """Return the process id of a node, 0 if it isn't running."""
        return next((pid for pid in self.processes()
                     if f'inril_ros.nodes.{name}' in _read(pid, 'cmdline').split('\0')), 0)

    def signal(self, number):
        """Send a signal to the command itself."""
        self._process.send_signal(number)

    def wait_progress(self, stage, done=1):
        """Wait until a stage reports this much progress."""
        def reported():
            assert self._process.poll() is None, f'ended early:\n{self.stdout}\n{self.stderr}'
            return any(line.get('stage') == stage and line.get('done', -1) >= done
                       for line in self.lines())
        until(reported, lambda: f'progress of {stage}:\n{self.stdout}\n{self.stderr}')

    def wait_running(self, condition, what):
        """Wait for a condition while the command runs."""
        def fulfilled():
            assert self._process.poll() is None, f'ended early:\n{self.stdout}\n{self.stderr}'
            return condition()
        return until(fulfilled, what)

    def wait_gone(self):
        """Wait until none of its processes is running."""
        until(lambda: not self.processes(), lambda: f'survivors: {self.processes()}')

    def finish(self, limit=LIMIT):
        """Wait for its end and return the exit code."""
        until(lambda: self._process.poll() is not None,
              lambda: f'the end of the command:\n{self.stdout}\n{self.stderr}', limit)
        return self._process.returncode


def inril(folder, *arguments, **environment):
    """Run a command to its end; return it."""
    with Command(folder, *arguments, **environment) as command:
        command.finish()
        command.wait_gone()
    return command


def succeeded(folder, *arguments):
    """Run a command that must succeed; return it."""
    command = inril(folder, *arguments)
    assert command.finish() == 0, f'{command.stdout}\n{command.stderr}'
    return command


def refused(folder, *arguments):
    """Run a command that must be refused in one message without a traceback; return that."""
    command = inril(folder, *arguments)
    assert command.finish() in (1, 2), f'{command.finish()}: {command.stdout}\n{command.stderr}'
    assert 'Traceback' not in command.stdout + command.stderr
    assert command.stderr.count('rror') >= 1, command.stderr
    return command.stderr


def _read(pid, entry):
    """Return an entry of /proc; empty if the process is gone, a zombie, or another user's."""
    try:
        return Path(f'/proc/{pid}/{entry}').read_bytes().decode(errors='replace')
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ''
