# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A first contract for a robot from its topics and some messages of each.

A draft can be loaded as it is and moves nothing far. What the messages don't show is not guessed:
it stands in a comment that says what to look up. Every topic is used or named.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from inril_ros.robot.draft.action_entries import measured_by
from inril_ros.robot.draft.camera_entries import camera_entries, policy_images
from inril_ros.robot.draft.drafting import Drafting
from inril_ros.robot.draft.limits import explanation
from inril_ros.robot.draft.observation_entries import arm_entries, field_entry, proposal
from inril_ros.robot.draft.roles import FIELDS
from inril_ros.robot.draft.sheet import comment_lines, Entry, Names, section, TO_DO, yaml_text
from inril_ros.robot.draft.topic_seen import TopicSeen


class DraftError(ValueError):
    """No topic can be observed; the message lists the topics."""


@dataclass(frozen=True)
class Draft:
    """A first contract.

    Attributes:
        contract: The contract as YAML, with comments on what to check.
        mapping: A mapping for the import of the recording, as YAML; empty if it needs none.
    """

    contract: str
    mapping: str

    @property
    def to_do(self) -> int:
        """Number of comments that ask for an edit."""
        return self.contract.count(TO_DO)


def draft_contract(
    topics: Iterable[TopicSeen], name: str = 'my_robot', control_rate: float = 20.0,
    namespace: str = '/', recorded: bool = False,
) -> Draft:
    """Return a contract as YAML text, with comments on what to check.

    Args:
        topics: The topics of the robot.
        name: Name of the robot.
        control_rate: [Hz] Number of ticks per second.
        namespace: Namespace of the robot, which is removed from the names of topics.
        recorded: Whether the topics are those of a bag: its messages show the range of the task,
            and it doesn't say who subscribed.

    Raises:
        DraftError: No topic can be observed.
    """
    seen = sorted(topics, key=lambda topic: topic.name)
    drafting = Drafting(seen, Names(namespace), recorded)
    drafting.find_actions()
    observations, sources = _observations(drafting)
    if not observations:
        raise DraftError(
            'no topic can be observed: a JointState with joint names is needed, or one of '
            f'{sorted(FIELDS)}. Seen were: '
            f'{", ".join(f"{topic.name} ({topic.type})" for topic in seen) or "no topics"}')
    measured_by(drafting.actions.entries, sources, drafting.actions.joints)
    cameras, left_out = camera_entries(
        [topic for topic in drafting.topics if topic.name not in drafting.used], drafting.names)
    drafting.left_out.update(left_out)
    shown = [entry.values['topic'] for entry in cameras]
    drafting.used.update(topic.name for topic in drafting.topics
                         if drafting.names.topic(topic.name) in shown)
    return Draft(_contract(drafting, name, control_rate, observations, cameras),
                 _mapping(drafting, sources))


def _observations(drafting: Drafting) -> tuple[list[Entry], dict[tuple[str, str], str]]:
    entries: list[Entry] = []
    sources: dict[tuple[str, str], str] = {}
    for arm in drafting.arms.measured:
        more, places = arm_entries(
            arm, drafting.names, drafting.actions.apart.get(arm.topic.name, ()))
        entries += more
        sources.update(places)
    for topic in drafting.topics:
        if topic.name not in drafting.used and (entry := field_entry(topic, drafting.names)):
            entries.append(entry)
            drafting.used.add(topic.name)
    return entries, sources


def _contract(
    drafting: Drafting, name: str, control_rate: float, observations: list[Entry],
    cameras: list[Entry],
) -> str:
    lines = [
        '# yaml-language-server: $schema=contract.schema.json',
        *comment_lines('A draft from what was seen. Go through it line by line before anything '
                       f'moves. {TO_DO[:-1]} marks what was not to be seen.'),
        yaml_text({'name': name, 'control_rate': control_rate}), '',
        *section('observations', observations), '',
        '# What the policy gets, in this order.',
        yaml_text({'policy_observations': [entry.name for entry in observations]}), '',
        *comment_lines(explanation(drafting.recorded)),
        *section('actions', drafting.actions.entries),
        *(line for hint in drafting.hints for line in ['', *comment_lines(hint)]), '']
    if cameras:
        lines += ['# Recorded with each episode.', *section('cameras', cameras), '']
    images = policy_images(cameras)
    if images:
        lines += [*comment_lines('The images that the policy sees, scaled to this size. Without '
                                 'this key it sees none.'),
                  yaml_text({'policy_images': images}), '']
    lines += [
        *comment_lines(
            f'{TO_DO} a box that the tool must not leave: the URDF of the arm, links of it, and '
            'two corners [m]. Without one the tool may go wherever its joints reach. A running '
            'robot_state_publisher has the URDF: ros2 param get --hide-type '
            '/robot_state_publisher robot_description > arm.urdf'),
        '# kinematics: {urdf: arm.urdf}',
        '# workspace: {links: [tool0], minimum: [0.1, -0.5, 0.01], maximum: [0.8, 0.5, 0.9]}', '',
        *comment_lines('reset_service: a std_srvs/Trigger service that brings robot and scene to '
                       'the start. ready: person, or service if that service answers when the '
                       'scene is set. home: joint positions to drive to before each episode, at '
                       'home_speed, a share of the limits of motion.'),
        yaml_text({'episode': {
            'time_limit': 20.0, 'reset_service': '', 'ready': 'person'}}), '',
        *_rest(drafting)]
    return '\n'.join(lines)


def _rest(drafting: Drafting) -> list[str]:
    """Return comment lines that name the topics which are not used."""
    left_out = dict(drafting.left_out)
    for topic in drafting.topics:
        if topic.name not in drafting.used and topic.name not in left_out:
            left_out[topic.name] = proposal(topic, drafting.names)
    if not left_out and not drafting.of_ros:
        return []
    lines = ['# Topics that are not used:']
    for name, reason in sorted(left_out.items()):
        lines += comment_lines(f'- {name}: {reason}')
    if drafting.of_ros:
        lines += comment_lines(f'- of ROS itself: {", ".join(drafting.of_ros)}')
    return [*lines, '']


def _mapping(drafting: Drafting, sources: dict[tuple[str, str], str]) -> str:
    entries = [Entry(key, source) for key, source in drafting.actions.mapping.items()]
    entries += [Entry(key, {'next': sources[topic, joints[0]]}, active=active)
                for key, (topic, joints, active) in drafting.actions.wanted.items()]
    if not entries or not drafting.recorded:
        return ''
    return '\n'.join([
        *comment_lines('Where an import of this recording finds the commands that are on no '
                       'topic of the contract.'),
        *(line for note in drafting.actions.mapping_notes for line in comment_lines(note)),
        *section('actions', entries), ''])
