# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A folder has one writer, and a killed writer leaves nothing that must be removed."""

import os
from pathlib import Path
import signal
import subprocess
import sys

import pytest

from inril_ros.transport.folder_lock import FolderInUseError, FolderLock

HOLDER = """
import sys
from pathlib import Path
from inril_ros.transport.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]), 'the run')
print('held', flush=True)
sys.stdin.read()
"""


def test_one_process_holds_a_folder_until_it_ends_or_is_killed(tmp_path):
    process = subprocess.Popen([sys.executable, '-c', HOLDER, str(tmp_path)],
                               cwd=Path(__file__).parents[2], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdout.readline() == 'held\n'
        with pytest.raises(FolderInUseError, match=f'for the run by process {process.pid} on'):
            FolderLock(tmp_path, 'another')
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        lock = FolderLock(tmp_path, 'another')
        assert not lock.machine_went_down
        lock.release()


def test_a_released_folder_can_be_locked_again(tmp_path):
    for _ in range(3):
        lock = FolderLock(tmp_path / 'new', 'the run')
        lock.release()
        lock.release()


@pytest.mark.parametrize(('content', 'down'), [
    ('', False), ('{}', False), ('{"boot": "another"}', True), ('\x80\x04.', False),
    ('[1]', False)])
def test_a_reboot_since_the_last_lock_is_noticed(tmp_path, content, down):
    (tmp_path / '.lock').write_text(content)
    lock = FolderLock(tmp_path, 'the run')
    assert lock.machine_went_down is down
    lock.release()
    again = FolderLock(tmp_path, 'the run')
    assert not again.machine_went_down
    again.release()
