# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The configuration files of the package, and its version, which each run records."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from xml.etree import ElementTree

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


def package_version() -> str:
    """Return the version, or ``unknown``.

    pip installs metadata, colcon and a source tree have a ``package.xml``. The source tree comes
    first, because an older copy may be installed too.
    """
    package = Path(__file__).resolve().parents[2]
    # The source tree, or a prefix above lib/python3.x/site-packages.
    for folder in (package.parent, *(up / 'share' / package.name for up in package.parents)):
        if (folder / 'package.xml').is_file():
            return ElementTree.parse(folder / 'package.xml').findtext('version', 'unknown')
    try:
        return version(package.name)
    except PackageNotFoundError:
        return 'unknown'
