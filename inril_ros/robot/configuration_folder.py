# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The folder of the configuration files that come with the package."""

from pathlib import Path

PACKAGE = 'inril_ros'


def configuration_folder() -> Path:
    """Return ``config`` of the source tree or ``share/inril_ros/config`` of the installation.

    Raises:
        FileNotFoundError: Neither is in a folder above this file.
    """
    for parent in Path(__file__).absolute().parents:
        for folder in (parent / 'config', parent / 'share' / PACKAGE / 'config'):
            if (folder / 'robots').is_dir():
                return folder
    raise FileNotFoundError(f'no config/ above {__file__}: the installation is incomplete, '
                            'install the package again')
