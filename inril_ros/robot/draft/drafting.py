# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Finds out what commands the arms of a draft, from the surest source to the least sure one."""

from collections.abc import Sequence
import re

from inril_ros.robot.contract.rules import TOPIC
from inril_ros.robot.draft.action_entries import ActionEntries, GRIPPER
from inril_ros.robot.draft.arms import Arm, Arms, find_arms
from inril_ros.robot.draft.controllers import (
    Controller,
    find_controller,
    is_controller,
    named_joints,
)
from inril_ros.robot.draft.labels import find_label, find_leader
from inril_ros.robot.draft.mimic_joints import is_of_a_gripper
from inril_ros.robot.draft.roles import (
    FIELDS,
    IMAGES,
    IMPORTED_IMAGES,
    is_named_command,
    is_of_ros,
    JOINT_COMMANDS,
    shared_segments,
    TWIST,
    words,
)
from inril_ros.robot.draft.sheet import Entry, Names, TO_DO
from inril_ros.robot.draft.stand_ins import STAND_IN
from inril_ros.robot.draft.topic_seen import TopicSeen
from inril_ros.robot.draft.tracks import CONTROLLER_STATE
from inril_ros.robot.draft.twist_entries import twist_entry

_TYPE = re.compile(r'^[a-z][a-z0-9_]*/msg/[A-Z][A-Za-z0-9]*$')
_NO_LABELS = (*IMAGES, *IMPORTED_IMAGES, *FIELDS)
_GOALS = '/_action/feedback'


class Drafting:
    """The draft as it grows: what each topic is found to be for, and what is left out and why.

    Args:
        topics: The topics, in the order of their names.
        names: Makes the keys of the contract.
        recorded: Whether they are those of a recording.

    Attributes:
        topics: Those that a contract can name.
        arms: What measures joints.
        actions: The actions found.
        used: Topics that are in a key or in a hint.
        left_out: Why others are not, by topic.
        of_ros: Topics that are not about the robot.
        hints: Sentences about joints and topics that concern the actions.
    """

    def __init__(self, topics: Sequence[TopicSeen], names: Names, recorded: bool) -> None:
        self.names, self.recorded = names, recorded
        self.of_ros = [topic.name for topic in topics if is_of_ros(topic)]
        usable = [topic for topic in topics if topic.name not in self.of_ros]
        self.topics = [topic for topic in usable
                       if re.match(TOPIC, topic.name) and _TYPE.match(topic.type)]
        self.goals = {topic.name.removesuffix(_GOALS): topic for topic in usable
                      if topic.name.endswith(_GOALS)}
        self.arms = self._find_arms()
        known = {topic.name for topic in self.topics}
        self.left_out = {
            topic.name: f'{topic.type}: ' + (
                'feedback of an action' if topic.name.endswith(_GOALS) else
                'a contract can name neither such a topic nor such a type')
            for topic in usable if topic.name not in known}
        self.left_out.update(self.arms.left_out)
        self.actions = ActionEntries(names, recorded)
        self.used: set[str] = {arm.topic.name for arm in self.arms.measured}
        self.hints: list[str] = []

    def _find_arms(self) -> Arms:
        """Return the arms, twice if needed: what moves along with commanded joints is left out."""
        named = named_joints(self.topics)
        arms = find_arms(self.topics, named)
        found = {joint for controller in self._controllers(arms) if controller.known
                 for joint in controller.joints}
        return arms if found <= named else find_arms(self.topics, named | found)

    def _controllers(self, arms: Arms) -> list[Controller]:
        return [find_controller(topic, arms.measured) for topic in self.topics
                if is_controller(topic, self.recorded)]

    def find_actions(self) -> None:
        """Find what commands the arms, from the surest source to the least sure one."""
        found = self._controllers(self.arms)
        for controller in sorted(found, key=lambda one: (not one.known, one.topic.name)):
            self.used.add(controller.topic.name)
            self.actions.add_controller(controller)
        for topic in self.topics:
            if topic.type == TWIST and (entry := twist_entry(topic, self.names, self.recorded)):
                if self.actions.joints and 'vel' not in words(topic.name):  # as in cmd_vel
                    entry.active = False
                    entry.comments.append(
                        f'{TO_DO} {topic.name}: joints are commanded too, perhaps by the node '
                        'that receives this. If so, keep the one that the policy shall use')
                self.actions.entries.append(entry)
                self.used.add(topic.name)
        self._labels()
        self._goals()
        self._rest([controller.arm for controller in found if controller.problem])

    def _labels(self) -> None:
        arms = self.arms.measured
        for topic in self.topics if arms else ():
            if topic.name in self.used or topic.type in _NO_LABELS or not (
                    is_named_command(topic) or topic.type in (*JOINT_COMMANDS, CONTROLLER_STATE)):
                continue
            label = find_label(topic, arms)
            if isinstance(label, str):
                self.left_out[topic.name] = f'{topic.type}: {label}'
            else:
                self.used.add(topic.name)
                self.actions.add_label(label)
        for leader in self.arms.leaders:
            name = leader.topic.name
            self.used.add(name)
            label = find_leader(leader, arms) if arms else 'no arm was measured'
            why = self.left_out.pop(name, 'has the name of a leader arm or of a device')
            note = f'{name}: {why}: what it shows is the label, so the policy does not observe it'
            if isinstance(label, str):
                self.hints.append(f'{note}. It is not in the mapping: {label}')
                continue
            before = len(self.actions.entries)
            self.actions.add_label(label)
            added = [entry.name for entry in self.actions.entries[before:]]
            joint_action = next((action for (arm, _), action in self.actions.joints.items()
                                 if arm == label.arm.topic.name), '')
            self.hints.append(
                f'{note}. ' + (f'The mapping takes the commands of {added[0]} from it' if added
                               else 'The commands themselves are recorded, so it is not needed')
                + f' ({"; ".join(label.notes)}). To drive with it: teleoperation: {{joint_topic: '
                f'{self.names.topic(name)}, joint_action: {joint_action}}}')

    def _goals(self) -> None:
        """Add the action servers of grippers whose feedback was seen."""
        for action, topic in self.goals.items():
            free = [(arm, joint) for arm in self.arms.measured for joint in self.actions.free(arm)
                    if is_of_a_gripper(joint)]
            near = max((shared_segments(action, arm.topic.name) for arm, _ in free), default=0)
            free = [(arm, joint) for arm, joint in free
                    if shared_segments(action, arm.topic.name) == near]
            if 'GripperCommand' in topic.type and len(free) == 1:
                self.actions.add_gripper(
                    action, *free[0], f'{action} is an action server of a gripper, and '
                    f'{free[0][1]} the only joint that nothing else commands')
            elif 'FollowJointTrajectory' not in topic.type:
                self.hints.append(f'{action} is an action server ({topic.type}): not used')

    def _rest(self, problems: Sequence[Arm | None]) -> None:
        """Name the joints that nothing commands; give the contract an action.

        Args:
            problems: The arms of controllers that a person has to look at; None for any arm.
        """
        for arm in self.arms.measured:
            free = self.actions.free(arm)
            if len(free) == len(arm.joints) and (None in problems or arm in problems):
                continue
            if free and len(free) == len(arm.joints):
                self.actions.add_stand_in(arm, [
                    f'{TO_DO} {arm.topic.name}: no command to its joints was seen. Enter topic '
                    'and type of its controller, and keep the joints that it has (ros2 control '
                    'list_controllers; ros2 param get /<controller> joints)'], self.recorded)
                continue
            for joint in filter(is_of_a_gripper, free):
                self._free_gripper(arm, joint)
            others = [joint for joint in free if not is_of_a_gripper(joint)]
            if others:
                self.hints.append(f'{", ".join(others)} of {arm.topic.name}: no command to them '
                                  'was seen. They are observed and not commanded')
        if not any(entry.active for entry in self.actions.entries):
            self._stand_in()

    def _free_gripper(self, arm: Arm, joint: str) -> None:
        span = arm.position[joint].span
        note = (f'{joint} of {arm.topic.name}: no command to it was seen'
                + (', and it did not move' if span < 1e-3 else ''))
        key = self.actions.key(arm, 'gripper')
        track = arm.position[joint]
        self.actions.measure_next(key, arm, (joint,), 'no command was recorded', active=False)
        self.actions.entries.append(Entry(key, {
            'topic': f'{STAND_IN}/gripper_cmd', 'type': GRIPPER, 'joints': [joint],
            'minimum': [round(float(track.values.min()) - 0.02, 4)],
            'maximum': [round(float(track.values.max()) + 0.02, 4)], 'max_velocity': [1.0],
            'max_effort': 0.0, 'hold': 'last'},
            [f'{TO_DO} {note}. If an action server moves it (ros2 action list -t), enter its '
             'name and make this entry active, and the one in the mapping for an import'],
            active=False))

    def _stand_in(self) -> None:
        """Add an action to a contract that would have none."""
        why = f'{TO_DO} no action is known yet. This one stands in, and reaches nobody: '
        if self.arms.measured:
            for arm in self.arms.measured:
                self.actions.add_stand_in(arm, [
                    why + 'delete it once an entry below is active'], False)
            return
        self.actions.entries.append(Entry(self.names.key('hand_velocity'), {
            'topic': f'{STAND_IN}/delta_twist_cmds', 'type': TWIST, 'field': 'twist.linear',
            'frame_id': 'base_link', 'hold': 'zero', 'minimum': [-0.1] * 3, 'maximum': [0.1] * 3},
            [why + 'enter the topic that takes the velocity of the hand, or joints']))
