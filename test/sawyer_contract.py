# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The built-in arm's contract with one key changed."""

from contract_files import ROBOTS, with_keys

ROBOT = ROBOTS / 'metaworld_sawyer.yaml'


def with_key(path, key, value):
    """Write the built-in arm's contract with one key set; return the file."""
    return with_keys(ROBOT.stem, path, **{key: value})
