# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where a recording may have the commands of an action whose topic it lacks.

The goals of ROS actions (FollowJointTrajectory, GripperCommand) are sent to a service, and are in
no bag. The controller that follows them says on a topic what it commands at each moment.
"""

import re

from inril_ros.data.bags.connection import Connection
from inril_ros.data.importing.import_mapping import ImportMapping
from inril_ros.robot.contract.contract import Contract

#: Published by joint_trajectory_controller; the name of the field has changed.
CONTROLLER_STATE = 'control_msgs/msg/JointTrajectoryControllerState'
_STATES = re.compile(r'^(?P<server>.+)/_action/(feedback|status)$')


def where_commands_may_be(
    connections: list[Connection], contract: Contract, mapping: ImportMapping,
    missing: list[str],
) -> list[str]:
    """Return sentences about where the missing commands may be found.

    Args:
        connections: The connections of the recording.
        contract: The robot's contract.
        mapping: The mapping of the import.
        missing: The contract's names of the command topics that the recording lacks.
    """
    names = [name for name, action in contract.actions.items()
             if action.topic in missing and name not in mapping.actions]
    if not names:
        return []
    said = [f'{found["server"]} is an action: its goals are in no topic.' for found in map(
        _STATES.match, sorted({each.topic for each in connections})) if found]
    for name in names:
        action = contract.actions[name]
        controllers = [each for each in connections if each.msgtype == CONTROLLER_STATE]
        if action.commands_positions and controllers:
            said += [f'Commands of {name} may be in  actions: {{{name}: {{recorded: {{topic: '
                     f'{each.topic}, type: {CONTROLLER_STATE}, field: {_field(each)}, size: '
                     f'{action.length}}}}}}}' for each in controllers]
        else:
            said.append(f'Without commands, what was measured one tick later can stand for them:  '
                        f'actions: {{{name}: {{next: <an observation of the same values>}}}}')
    return list(dict.fromkeys(said))


def _field(connection: Connection) -> str:
    """Return the field with the commanded positions: its name was ``desired`` until Humble."""
    definition = connection.source.definition
    return 'reference.positions' if re.search(r'\breference\b', definition) else (
        'desired.positions')
