# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What each test process needs before ROS, MuJoCo, torch or hypothesis are imported; `--long`.

A ROS domain of its own: nodes of two test runs on one machine, or of a robot in the same network,
must not hear each other. Settings that the environment made are kept, apart from the domain.

With `--long` the tests marked `long` run as well, and the random ones try more (run_length.py).
"""

import faulthandler
from importlib.util import find_spec
import os
import socket
import sys
import tempfile

from hypothesis import settings
import pytest
import run_length

# Domains 1..101 are safe on all platforms; 0 is everybody's default. The socket that holds the
# number is kept for the life of the process, and its port is far from those that DDS uses.
_FIRST_DOMAIN, _LAST_DOMAIN, _LOCK_PORT = 1, 101, 21000


def _claim_domain() -> tuple[int, socket.socket]:
    """Return a domain ID that no other test process of this machine has, and what holds it."""
    span = _LAST_DOMAIN - _FIRST_DOMAIN + 1
    for attempt in range(span):
        domain = _FIRST_DOMAIN + (os.getpid() + attempt) % span
        holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            holder.bind(('127.0.0.1', _LOCK_PORT + domain))
        except OSError:
            holder.close()
            continue
        return domain, holder
    raise RuntimeError(f'all ROS domains {_FIRST_DOMAIN}..{_LAST_DOMAIN} are taken by other tests')


_domain, _domain_holder = _claim_domain()
os.environ['ROS_DOMAIN_ID'] = str(_domain)
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
# Only before Iron; later distributions warn about it.
if os.environ.get('ROS_DISTRO') == 'humble':
    os.environ['ROS_LOCALHOST_ONLY'] = '1'
if 'ROS_LOG_DIR' not in os.environ:  # the workers of pytest-xdist have that of their parent
    _logs = tempfile.TemporaryDirectory(prefix='inril_ros_test_log_', ignore_cleanup_errors=True)
    os.environ['ROS_LOG_DIR'] = _logs.name
# ROS wheels don't set it, and ament_index finds nothing without it.
os.environ.setdefault('AMENT_PREFIX_PATH', sys.prefix)
os.environ.setdefault('MUJOCO_GL', 'egl')
os.environ.setdefault('OMP_NUM_THREADS', '1')

# The machine may be slow and busy; in CI the examples are the same in each run.
settings.register_profile('inril_ros', deadline=None, derandomize='CI' in os.environ)
settings.load_profile('inril_ros')


def pytest_addoption(parser):
    parser.addoption('--long', action='store_true',
                     help='also run the tests marked `long`, and the random ones at full length')


def pytest_configure(config):
    config.addinivalue_line('markers', 'long: takes long, runs with --long only')
    run_length.LONG = config.getoption('--long')
    if find_spec('rclpy'):
        _settle_delivery()


def _settle_delivery():
    """Have nodes of one test process meet as those of several do: Fast DDS deadlocks otherwise."""
    import rclpy

    from inril_ros.nodes.dds.several_participants import delivered_as_among_processes

    with delivered_as_among_processes(), rclpy.Context() as context:
        rclpy.create_node('first', context=context, enable_rosout=False).destroy_node()


def pytest_collection_modifyitems(config, items):
    if not config.getoption('--long'):
        for item in items:
            if item.get_closest_marker('long'):  # keywords hold the names of folders too
                item.add_marker(pytest.mark.skip(reason='runs with --long'))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Let tests that may take longer than the watch on hangs (setup.cfg) take their time."""
    limit = item.get_closest_marker('timeout')
    if limit and limit.args[0] >= float(item.config.getini('faulthandler_timeout')):
        faulthandler.cancel_dump_traceback_later()


def pytest_sessionfinish(session, exitstatus):
    """End as pytest does without any test if every test was skipped: that shows nothing."""
    if session.config.option.collectonly:
        return
    reporter = session.config.pluginmanager.get_plugin('terminalreporter')
    if exitstatus == pytest.ExitCode.OK and reporter and not reporter.stats.get('passed'):
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
