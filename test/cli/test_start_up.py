# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A process imports no large library before it needs it: a graph starts several at once."""

from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).parents[2]
LARGE = ('torch', 'scipy', 'matplotlib', 'mujoco', 'gymnasium', 'pyarrow', 'av', 'cv2')


@pytest.mark.parametrize(('module', 'more'), [
    ('cli.main', ('rclpy', 'rosbags', 'mcap')), ('nodes.actuation_node', ('rosbags', 'mcap')),
    ('nodes.recorder_node', ()), ('nodes.clients.conductor', ('rosbags', 'mcap'))])
def test_large_libraries_are_not_imported_at_the_start(module, more):
    found = subprocess.run(
        [sys.executable, '-c', f'import inril_ros.{module}, sys; print(*sys.modules)'], cwd=ROOT,
        text=True, stdout=subprocess.PIPE, check=True).stdout.split()
    assert f'inril_ros.{module}' in found
    assert not {*LARGE, *more} & set(found)
