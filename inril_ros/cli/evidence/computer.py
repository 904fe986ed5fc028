# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The software and hardware of this computer, as they are now."""

from importlib.metadata import PackageNotFoundError, version
import os
from pathlib import Path
import platform
from typing import Any

from inril_ros.data.run.package_version import package_version

_PACKAGES = ('numpy', 'torch', 'ruckig', 'pydantic', 'rosbags', 'mcap', 'mujoco', 'metaworld')
_VARIABLES = ('ROS_DISTRO', 'RMW_IMPLEMENTATION', 'ROS_SECURITY_ENABLE', 'ROS_SECURITY_STRATEGY')


def this_computer() -> dict[str, Any]:
    """Return versions and hardware as plain data; what is not known is left out."""
    return {
        'software': {
            'inril_ros': package_version(), 'python': platform.python_version(),
            'system': platform.platform(), **{name: found for name in _PACKAGES
                                              if (found := _version(name))},
            **{name: os.environ[name] for name in _VARIABLES if os.environ.get(name)}},
        'hardware': {'machine': platform.machine(), 'processors': os.cpu_count(),
                     **_from_proc('/proc/cpuinfo', {'model name': 'processor'}),
                     **_from_proc('/proc/meminfo', {'MemTotal': 'memory'}), **_gpus()}}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ''


def _from_proc(path: str, keys: dict[str, str]) -> dict[str, str]:
    """Return the first value of each key in a file of the kernel, under another name."""
    found: dict[str, str] = {}
    try:
        lines = Path(path).read_text(encoding='utf-8').splitlines()
    except OSError:
        return {}
    for line in lines:
        key, _, value = line.partition(':')
        if key.strip() in keys:
            found.setdefault(keys[key.strip()], value.strip())
    return found


def _gpus() -> dict[str, list[str]]:
    """Return the NVIDIA GPUs and the version of their driver."""
    found = []
    for file in sorted(Path('/proc/driver/nvidia/gpus').glob('*/information')):
        model = _from_proc(str(file), {'Model': 'model'}).get('model')
        if model:
            found.append(model)
    return {'gpus': found} if found else {}
