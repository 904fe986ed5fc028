# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Shared fixtures of the graph tests: one small finished run, and copies of its stages."""

from dataclasses import dataclass
import fcntl
import json
import os
from pathlib import Path
import shutil
import signal

import pytest
from running_command import Command
from small_run import copy_after, demo_arguments, settings_file

# A process started in the background of a shell ignores SIGINT, and its children would too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# In the order in which processes should start them: the first makes the small job, which others
# wait for, and the longest come before the short ones, so that no process works alone at the end.
FIRST = ('test_job', 'test_recorder_learner', 'test_two_robots', 'test_job_resumed',
         'test_cameras_in_the_graph', 'test_faults', 'test_hosts_in_the_graph',
         'test_node_death', 'test_repeatability')


def pytest_collection_modifyitems(items):
    """Give these tests the time that a slow and busy machine needs, and put the longest first."""
    places = [index for index, item in enumerate(items)
              if Path(__file__).parent in item.path.parents]
    graph = [items[index] for index in places]
    for item in graph:
        item.add_marker(pytest.mark.timeout(420))
    rank = {name: number for number, name in enumerate(FIRST)}
    graph.sort(key=lambda item: rank.get(item.path.stem, len(FIRST)))
    for index, item in zip(places, graph, strict=True):
        items[index] = item


@pytest.fixture(scope='session')
def settings(tmp_path_factory):
    """Return the file of the small fine-tuning settings."""
    return settings_file(tmp_path_factory.mktemp('settings'))


@dataclass(frozen=True)
class FinishedRun:
    """The small job after its end; never write to its folder."""

    run_dir: Path
    stdout: str

    def lines(self):
        """Return the JSON lines of stdout."""
        return [json.loads(line) for line in self.stdout.splitlines()]


@pytest.fixture(scope='session')
def finished(tmp_path_factory, settings):
    """Return the small job after its end; one for all processes of a test run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if 'PYTEST_XDIST_WORKER' in os.environ else base) / 'finished'
    folder.mkdir(exist_ok=True)
    stdout = folder / 'stdout'
    with (folder / 'lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stdout.exists():
            with Command(folder, *demo_arguments(folder / 'run', settings)) as command:
                assert command.finish(limit=400) == 0, f'{command.stdout}\n{command.stderr}'
                command.wait_gone()
            stdout.write_text(command.stdout)
    return FinishedRun(folder / 'run', stdout.read_text())


@pytest.fixture
def recorded(finished, tmp_path):
    """Return a copy of the run as it was when its demonstrations were recorded."""
    return copy_after(finished.run_dir, tmp_path / 'run', 'record')


@pytest.fixture
def cloned(finished, tmp_path):
    """Return a copy of the run as it was before fine-tuning."""
    return copy_after(finished.run_dir, tmp_path / 'run', 'evaluate_pretrained')


@pytest.fixture
def copied(finished, tmp_path):
    """Return a copy of the whole finished run."""
    return Path(shutil.copytree(finished.run_dir, tmp_path / 'run'))
