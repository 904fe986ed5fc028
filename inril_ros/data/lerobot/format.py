# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What export and import of LeRobotDatasets share: names, paths, the error, pyarrow."""

from typing import Any

#: The version that is written.
VERSION = 'v3.0'
#: Where the frames are, below the data set's folder.
DATA = 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet'
STATE = 'observation.state'
ACTION = 'action'
REWARD = 'next.reward'
SUCCESS = 'next.success'
DONE = 'next.done'
TRUNCATED = 'next.truncated'
#: In the ``info`` of a vector that we write: its units, ``si`` for those of the contract.
UNITS = 'inril_ros.units'
#: In the ``info`` of an image feature that we write: the size [width, height] of the camera.
SCALED_FROM = 'inril_ros.scaled_from'


class LeRobotError(ValueError):
    """A dataset that can't be written or read; the message says what is wrong with it."""


def require_pyarrow() -> Any:
    """Return pyarrow.

    Raises:
        LeRobotError: It isn't installed.
    """
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise LeRobotError("LeRobot datasets are parquet files: pip install 'inril_ros[lerobot]', "
                           'or pyarrow') from error
    return pyarrow


def image_key(camera: str) -> str:
    """Return the name of a camera's feature."""
    return f'observation.images.{camera}'
