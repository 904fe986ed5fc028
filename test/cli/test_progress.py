# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Progress begins where a stage was left, and can be read in a log file."""

import io
import json

import pytest
from rich.console import Console

from inril_ros.cli.run.progress import Bar, Reporter


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def log():
    """Return a reporter that writes to a file, which is narrower than its lines."""
    reporter = Reporter()
    assert not reporter.console.is_terminal  # pytest's stdout is a file
    reporter.console.file = io.StringIO()
    reporter.console.width = 40
    return reporter


def lines(reporter):
    return reporter.console.file.getvalue().splitlines()


def test_the_rate_is_that_of_this_start_and_says_when_it_ends():
    clock, told = Clock(), []
    bar = Bar('finetune', 1000, 800, write=told.append, clock=clock)
    clock.now = 10.0
    bar.update(900, success=0.5)
    assert told == [{'stage': 'finetune', 'done': 900, 'total': 1000, 'rate': 10.0,
                     'seconds': 10.0, 'seconds_left': 10.0, 'success': 0.5}]


def test_a_bar_on_a_terminal_begins_with_what_was_done():
    reporter = Reporter()
    reporter.console = Console(file=io.StringIO(), force_terminal=True, width=200)
    with reporter.bar('finetune', 1000, 'steps', 800):
        pass
    assert ' 800/1000' in reporter.console.file.getvalue()


def test_lines_of_json_begin_with_what_was_done(capsys):
    with Reporter(json_output=True).bar('record', 10, 'demonstrations', 4) as bar:
        bar.update(5)
    told = json.loads(capsys.readouterr().out)
    assert (told['done'], told['event']) == (5, 'progress')


def test_in_a_log_file_progress_is_whole_lines_now_and_then(log):
    facts = {'success': 0.123456, 'rescued': 12, 'version': 40, 'evaluation': 'x' * 60}
    with log.bar('finetune', 5, 'steps') as bar:
        for step in range(1, 6):
            bar.update(step, **facts)
    first, last = lines(log)
    assert first.startswith('  finetune: 1 of 5 steps, ')
    assert last.startswith('  finetune: 5 of 5 steps, ') and last.endswith('x' * 60)
    assert 'success 0.123  rescued 12  version 40' in last


def test_a_long_sentence_is_one_line_of_a_log_file(log):
    log.say('with ' + 'settings, ' * 20)
    assert len(lines(log)) == 1


def test_lines_come_at_a_bounded_rate():
    clock, told = Clock(), []
    bar = Bar('record', 10**6, write=told.append, period=10.0, clock=clock)
    for step in range(1, 1001):
        clock.now = 0.1 * step
        bar.update(step)
    assert len(told) == pytest.approx(10, abs=1)


def test_an_end_that_is_told_again_and_again_is_one_line():
    clock, told = Clock(), []
    bar = Bar('who drove', 100, write=told.append, period=10.0, clock=clock)
    clock.now = 1.0
    for done in (99, 100, 100, 100):
        bar.update(done)
    assert [each['done'] for each in told] == [99, 100]
