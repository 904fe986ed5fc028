# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The keys in what a terminal sent at once: the e-stop first, no pasted text, no repetitions."""

from collections.abc import Sequence

from inril_ros.robot.teleop.keys import keys_of
from inril_ros.robot.teleop.person_keys import BY_MEANING

_MOST_AT_ONCE = 8  # keys; more are no person's


def keys_in(text: bytes) -> tuple[list[str], str]:
    """Return the keys in what a terminal sent at once, and why others are left out, or ''.

    The e-stop comes first, and nothing after it: neither what was on the way to another key nor
    what was pasted.
    """
    keys, stop = list(keys_of(text)), BY_MEANING['stop'].key
    if stop in keys:
        return [stop], 'other keys of that moment do not count' if len(keys) > 1 else ''
    if len(keys) > _MOST_AT_ONCE:
        return [], f'{len(keys)} keys at once are taken for a pasted text and do not count'
    return _without_repetitions(keys), ''


def _without_repetitions(keys: Sequence[str]) -> list[str]:
    """Return keys without those that follow the same key: a terminal repeats a held one."""
    return [key for index, key in enumerate(keys) if not index or key != keys[index - 1]]
