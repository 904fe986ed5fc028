# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The version of the package, which each run records."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from xml.etree import ElementTree


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
