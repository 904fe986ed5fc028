# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The actions of a draft, and where an import finds their commands.

Whatever is not known is written so that it can't be used before a person has edited it: a joint
as ORDER_NOT_KNOWN in an entry that is a comment, a topic as a stand-in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inril_ros.robot.contract.fields import TRAJECTORY
from inril_ros.robot.draft.arms import Arm
from inril_ros.robot.draft.controllers import Controller, UNKNOWN
from inril_ros.robot.draft.labels import Label
from inril_ros.robot.draft.limits import (
    position_limits,
    speed_limits,
    symmetric_limits,
)
from inril_ros.robot.draft.mimic_joints import is_of_a_gripper
from inril_ros.robot.draft.roles import MULTI_ARRAY, segments
from inril_ros.robot.draft.sheet import Entry, Names, TO_DO
from inril_ros.robot.draft.stand_ins import STAND_IN, TO_DRIVE
from inril_ros.robot.draft.tracks import Track

GRIPPER = 'control_msgs/action/GripperCommand'


@dataclass
class ActionEntries:
    """The actions of a draft as they are found.

    Attributes:
        names: Makes the keys.
        recorded: Whether the topics are those of a recording.
        entries: The actions.
        joints: (topic of the arm, joint) of all joints that an active action commands, with the
            action's name.
        mapping: The source of the commands of actions that are recorded elsewhere.
        apart: Sets of joints that need an observation of their own, by the topic of the arm.
        wanted: For an action whose command is the next measurement: topic of the arm, joints, and
            whether the action is active.
    """

    names: Names
    recorded: bool
    entries: list[Entry] = field(default_factory=list)
    joints: dict[tuple[str, str], str] = field(default_factory=dict)
    mapping: dict[str, dict[str, Any]] = field(default_factory=dict)
    mapping_notes: list[str] = field(default_factory=list)
    apart: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    wanted: dict[str, tuple[str, tuple[str, ...], bool]] = field(default_factory=dict)

    def key(self, arm: Arm, part: str) -> str:
        """Return a key for an action of an arm: its namespace, and the part that is moved."""
        return self.names.key('/'.join(['', *segments(arm.topic.name)[:-1], part]))

    def free(self, arm: Arm) -> list[str]:
        """Return the joints of an arm that no action commands."""
        return [joint for joint in arm.joints if (arm.topic.name, joint) not in self.joints]

    def add_controller(self, controller: Controller) -> None:
        """Add a controller, as a comment if what it commands isn't known."""
        topic = controller.topic
        key = self.names.key(_stem(topic.name))
        notes = [f'{topic.name}: {note}' for note in controller.notes]
        base = {'topic': self.names.topic(topic.name), 'type': topic.type}
        taken = [joint for joint in controller.joints
                 if controller.arm and (controller.arm.topic.name, joint) in self.joints]
        if controller.known and not taken:
            self._add(key, controller.arm, controller.joints, controller.quantity, base, notes,
                      _commands(controller))
            return
        if taken:
            other = self.joints[controller.arm.topic.name, taken[0]]
            notes.append(f'{TO_DO} {topic.name}: left out, because {other} commands '
                         f'{", ".join(taken)} too: two commands would fight for one joint. Keep '
                         'the one that the policy shall use')
        else:
            notes = [f'{TO_DO} {topic.name}: {controller.problem}. {_ask(controller)}']
        joints = _numbered(controller.joints)
        if joints:
            values = {**base, 'joints': joints, 'quantity': controller.quantity,
                      **self._raw_limits(controller)}
        else:
            values = {**base, 'joints': [UNKNOWN], 'minimum': [0.0], 'maximum': [0.0]}
        self.entries.append(Entry(key, values, notes, active=False))

    def add_label(self, label: Label) -> None:
        """Add actions for joints whose commands are recorded on a topic of another type."""
        joints = tuple(label.joints)
        taken = [joint for joint in joints if (label.arm.topic.name, joint) in self.joints]
        if label.names:
            joints = tuple(joint for joint in joints if joint not in taken)
        elif taken:
            return
        if not joints:
            return
        key = self.key(label.arm, _part(joints))
        places = [label.joints.index(joint) for joint in joints]
        tracks = label.series.tracks()
        recorded = label.recorded(self.names.topic(label.topic.name))
        if label.names:
            recorded['joints'] = [label.names[place] for place in places]
        self.mapping[key] = {'recorded': recorded}
        notes = [f'commands of {label.topic.name} ({label.topic.type}), which the mapping names: '
                 + '; '.join(label.notes)]
        if not label.controller:
            notes.append(f'{TO_DO} before this arm is driven, enter topic and type of the '
                         'controller that takes these joints. An import needs only the mapping')
        topic = self.names.topic(label.controller) or f'{TO_DRIVE}/{key}/joint_trajectory'
        self._add(key, label.arm, joints, 'position', {'topic': topic, 'type': TRAJECTORY}, notes,
                  [tracks[place] for place in places])

    def add_gripper(self, action: str, arm: Arm, joint: str, note: str) -> None:
        """Add the goals of an action server; the next measurement stands for them in a bag."""
        key = self.key(arm, 'gripper')
        self._add(key, arm, (joint,), 'position',
                  {'topic': self.names.topic(action), 'type': GRIPPER, 'max_effort': 0.0},
                  [note, f'{TO_DO} enter max_effort [N], the highest one that is allowed'], [None])
        self.measure_next(key, arm, (joint,), 'goals of an action are in no bag')

    def add_stand_in(self, arm: Arm, notes: Sequence[str], with_mapping: bool) -> None:
        """Add an action for the joints of an arm that nothing is known to command."""
        joints = tuple(self.free(arm))
        key = self.key(arm, _part(joints))
        self._add(key, arm, joints, 'position',
                  {'topic': f'{STAND_IN}/{key}/joint_trajectory', 'type': TRAJECTORY}, notes,
                  [None] * len(joints))
        if with_mapping:
            self.measure_next(key, arm, joints, 'no command was recorded')

    def measure_next(
        self, key: str, arm: Arm, joints: tuple[str, ...], why: str, active: bool = True,
    ) -> None:
        """Let the mapping take an action's command from the next measurement of its joints."""
        self.apart.setdefault(arm.topic.name, []).append(joints)
        self.wanted[key] = (arm.topic.name, joints, active)
        self.mapping_notes.append(
            f'{key}: {why}, so its command is what was measured one tick later')

    def _add(
        self, key: str, arm: Arm, joints: Sequence[str], quantity: str, base: dict[str, Any],
        notes: Sequence[str], commands: Sequence[Track | None],
    ) -> None:
        tracks = [arm.position[joint] for joint in joints]
        if quantity == 'position':
            limits = {'hold': 'last', **position_limits(tracks, commands, self.recorded),
                      'max_velocity': speed_limits(tracks, self.recorded)}
        else:
            limits = {'hold': 'zero', **symmetric_limits(commands, self.recorded)}
        effort = {key: base.pop(key) for key in ('max_effort',) if key in base}
        self.entries.append(Entry(key, {
            **base, 'joints': list(joints), 'quantity': quantity, **limits, **effort},
            list(notes)))
        self.joints.update({(arm.topic.name, joint): key for joint in joints})

    def _raw_limits(self, controller: Controller) -> dict[str, Any]:
        """Return the limits of an entry that is a comment, from its values alone."""
        commands = _commands(controller)
        known = [command for command in commands if command is not None]
        if len(known) != len(controller.joints):
            return {'minimum': [0.0] * len(controller.joints),
                    'maximum': [0.0] * len(controller.joints)}
        if controller.quantity != 'position':
            return {'hold': 'zero', **symmetric_limits(known, self.recorded)}
        return {'hold': 'last', **position_limits(known, known, self.recorded),
                'max_velocity': speed_limits(known, self.recorded)}


def measured_by(
    entries: Sequence[Entry], sources: Mapping[tuple[str, str], str],
    joints: Mapping[tuple[str, str], str],
) -> None:
    """Write into each action which observations measure its joints, where names are not enough.

    Args:
        entries: The actions.
        sources: Names of the position observations by (topic of the arm, joint).
        joints: Names of the actions by (topic of the arm, joint).
    """
    topics: dict[str, set[str]] = {}
    for topic, joint in sources:
        topics.setdefault(joint, set()).add(topic)
    for entry in entries:
        own = [place for place, action in joints.items() if action == entry.name]
        if entry.active and any(len(topics.get(joint, ())) > 1 for _, joint in own):
            entry.values['measured_by'] = list(dict.fromkeys(sources[place] for place in own))


def _commands(controller: Controller) -> list[Track | None]:
    """Return the track of each joint's commands, None where there is none."""
    if controller.series is None:
        return [None] * len(controller.joints)
    named = controller.series.by_joint()
    return [named.get(joint) for joint in controller.joints] if named else (
        controller.series.tracks())


def _part(joints: Sequence[str]) -> str:
    return 'gripper' if all(map(is_of_a_gripper, joints)) else 'arm'


def _numbered(joints: Sequence[str]) -> list[str]:
    return [f'{joint}_{place}' if joint == UNKNOWN else joint
            for place, joint in enumerate(joints)]


def _ask(controller: Controller) -> str:
    if UNKNOWN in controller.joints and controller.arm is not None:
        missing = [joint for joint in controller.arm.joints if joint not in controller.joints]
        return (f'{UNKNOWN}_i stands for one of {", ".join(missing)}. Look the order up (ros2 '
                'param get /<controller> joints), enter it, and make this entry active')
    if controller.topic.type == MULTI_ARRAY:
        return ('If it commands joints, look them up (ros2 param get /<controller> joints), enter '
                'them in this order, and make this entry active')
    return 'Enter its joints, with the observation that measures them, and make this entry active'


def _stem(topic: str) -> str:
    """Return the part of a command topic's name that tells it from others."""
    for ending in ('/joint_trajectory', '/commands', '/command'):
        if topic.endswith(ending) and len(topic) > len(ending) + 1:
            return topic.removesuffix(ending)
    return topic
