# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the graph tests share: one small finished run, and copies of it at earlier stages."""

from pathlib import Path
import shutil
import signal

import pytest
from running_command import Command
from small_run import copy_after, demo_arguments, settings_file

# A process that a shell started in the background ignores SIGINT, and its children would too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Give each of these tests the time that a slow and busy machine needs."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(420))


@pytest.fixture(scope='session')
def settings(tmp_path_factory):
    """Return the file of the small fine-tuning settings."""
    return settings_file(tmp_path_factory.mktemp('settings'))


@pytest.fixture(scope='session')
def finished(tmp_path_factory, settings):
    """Return the small job's command after its end, with `run_dir`. Never write to that folder."""
    folder = tmp_path_factory.mktemp('finished')
    with Command(folder, *demo_arguments(folder / 'run', settings)) as command:
        command.finish(limit=400)
        assert command.finish() == 0, f'{command.stdout}\n{command.stderr}'
        command.wait_gone()
    command.run_dir = folder / 'run'
    return command


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
