# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A terminal delivers each key at once, and is restored however the process ends."""

from contextlib import closing
import os
from pathlib import Path
import select
import signal
import subprocess
import sys
import termios
import time

import pytest

from inril_ros.nodes.teleop.terminal import KeyTerminal

ROOT = Path(__file__).parents[2]
PROGRAM = """
import signal, sys, time
# A shell starts what runs in the background with these ignored, nohup with the last one, and so
# would this program be.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from inril_ros.nodes.teleop.terminal import KeyTerminal
terminal = KeyTerminal(resumed=lambda: print('resumed', flush=True))
print('keys', flush=True)
while True:
    text = terminal.read()
    if text == b'x':
        raise RuntimeError('in a callback')
    if text:
        print('read', text, flush=True)
    time.sleep(0.01)
"""

# A shell with job control: starts the program in the background, and brings it to the front when
# it is told.
SHELL = """
import fcntl, os, subprocess, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
program = subprocess.Popen([sys.executable, '-c', sys.argv[1]], preexec_fn=os.setpgrp,
                           stdout=subprocess.PIPE, text=True)
try:
    print(program.stdout.readline().strip(), flush=True)
    sys.stdin = os.fdopen(3)
    sys.stdin.readline()
    os.tcsetpgrp(0, program.pid)
    print(program.stdout.readline().strip(), flush=True)
finally:
    program.kill()
"""


@pytest.fixture
def terminal():
    master, slave = os.openpty()
    yield master, slave
    os.close(master)
    os.close(slave)


def modes(descriptor):
    """The local modes: echo, canonical and so on."""
    return termios.tcgetattr(descriptor)[3]


def test_keys_arrive_at_once_without_echo_and_the_terminal_is_restored(terminal):
    master, slave = terminal
    before = termios.tcgetattr(slave)
    with closing(KeyTerminal(slave)) as keys:
        assert not modes(slave) & (termios.ICANON | termios.ECHO)
        assert modes(slave) & termios.ISIG, 'Ctrl-C stays what it is'
        assert keys.read() == b''
        os.write(master, b'w\x1b[A')
        select.select([slave], [], [], 10.0)
        assert keys.read() == b'w\x1b[A'
    assert termios.tcgetattr(slave) == before
    keys.close()
    assert keys.read() == b''


def test_after_an_exception_the_terminal_is_restored(terminal):
    _, slave = terminal
    before = termios.tcgetattr(slave)
    with pytest.raises(RuntimeError), closing(KeyTerminal(slave)):
        raise RuntimeError
    assert termios.tcgetattr(slave) == before


def test_a_file_that_is_no_terminal_is_refused(tmp_path):
    with (tmp_path / 'file').open('w') as file, pytest.raises(ValueError, match='needs a termina'):
        KeyTerminal(file.fileno())


class Program:
    """A process in a terminal of its own."""

    def __init__(self, slave):
        self.process = subprocess.Popen(
            [sys.executable, '-c', PROGRAM], cwd=ROOT, stdin=slave, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
            preexec_fn=os.setpgrp)  # in this session: an orphaned process group isn't stopped
        self.expect('keys')

    def expect(self, text):
        assert self.process.stdout.readline().strip() == text


@pytest.mark.parametrize('end', [signal.SIGHUP, signal.SIGQUIT, signal.SIGINT, 'exception'])
def test_only_sigkill_leaves_a_raw_terminal(terminal, end):
    master, slave = terminal
    before = termios.tcgetattr(slave)
    program = Program(slave)
    assert termios.tcgetattr(slave) != before
    if end == 'exception':
        os.write(master, b'x')
    else:
        program.process.send_signal(end)
    status = program.process.wait(60)
    assert status == (1 if end == 'exception' else -end)
    assert termios.tcgetattr(slave) == before


def test_a_suspended_process_restores_the_terminal_and_resumes_raw_mode(terminal):
    _, slave = terminal
    before = termios.tcgetattr(slave)
    program = Program(slave)
    try:
        program.process.send_signal(signal.SIGTSTP)
        _, status = os.waitpid(program.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        assert termios.tcgetattr(slave) == before
        program.process.send_signal(signal.SIGCONT)
        program.expect('resumed')
        assert not modes(slave) & termios.ICANON
    finally:
        program.process.kill()
        program.process.wait()


def test_in_the_background_of_a_shell_the_terminal_and_its_keys_are_left_to_the_shell(terminal):
    master, slave = terminal
    before = termios.tcgetattr(slave)
    told, tell = os.pipe()
    shell = subprocess.Popen(
        ['bash', '-c', f'exec "$0" -c "$1" "$2" 3<&{told}', sys.executable, SHELL, PROGRAM],
        cwd=ROOT, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True, pass_fds=[told])
    try:
        assert shell.stdout.readline().strip() == 'keys', 'it was stopped for taking the terminal'
        os.write(master, b'ls\n')
        assert termios.tcgetattr(slave) == before
        deadline = time.monotonic() + 60.0
        while not select.select([slave], [], [], 0.0)[0]:  # the kernel passes it on by and by
            assert time.monotonic() < deadline
        os.write(tell, b'to the front\n')
        while modes(slave) & termios.ICANON:
            assert time.monotonic() < deadline, 'the terminal was not taken'
            time.sleep(0.01)
        os.write(master, b'w')
        assert shell.stdout.readline().strip() == "read b'w'"
    finally:
        shell.kill()
        shell.wait()
        os.close(told)
        os.close(tell)
