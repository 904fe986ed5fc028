# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The built-in arm's contract with one key changed."""

from pathlib import Path

import yaml

ROBOT = Path(__file__).resolve().parents[1] / 'config' / 'robots' / 'metaworld_sawyer.yaml'


def with_key(path, key, value):
    """Write the built-in arm's contract with one key set; return the file."""
    content = yaml.safe_load(ROBOT.read_text())
    part = content
    for name in key.split('.')[:-1]:
        part = part[name]
    part[key.split('.')[-1]] = value
    path.write_text(yaml.safe_dump(content))
    return path
