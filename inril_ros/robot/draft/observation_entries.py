# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The observations of a draft: joints of the arms, poses, wrenches; proposals for the rest."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from inril_ros.robot.contract.fields import TRANSFORMS
from inril_ros.robot.draft.arms import Arm
from inril_ros.robot.draft.mimic_joints import is_of_a_gripper
from inril_ros.robot.draft.roles import FIELDS, is_leader, is_named_command, segments, TWIST
from inril_ros.robot.draft.sheet import Entry, Names, TO_DO
from inril_ros.robot.draft.topic_seen import TopicSeen

_TOOL = ('tool', 'tcp', 'ee', 'eef', 'hand', 'gripper', 'flange', 'link_eef', 'end_effector')
_SOME = 200  # messages of TF that are looked at


def arm_entries(
    arm: Arm, names: Names, apart: Sequence[tuple[str, ...]],
) -> tuple[list[Entry], dict[tuple[str, str], str]]:
    """Return the observations of an arm, and which one has the position of each joint.

    Args:
        arm: The arm.
        names: Makes the keys.
        apart: Sets of joints that need a position observation of their own.
    """
    entries, sources = [], {}
    notes = [f'{arm.topic.name}: {", ".join(mimics)} left out: moved along by {drive}'
             for drive in dict.fromkeys(arm.mimics.values())
             for mimics in [[joint for joint, other in arm.mimics.items() if other == drive]]]
    if not arm.velocities and arm.topic.messages and any(
            len(getattr(message, 'velocity', ())) for _, message in arm.topic.messages[:1]):
        notes.append(f'{arm.topic.name}: its velocities are left out: they are always 0, or some '
                     'are missing, although joints move')
    for joints in arm.groups(apart):
        part = '_gripper' if all(map(is_of_a_gripper, joints)) else ''
        rate = arm.topic.rate * len(arm.position[joints[0]].times) / len(arm.topic.messages)
        base = {'topic': names.topic(arm.topic.name), 'type': arm.topic.type, **_ages(
            rate, [message for _, message in arm.topic.messages])}
        key = names.key(arm.topic.name, f'{part}_position')
        notes = notes + _pauses(arm.topic, arm.position[joints[0]].times, base)
        entries.append(Entry(key, {**base, 'joints': list(joints), 'quantity': 'position'}, notes))
        sources.update({(arm.topic.name, joint): key for joint in joints})
        notes = []
        if set(joints) <= set(arm.velocities):
            entries.append(Entry(names.key(arm.topic.name, f'{part}_velocity'), {
                **base, 'joints': list(joints), 'quantity': 'velocity'}))
    return entries, sources


def field_entry(topic: TopicSeen, names: Names) -> Entry | None:
    """Return the observation of a topic that has one field of interest; None if it has none.

    Topics whose name says that they command or show a device are not observed.
    """
    if (topic.type not in FIELDS or not topic.published or is_leader(topic)
            or is_named_command(topic) or (topic.type != TWIST and topic.awaited)):
        return None
    ages = _ages(topic.rate, [message for _, message in topic.messages])
    return Entry(names.key(topic.name), {
        'topic': names.topic(topic.name), 'type': topic.type, **ages,
        'field': FIELDS[topic.type]}, _pauses(topic, [time for time, _ in topic.messages], ages))


def proposal(topic: TopicSeen, names: Names) -> str:
    """Return what a topic that isn't used could be used for."""
    base = {'topic': names.topic(topic.name), 'type': topic.type}
    if topic.type == TRANSFORMS:
        return _transforms(topic, base)
    if topic.type == 'nav_msgs/msg/Odometry':
        return 'pose of a moving base: ' + _inline(segments(topic.name)[-1], {
            **base, 'field': 'pose.pose', 'size': 7})
    if topic.type == 'sensor_msgs/msg/Joy':
        return f'buttons and axes of a person: teleoperation: {{joy_topic: {base["topic"]}}}'
    if topic.type in FIELDS and (is_leader(topic) or is_named_command(topic)):
        return 'by its name a command or a device, so it is not observed'
    if topic.type in FIELDS:
        return ('it goes to somebody, so it may be a command. If it measures: '
                + _inline(segments(topic.name)[-1], {**base, 'field': FIELDS[topic.type]}))
    if topic.type in ('std_msgs/msg/Float32', 'std_msgs/msg/Float64', 'std_msgs/msg/Bool'):
        return 'could be observed: ' + _inline(segments(topic.name)[-1], {
            **base, 'field': 'data', 'clock': 'receive'})
    return (f'{topic.type}: not used. Numbers of any type can be observed: type, field (a path), '
            'size')


def _inline(name: str, values: dict[str, Any]) -> str:
    return f'observations: {{{name}: {{' + ', '.join(
        f'{key}: {value}' for key, value in values.items()) + '}}'


def _transforms(topic: TopicSeen, base: dict[str, Any]) -> str:
    """Return a proposal for a pose of the tool, from the frames that were seen."""
    parents = {str(one.child_frame_id): str(one.header.frame_id)
               for _, message in topic.messages[:_SOME]
               for one in getattr(message, 'transforms', ())}
    leaves = [frame for frame in parents if frame not in parents.values()]
    if not leaves:
        return 'poses of frames; none was seen'
    if topic.name.endswith('tf_static'):
        return (f'poses of {len(parents)} frames that never change. They are read together with '
                f'tf: {", ".join(sorted(parents)[:12])}')
    tool = max(leaves, key=lambda frame: (
        any(word in frame.lower() for word in _TOOL), len(_chain(frame, parents)), frame))
    root = _chain(tool, parents)[-1]
    values = {**base, 'field': 'transform', 'parent': root, 'child': tool}
    return (f'poses of {len(parents)} frames. For one of them: {_inline("tool_pose", values)}; '
            f'frames without children are {", ".join(sorted(leaves)[:12])}')


def _chain(frame: str, parents: dict[str, str]) -> list[str]:
    chain = [frame]
    while chain[-1] in parents and parents[chain[-1]] not in chain:
        chain.append(parents[chain[-1]])
    return chain


def _pauses(topic: TopicSeen, times: Sequence[float], entry: dict[str, Any]) -> list[str]:
    """Return a sentence if messages are farther apart than they may be old."""
    pause = max(np.diff(times), default=0.0)
    seen = times[-1] - times[0] if len(times) > 1 else 0.0
    all_seen = len(topic.messages) > 0.9 * topic.rate * seen
    if not all_seen or pause <= entry.get('max_age', pause):
        return []
    return [f'{TO_DO} {topic.name}: pauses of up to {pause:.1f} s here. If its sender works so, '
            'for example only while something moves, enter a larger max_age']


def _ages(rate: float, messages: Sequence[Any]) -> dict[str, Any]:
    """Return the keys about time: the highest age, and the clock if the stamps are empty."""
    ages = {'max_age': round(max(0.05, 3.0 / rate), 3)} if rate else {}
    stamps = [message.header.stamp for message in messages if hasattr(message, 'header')]
    if stamps and not any(stamp.sec or stamp.nanosec for stamp in stamps):
        ages['clock'] = 'receive'  # the sender sets none
    return ages
