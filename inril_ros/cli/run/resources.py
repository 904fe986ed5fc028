# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The configuration files of the package, by their names."""

from pathlib import Path

from inril_ros.robot.configuration_folder import configuration_folder


class ResourceError(FileNotFoundError):
    """A configuration file is missing; the message lists the known names."""


def find_configuration(kind: str, name: str) -> Path:
    """Return a file by its path, or by its name in ``config/<kind>``.

    Raises:
        ResourceError: There is no such path or name.
    """
    if Path(name).is_file():
        return Path(name)
    folder = configuration_folder() / kind
    path = folder / (name if name.endswith('.yaml') else f'{name}.yaml')
    if path.is_file():
        return path
    known = sorted(item.stem for item in folder.glob('*.yaml'))
    raise ResourceError(f'{name!r} is no file, and no name in {folder}, which has {known}')
