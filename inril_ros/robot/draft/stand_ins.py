# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a draft has instead of the topics that nobody could see.

Nothing listens on a stand-in, and nothing is recorded on it.
"""

from inril_ros.robot.contract.contract import Contract

#: Begins a topic that a person must replace.
STAND_IN = 'fill_in'
#: Begins a topic that a person must replace before the robot is driven. Its recorded commands are
#: found by a mapping, so an import doesn't need it.
TO_DRIVE = 'fill_in_to_drive'


def stand_ins(contract: Contract, prefix: str = STAND_IN) -> list[str]:
    """Return what a person must still fill in, in a contract that was a draft."""
    return [f'actions.{name}.topic: {action.topic} is a stand-in: enter the topic of the '
            'controller that takes this command'
            for name, action in contract.actions.items()
            if action.topic.lstrip('/').startswith(f'{prefix}/')]
