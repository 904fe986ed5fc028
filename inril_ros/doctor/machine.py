# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks of the machine: disk, limits, buffers, processor, ROS settings; from /proc and /sys.

What can't be read on a machine is left out rather than guessed.
"""

from collections.abc import Iterator, Mapping
import os
from pathlib import Path
import resource
import shutil

from inril_ros.doctor.finding import Finding

_GIGABYTE = 1e9
_LITTLE_DISK, _NO_DISK = 20 * _GIGABYTE, 2 * _GIGABYTE
_RECEIVE_BUFFER = 4_000_000  # [byte] several pieces of weights, or images, at once
_REALTIME_PRIORITY = 80


def check_machine(
    folder: Path, environment: Mapping[str, str], root: Path = Path('/'),
) -> Iterator[Finding]:
    """Check this machine.

    Args:
        folder: Folder of the runs.
        environment: Environment variables.
        root: Root of the file system with /proc and /sys.
    """
    yield _disk(folder)
    yield _realtime()
    yield from _buffers(root)
    yield from _governor(root)
    yield from _autogroups(root)
    yield from check_environment(environment)


def check_environment(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check the environment variables that decide which ROS nodes find each other."""
    middleware = environment.get('RMW_IMPLEMENTATION', "the distribution's default")
    domain = environment.get('ROS_DOMAIN_ID', '')
    reach = environment.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '')
    local = reach in ('LOCALHOST', 'OFF') or environment.get('ROS_LOCALHOST_ONLY') == '1'
    yield Finding('ros', 'ok', f'distribution {environment.get("ROS_DISTRO", "not sourced")}, '
                               f'middleware {middleware}')
    if domain and not (domain.isdigit() and int(domain) <= 101):
        yield Finding('ros', 'error', f'ROS_DOMAIN_ID is {domain!r}',
                      'set a number from 0 to 101, the same on all machines')
    elif not domain:
        yield Finding(
            'ros', 'warning', 'ROS_DOMAIN_ID is not set: the domain is 0, the default of all',
            'set your own (1 to 101) on all machines of this robot: anyone in the domain may '
            'command the arm')
    else:
        yield Finding('ros', 'ok', f'domain {domain}')
    if local:
        yield Finding('ros', 'note', 'other machines are not reached: '
                      f'{"ROS_AUTOMATIC_DISCOVERY_RANGE=" + reach if reach else "localhost only"}',
                      'for a learner on another machine: ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET')


def _disk(folder: Path) -> Finding:
    place = next(each for each in (folder.absolute(), *folder.absolute().parents)
                 if each.exists())
    free = shutil.disk_usage(place).free
    what = f'{free / _GIGABYTE:.1f} GB free for {folder}'
    if free >= _LITTLE_DISK:
        return Finding('machine', 'ok', what)
    return Finding(
        'machine', 'error' if free < _NO_DISK else 'warning', what,
        'free some space, or put the run elsewhere: an hour with two cameras takes about 5 GB, '
        'and a full disk ends recording')


def _realtime() -> Finding:
    allowed = resource.getrlimit(resource.RLIMIT_RTPRIO)[1]
    if os.geteuid() == 0 or allowed == resource.RLIM_INFINITY or allowed >= _REALTIME_PRIORITY:
        return Finding('machine', 'ok', 'real-time priority is allowed')
    return Finding(
        'machine', 'warning', f'real-time priority is limited to {allowed}',
        "for actuation's realtime_priority: write '@realtime - rtprio 98' and '@realtime - "
        "memlock unlimited' to /etc/security/limits.d/realtime.conf, add yourself to the group "
        'realtime, and log in again')


def _buffers(root: Path) -> Iterator[Finding]:
    try:
        size = int((root / 'proc/sys/net/core/rmem_max').read_text(encoding='ascii'))
    except (OSError, ValueError):
        return
    if size >= _RECEIVE_BUFFER:
        yield Finding('dds', 'ok', f'receive buffers of up to {size / 1e6:.1f} MB')
    else:
        yield Finding(
            'dds', 'warning', f'receive buffers are limited to {size / 1e6:.2f} MB',
            'large messages from other machines are lost: sudo sysctl -w '
            'net.core.rmem_max=8388608 net.core.wmem_max=8388608, and write both to '
            '/etc/sysctl.d/60-ros.conf')


def _governor(root: Path) -> Iterator[Finding]:
    try:
        governor = (root / 'sys/devices/system/cpu/cpu0/cpufreq/scaling_governor').read_text(
            encoding='ascii').strip()
    except OSError:
        return
    if governor == 'performance':
        yield Finding('machine', 'ok', 'the processor runs at full speed (performance)')
    else:
        yield Finding('machine', 'note', f'the processor saves power ({governor})',
                      'ticks after a pause may be late: sudo cpupower frequency-set -g '
                      'performance')


def _autogroups(root: Path) -> Iterator[Finding]:
    try:
        enabled = (root / 'proc/sys/kernel/sched_autogroup_enabled').read_text(
            encoding='ascii').strip()
    except OSError:
        return
    if enabled == '0':
        yield Finding('machine', 'ok', 'nice counts among all processes (no autogroups)')
    else:
        yield Finding(
            'machine', 'note', 'nice counts only among the processes of one terminal, and '
            'terminals share the processor equally (kernel.sched_autogroup_enabled)',
            'a learner in a terminal of its own does not give way to the arm: start all by one '
            'launch file or by inril, or type there: echo 10 > /proc/self/autogroup (or, for all '
            'terminals: sudo sysctl -w kernel.sched_autogroup_enabled=0). realtime_priority of '
            'the actuation node is not concerned')
