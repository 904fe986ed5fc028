# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Shipped contracts with some keys changed."""

from pathlib import Path

import yaml

ROBOTS = Path(__file__).parents[1] / 'config' / 'robots'


def with_keys(name, path, **changes):
    """Write a shipped contract with dotted keys changed, None: left out; return its path."""
    data = yaml.safe_load((ROBOTS / f'{name}.yaml').read_text(encoding='utf-8'))
    for key, value in changes.items():
        *above, last = key.split('.')
        place = data
        for part in above:
            place = place.setdefault(part, {})
        if value is None:
            del place[last]
        else:
            place[last] = value
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding='utf-8')
    return path
