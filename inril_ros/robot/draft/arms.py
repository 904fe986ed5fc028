# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The arms among the topics: what measures their joints, what only shows a person's device."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from inril_ros.robot.draft.mimic_joints import is_of_a_gripper, mimic_joints
from inril_ros.robot.draft.motion_lag import motion_lag, stand_alike
from inril_ros.robot.draft.roles import (
    is_joint_state,
    is_leader,
    is_named_command,
    JOINT_COMMANDS,
    segments,
)
from inril_ros.robot.draft.sheet import TO_DO
from inril_ros.robot.draft.topic_seen import TopicSeen
from inril_ros.robot.draft.tracks import measured_tracks, speeds, Track

_AHEAD = 0.015  # [s] A leader is at least that much ahead of its follower


@dataclass(frozen=True, eq=False)
class Arm:
    """Joints that one topic measures: an arm, with or without its gripper.

    Attributes:
        topic: The JointState topic.
        tracks: Tracks by quantity (position, velocity, effort) and joint; velocities are those of
            the message, or the change of the position where it has none.
        velocities: Joints with a measured velocity.
        mimics: The joint that moves each mimic joint.
    """

    topic: TopicSeen
    tracks: Mapping[str, Mapping[str, Track]]
    velocities: tuple[str, ...]
    mimics: Mapping[str, str]

    @property
    def position(self) -> Mapping[str, Track]:
        """Positions of all joints, also of mimic joints."""
        return self.tracks['position']

    @property
    def joints(self) -> tuple[str, ...]:
        """The joints without mimic joints, in the order of the messages."""
        return tuple(joint for joint in self.position if joint not in self.mimics)

    def own(self) -> dict[str, dict[str, Track]]:
        """Return the tracks without mimic joints."""
        return {quantity: {joint: track for joint, track in tracks.items()
                           if joint not in self.mimics}
                for quantity, tracks in self.tracks.items()}

    def groups(self, apart: Iterable[Sequence[str]] = ()) -> list[tuple[str, ...]]:
        """Return the joints in groups that come in the same messages.

        Args:
            apart: Sets of joints that need a group of their own.
        """
        groups: dict[tuple, list[str]] = {}
        sets = [frozenset(joints) for joints in apart]
        for joint in self.joints:
            times = self.position[joint].times
            mark = next((number for number, joints in enumerate(sets) if joint in joints), -1)
            groups.setdefault((mark, len(times), float(times[0])), []).append(joint)
        return sorted(map(tuple, groups.values()), key=lambda joints: (
            all(map(is_of_a_gripper, joints)), -len(joints)))

    def without(self, joints: Iterable[str]) -> 'Arm':
        """Return the same without some joints."""
        left = {quantity: {joint: track for joint, track in tracks.items() if joint not in joints}
                for quantity, tracks in self.tracks.items()}
        return replace(self, tracks=left, velocities=tuple(
            joint for joint in self.velocities if joint not in joints))


@dataclass(frozen=True)
class Arms:
    """The arms, and the topics that are not observed although they have joints.

    Attributes:
        measured: The arms.
        leaders: What moves ahead of an arm, or has the name of a device: labels, never
            observations.
        left_out: Why a topic, or some of its joints, is left out, by topic.
    """

    measured: tuple[Arm, ...]
    leaders: tuple[Arm, ...]
    left_out: Mapping[str, str]


def find_arms(topics: Sequence[TopicSeen], commanded: Iterable[str]) -> Arms:
    """Sort the joint states.

    Args:
        topics: All topics.
        commanded: Joints that controllers command by name.
    """
    commanded, left_out = set(commanded), {}
    arms, leaders = [], []
    for topic in filter(is_joint_state, topics):
        arm = _arm(topic, commanded)
        if not arm.position:
            left_out[topic.name] = ('no message came' if topic.sample is None else
                                    'its messages have no names with finite positions')
        elif is_leader(topic):
            leaders.append(arm)
        elif not is_named_command(topic):
            arms.append(arm)
    kept: list[Arm] = []
    for arm in sorted(arms, key=lambda one: -len(one.position)):
        arm = _without_copies(arm, arms, topics, leaders, left_out)
        if arm.joints:
            kept.append(arm)
    return Arms(tuple(sorted(kept, key=lambda one: one.topic.name)), tuple(leaders), left_out)


def _arm(topic: TopicSeen, commanded: set[str]) -> Arm:
    position = measured_tracks(topic.messages, 'position')
    velocity = {joint: track for joint, track
                in measured_tracks(topic.messages, 'velocity').items() if joint in position}
    effort = {joint: track for joint, track
              in measured_tracks(topic.messages, 'effort').items() if joint in position}
    # Many drivers always send 0.
    told = tuple(joint for joint, track in velocity.items()
                 if track.span > 0.0 or position[joint].span < 1e-3)
    return Arm(topic, {'position': position, 'velocity': speeds(position, velocity),
                       **({'effort': effort} if effort else {})},
               told if len(told) == len(position) else (), mimic_joints(position, commanded))


def _without_copies(
    arm: Arm, arms: Sequence[Arm], topics: Sequence[TopicSeen], leaders: list[Arm],
    left_out: dict[str, str],
) -> Arm:
    """Return an arm without the joints that another topic measures too, or that lead another arm.

    Of two topics with the same motion the later one is kept: an arm is behind its leader, and
    joint states that a node sends once more are none the worse for it.
    """
    for other in arms:
        both = [joint for joint in arm.position if joint in other.position]
        lag = None if other is arm else motion_lag(
            {joint: arm.position[joint] for joint in both}, other.position)
        if (lag is None and arm.position.keys() < other.position.keys()
                and stand_alike(arm.position, other.position)):
            lag = 0.0  # as many joints of another arm might stand alike, but not a part of them
        if lag is None or _is_commanded(arm, topics) and (
                lag >= _AHEAD or _is_commanded(other, topics)):
            continue
        name = other.topic.name
        if lag >= _AHEAD + 1.5 / min(arm.topic.rate or 1e3, other.topic.rate or 1e3):
            leaders.append(arm)
            left_out[arm.topic.name] = f'moves ahead of {name} by {lag:.2f} s'
            return arm.without(arm.position)
        if lag >= _AHEAD:
            left_out[arm.topic.name] = (
                f'{TO_DO} {", ".join(both)} have the same motion as in {name}, {lag:.2f} s '
                f'earlier: {name} is observed. If this is a leader arm, name it in the mapping')
            arm = arm.without(both)
        elif lag > -_AHEAD and (len(other.position), other.topic.name) > (
                len(arm.position), arm.topic.name):
            left_out[arm.topic.name] = f'{", ".join(both)} have the same values as in {name}'
            arm = arm.without(both)
    return arm


def _is_commanded(arm: Arm, topics: Sequence[TopicSeen]) -> bool:
    """Return whether a command topic lies in the namespace of an arm."""
    space = segments(arm.topic.name)[:-1]
    return bool(space) and any(
        segments(topic.name)[:len(space)] == space for topic in topics
        if topic.type in JOINT_COMMANDS or is_named_command(topic))
