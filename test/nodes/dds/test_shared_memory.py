# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The learner's shared memory holds a burst of weights, and is removed after its death."""

from contextlib import contextmanager
import fcntl
import os
from pathlib import Path
import shutil
import subprocess
import sys

from mapped_memory import shared_memory_of
import pytest

from inril_ros.graph.domain import domain_environment, reserve_domain
from inril_ros.nodes.dds.profiles import PROFILE_VARIABLES, VARIABLES
from inril_ros.nodes.dds.shared_memory import sweep

SHARED = Path('/dev/shm')
BURST = 32_000_000
NODE = """
import sys
import rclpy
from inril_ros.nodes.dds.shared_memory import keep_bursts
keep_bursts()
rclpy.init()
node = rclpy.create_node('sends')
print('there', flush=True)
sys.stdin.read()
"""
OWN_PROFILE = """<?xml version="1.0"?>
<dds xmlns="http://www.eprosima.com"><profiles>
  <participant profile_name="own" is_default_profile="true">
    <rtps><name>own</name></rtps></participant>
</profiles></dds>
"""


@contextmanager
def sending_process(**variables):
    """Yield a process with a node, and its shared memory files, largest first."""
    with reserve_domain() as domain:
        plain = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        process = subprocess.Popen(
            [sys.executable, '-c', NODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**plain, **domain_environment(domain), **variables})
        try:
            assert process.stdout.readline() == 'there\n'
            yield process, shared_memory_of(process.pid)
        finally:
            process.kill()
            process.communicate()


needs_shared_memory = pytest.mark.skipif(
    not SHARED.is_dir() or shutil.disk_usage(SHARED).free < 4 * BURST,
    reason='no /dev/shm here, or little room in it')


@needs_shared_memory
def test_the_sender_of_weights_has_shared_memory_for_a_burst():
    with sending_process() as (_, files):
        assert files[0].stat().st_size >= BURST


@needs_shared_memory
@pytest.mark.parametrize('variable', PROFILE_VARIABLES)
def test_a_profile_of_the_user_takes_precedence(variable, tmp_path):
    own = tmp_path / 'own.xml'
    own.write_text(OWN_PROFILE)
    with sending_process(**{variable: str(own)}) as (_, files):
        assert 0 < files[0].stat().st_size < BURST / 4


@needs_shared_memory
def test_memory_of_a_killed_process_is_removed_and_that_of_a_running_one_stays():
    with sending_process() as (killed, [left, *_]), sending_process() as (_, [used, *_]):
        killed.kill()
        killed.wait()
        assert left.exists(), 'Fast DDS removes it itself now: sweep() is not needed any more'
        for path in left, used:
            os.utime(path.with_name(f'{path.name}_el'), (0, 0))
        assert sweep() >= 1
        assert not left.exists()
        assert used.exists()


def test_only_files_without_an_owner_are_removed(tmp_path):
    def make(name, age=1000.0):
        path = tmp_path / name
        path.write_bytes(b'x')
        now = path.stat().st_mtime
        os.utime(path, (now - age, now - age))
        return path

    left = [make('fastdds_0123456789abcdef'), make('fastdds_0123456789abcdef_el'),
            make('fastrtps_0123456789abcdee_el')]
    stays = [make('fastdds_00000000000000aa'), make('fastdds_00000000000000aa_el', age=1.0),
             make('fastdds_port7410_el'), make('fastdds_port7410'), make('fast_and_loose_el'),
             make('fastdds_00000000000000bb'), make('fastdds_00000000000000bb_el')]
    with stays[-1].open('r+b') as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert sweep(tmp_path) == 2
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in stays)


def test_without_shared_memory_nothing_is_done(tmp_path):
    assert sweep(tmp_path / 'absent') == 0
