# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which of a person's keys are accepted, by what the actuation node says; pure functions.

The e-stop always is. The keys that let the arm move again are accepted only when the status says
that they are waited for. The services decide about the others.
"""

from collections.abc import Sequence

from inril_ros.cli.terminal.view import unknown_because
from inril_ros.msg import ActuationStatus
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


def refusal(meaning: str, status: ActuationStatus | None, silent: float) -> str:
    """Return why a key isn't accepted now; empty if it is.

    Args:
        meaning: What the key means.
        status: Last status of the actuation node; None: none has come.
        silent: [s] Time since then.
    """
    if meaning not in ('enable', 'resume', 'release'):
        return ''
    unknown = unknown_because(status, silent)
    if unknown:
        return unknown
    if meaning == 'release':
        return '' if status.estop else 'the e-stop is not pressed'
    if status.estop:
        return f'the e-stop is pressed: release it first ({BY_MEANING["release"].key})'
    if meaning == 'enable':
        return 'motion is enabled already' if status.enabled else ''
    if not status.latched and status.mode != ActuationStatus.ESTOP:
        return 'nothing to resume from'
    return '' if status.enabled else (
        f'motion is not enabled: enable it first ({BY_MEANING["enable"].key})')


def _without_repetitions(keys: Sequence[str]) -> list[str]:
    """Return keys without those that follow the same key: a terminal repeats a held one."""
    return [key for index, key in enumerate(keys) if not index or key != keys[index - 1]]
