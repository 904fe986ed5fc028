# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which protections a contract leaves off, for the person who reads it before anything moves."""

from collections.abc import Iterator

from inril_ros.robot.contract.contract import Contract

_GRIPPER = 'control_msgs/action/GripperCommand'
_LONG = 86_400.0  # [s] a day: a rule that waits for as long never acts


def is_off(seconds: float) -> bool:
    """Return whether a rule with this duration [s] never acts."""
    return seconds >= _LONG


def switched_off(contract: Contract) -> list[str]:
    """Return a sentence for each protection that is off, which begins with its key."""
    return [*_boxes(contract), *_limits(contract), *_watches(contract), *_person(contract)]


def _boxes(contract: Contract) -> Iterator[str]:
    box = contract.workspace
    arms = {name: entry for name, entry in contract.actions.items()
            if entry.joints and entry.type != _GRIPPER and entry.quantity != 'effort'}
    joints = [joint for entry in arms.values() if entry.commands_positions
              for joint in entry.joints]
    if len(set(joints)) < len(joints) and not (box and box.links):
        yield ('workspace.links: no box, and none is possible: several arms have joints of the '
               'same names. A driver that gives each arm names of its own allows one')
    elif joints and not (box and box.links):
        yield ('workspace.links: no box: the tool may go wherever its joints reach. Give '
               'kinematics.urdf, and in workspace the links and the corners of the box')
    for name, entry in arms.items():
        if not entry.commands_positions and not entry.position_minimum:
            yield (f'actions.{name}.position_minimum: the joints are moved by velocity, and '
                   'nothing but a URDF limits their positions')
    for name, entry in contract.actions.items():
        if not entry.joints and entry.hold == 'zero' and entry.length == 3 and (
                'linear' in entry.field) and not (box and box.action == name):
            yield (f'workspace.action: no box: {name} may move the tool anywhere. Give '
                   'workspace an observed position, this action and the corners of the box')


def _limits(contract: Contract) -> Iterator[str]:
    for name, entry in contract.actions.items():
        if not entry.commands_positions and entry.quantity != 'effort' and (
                not entry.max_acceleration):
            yield f'actions.{name}.max_acceleration: the velocity may change at once'


def _watches(contract: Contract) -> Iterator[str]:
    rules = contract.safety
    if is_off(rules.max_policy_age):
        yield 'safety.max_policy_age: a step is executed however old its observation is'
    if is_off(rules.latch_after):
        yield 'safety.latch_after: a fault that has passed is forgotten, however long it lasted'
    if contract.cameras and is_off(rules.max_camera_age):
        yield 'safety.max_camera_age: a camera that has fallen silent is not noticed'
    for name, rule in contract.load_limits.items():
        if is_off(rule.hold_after) and not rule.stop_above:
            yield f'load_limits.{name}.hold_after: no load holds the arm, however long it lasts'
    loads = sorted(name for name, entry in contract.observations.items()
                   if entry.quantity == 'effort' or 'wrench' in entry.field)
    if loads and not contract.load_limits:
        yield (f'load_limits: {", ".join(loads)} has no limit: a blocked arm presses with what '
               'max_lead gives, until a person sees it')
    states = [entry for entry in contract.observations.values() if entry.joints]
    if states and not any(entry.frozen_after for entry in states):
        yield ('observations.*.frozen_after: a driver that repeats its last joint values for ever '
               'is not noticed')
    if contract.cameras and not contract.safety.camera_frozen_after:
        yield 'safety.camera_frozen_after: a camera that repeats its last image is not noticed'


def _person(contract: Contract) -> Iterator[str]:
    rules = contract.teleoperation
    if not (rules.twist_action or rules.rotation_action or rules.joint_action):
        yield ('teleoperation: no action is commanded by a person: nobody can demonstrate, and '
               'nobody can take over')
    lacking = [key for key in ('success_button', 'failure_button', 'discard_button')
               if getattr(rules, key) < 0]
    if contract.episode.ready == 'person' and rules.ready_button < 0:
        lacking.append('ready_button')
    if lacking:
        yield f'teleoperation: no {", ".join(lacking)}: a person has the services and keys only'
    if not contract.episode.home:
        yield 'episode.home: the arm is not driven to a home pose before an episode'
