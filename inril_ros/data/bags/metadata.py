# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ``metadata.yaml`` of a bag."""

from pathlib import Path
from typing import Any

from inril_ros.data.bags.bags import BagError, DamagedBagError
from inril_ros.robot.yaml_file import BAG_METADATA, load_yaml


def read_metadata(file: Path) -> dict[str, Any]:
    """Return the entries of a ``metadata.yaml``.

    Raises:
        DamagedBagError: It isn't YAML, is beyond a limit, or has no such entries.
        BagError: It can't be read from the disk, which says nothing about its content.
    """
    try:
        data = load_yaml(file, DamagedBagError, BAG_METADATA)[0]
    except DamagedBagError as error:
        if isinstance(error.__cause__, OSError):
            raise BagError(str(error)) from error
        raise
    about = data.get('rosbag2_bagfile_information') if isinstance(data, dict) else None
    if not isinstance(about, dict):
        raise DamagedBagError(f'{file}: has no entries of rosbag2_bagfile_information')
    return about
