# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which of a person's keys are accepted, by what the actuation node says; pure functions.

The e-stop always is. The keys that let the arm move again are accepted only when the status says
that they are waited for. The services decide about the others.
"""

from inril_ros.msg import ActuationStatus
from inril_ros.nodes.person_view.view import unknown_because
from inril_ros.robot.teleop.person_keys import BY_MEANING


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
