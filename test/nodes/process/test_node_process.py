# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A signal ends a node's process quietly and soon, whatever it does."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import pytest

from inril_ros.nodes.base.node_process import _Interrupt

CONTRACT = Path(__file__).parents[3] / 'config' / 'robots' / 'metaworld_sawyer.yaml'


@pytest.mark.parametrize('lockstep', ['true', 'false'])
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_node_without_an_error_in_its_log(tmp_path, lockstep, number):
    with open(tmp_path / 'log', 'w+', encoding='utf-8') as log:
        process = subprocess.Popen(
            [sys.executable, '-m', 'inril_ros.nodes.recorder_node', '--ros-args', '-p',
             f'contract:={CONTRACT}', '-p', f'lockstep:={lockstep}'],
            stdout=log, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + 30.0
            while 'active' not in (tmp_path / 'log').read_text(encoding='utf-8'):
                assert time.monotonic() < end
                time.sleep(0.05)
            os.kill(process.pid, number)
            assert process.wait(10.0) == 0
        finally:
            process.kill()
            process.wait()
    text = (tmp_path / 'log').read_text(encoding='utf-8')
    assert not any(word in text for word in ('FATAL', 'Traceback', 'KeyboardInterrupt')), text


@pytest.fixture
def interrupt():
    """The handler, in place; later tests have the signals as they were."""
    numbers = (signal.SIGTERM, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    made = _Interrupt()
    signal.signal(signal.SIGTERM, made)
    yield made
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_a_signal_ends_the_start_at_once(interrupt):
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_short_callback_is_not_broken_off(interrupt):
    interrupt.spins(ends_within_callbacks=True)
    os.kill(os.getpid(), signal.SIGTERM)
    assert interrupt.requested
    assert not interrupt.raised


@pytest.mark.parametrize('within', [True, False])
def test_a_long_callback_is_broken_off_if_the_node_permits_it(interrupt, within):
    interrupt.spins(within)
    os.kill(os.getpid(), signal.SIGTERM)
    began = time.monotonic()
    try:
        while time.monotonic() < began + 0.8:
            pass
    except KeyboardInterrupt:
        assert within
    else:
        assert not within
