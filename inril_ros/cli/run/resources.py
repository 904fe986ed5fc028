# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the configuration files that come with the package are."""

from pathlib import Path

from inril_ros.robot.configuration_folder import configuration_folder


class ResourceError(FileNotFoundError):
    """A configuration file that isn't there; the message lists those that are."""


def find_configuration(kind: str, name: str) -> Path:
    """Return a file given by its path, or by its name in ``config/<kind>``.

    Raises:
        ResourceError: It is neither; the message lists the names that are known.
    """
    if Path(name).is_file():
        return Path(name)
    folder = configuration_folder() / kind
    path = folder / (name if name.endswith('.yaml') else f'{name}.yaml')
    if path.is_file():
        return path
    known = sorted(item.stem for item in folder.glob('*.yaml'))
    raise ResourceError(f'{name!r} is no file, and no name in {folder}: it has {known}')
