# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The controllers: the joints that messages on a topic command, and how sure that is.

Names in the messages are taken as they are. Values without names are compared with what the arms
measured meanwhile. The order of the joint states says nothing about a controller.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from inril_ros.robot.draft.arms import Arm
from inril_ros.robot.draft.joint_order import find_order
from inril_ros.robot.draft.roles import (
    is_leader,
    is_named_command,
    JOINT_COMMANDS,
    JOINT_JOG,
    MULTI_ARRAY,
    shared_segments,
    words,
)
from inril_ros.robot.draft.topic_seen import TopicSeen
from inril_ros.robot.draft.tracks import commanded, CommandSeries, QUANTITIES, Track

#: Stands for a joint that is not known; no contract with it can be loaded.
UNKNOWN = 'ORDER_NOT_KNOWN'


@dataclass(frozen=True)
class Controller:
    """A topic that commands joints.

    Attributes:
        topic: The topic.
        arm: The arm that it moves; None if unknown.
        joints: Joints in the order of the controller, UNKNOWN where that isn't known; their names
            in the arm's joint states.
        quantity: position, velocity or effort.
        series: Its commands; None if none came.
        notes: Sentences on how this was found.
        problem: Why it can't be an action as it is; empty if it can.
    """

    topic: TopicSeen
    arm: Arm | None
    joints: tuple[str, ...]
    quantity: str = 'position'
    series: CommandSeries | None = None
    notes: tuple[str, ...] = ()
    problem: str = ''

    @property
    def known(self) -> bool:
        """Whether arm and joints are known."""
        return self.arm is not None and bool(self.joints) and not self.problem


def is_controller(topic: TopicSeen, recorded: bool) -> bool:
    """Return whether a topic has the type of commands to joints, and somebody takes them.

    Args:
        topic: The topic.
        recorded: Whether it is from a bag, which doesn't know who subscribed.
    """
    return topic.type in JOINT_COMMANDS and (
        topic.awaited or recorded and not is_leader(topic))


def named_joints(topics: Sequence[TopicSeen]) -> set[str]:
    """Return the joints that commands name, or that controllers name themselves."""
    found: set[str] = set()
    for topic in topics:
        if topic.type in JOINT_COMMANDS:
            series = commanded(topic.messages, topic.type)
            found.update(topic.receiver_joints, () if series is None else series.joints)
    return found


def find_controller(topic: TopicSeen, arms: Sequence[Arm]) -> Controller:
    """Return what a topic of a joint command type commands."""
    series = commanded(topic.messages, topic.type)
    if topic.receiver_joints:
        return _as_told(topic, series, arms)
    if topic.type == MULTI_ARRAY:
        return _by_values(topic, series, arms)
    if series is None:
        return _unseen(topic, arms)
    quantity = 'velocity' if topic.type == JOINT_JOG else series.quantity
    notes = ['joints as its messages name them']
    if series.partial:
        notes.append('its messages do not all name the same joints (partial goals)')
    arm = _measuring(topic, series.joints, arms, series)
    notes += _other_units(series, arm) if arm and quantity == 'position' else []
    return Controller(topic, arm, series.joints, quantity, series, notes=tuple(notes),
                      problem='' if arm else _not_measured(series.joints, arms))


def _as_told(
    topic: TopicSeen, series: CommandSeries | None, arms: Sequence[Arm],
) -> Controller:
    """Return what the controller that receives the topic says itself."""
    quantity = 'velocity' if topic.type == JOINT_JOG else (
        topic.receiver_interface if topic.receiver_interface in QUANTITIES else 'position')
    arm = _measuring(topic, topic.receiver_joints, arms, None)
    return Controller(
        topic, arm, topic.receiver_joints, quantity, series,
        notes=('joints and order as the controller itself says (its parameter joints)',),
        problem='' if arm else _not_measured(topic.receiver_joints, arms))


def _unseen(topic: TopicSeen, arms: Sequence[Arm]) -> Controller:
    """Return a controller of which no message came: its messages will name their joints."""
    near = near_by(topic, arms)
    if len(near) != 1:
        meant = f'the joints of {len(arms)} topics could be meant' if arms else 'no joint is known'
        return Controller(topic, None, (), problem=f'no message came on it, and {meant}')
    return Controller(
        topic, near[0], near[0].joints,
        quantity='velocity' if topic.type == JOINT_JOG else 'position',
        notes=('no message came on it, so these are all measured joints. TO DO: keep those that '
               'this controller has (ros2 param get /<controller> joints)',))


def _by_values(
    topic: TopicSeen, series: CommandSeries | None, arms: Sequence[Arm],
) -> Controller:
    """Return the joints of commands without names, from the values."""
    if series is None:
        why = ('messages with the same number of values are needed' if topic.messages else
               'no message came on it')
        return Controller(topic, None, (), problem=f'ORDER NOT KNOWN: {why}')
    if not (is_named_command(topic) or 'controller' in words(topic.name)) and (
            copied := copied_by(series, arms)):
        return Controller(topic, None, (), series=series, problem=(
            f'it has the same values as {copied.topic.name}, so it measures and does not command'))
    orders = [(arm, order) for arm in near_by(topic, arms)
              if (order := find_order(series, arm.own())) is not None]
    if not orders:
        return Controller(topic, None, (UNKNOWN,) * series.values.shape[1], series=series,
                          problem=(f'ORDER NOT KNOWN: {len(series.times)} commands of '
                                   f'{series.values.shape[1]} values, and no joint states of as '
                                   'many joints at the same time'))
    arm, order = min(orders, key=lambda pair: (
        not pair[1].known, -sum(pair[1].sure), pair[1].distance))
    joints = tuple(joint if sure else UNKNOWN for joint, sure in zip(order.joints, order.sure))
    problem = '' if order.known else f'ORDER NOT KNOWN: {order}{_in_degrees(series, arm)}'
    return Controller(topic, arm, joints, order.quantity, series, (str(order),), problem)


def near_by(topic: TopicSeen, arms: Sequence[Arm]) -> list[Arm]:
    """Return the arms whose topics share most of the namespace of a topic."""
    shared = [shared_segments(topic.name, arm.topic.name) for arm in arms]
    return [arm for arm, count in zip(arms, shared) if count == max(shared)]


def _measuring(
    topic: TopicSeen, joints: Sequence[str], arms: Sequence[Arm], series: CommandSeries | None,
) -> Arm | None:
    """Return the arm that has all joints; by namespace, then by values, where several have."""
    having = [arm for arm in arms if set(joints) <= arm.position.keys()]
    near = near_by(topic, having)
    if len(near) < 2 or series is None:
        return near[0] if len(near) == 1 else None
    tracks = series.by_joint()
    apart = sorted((_distance(tracks, arm.position), number) for number, arm in enumerate(near))
    return near[apart[0][1]] if apart[0][0] * 3.0 < apart[1][0] else None


def _distance(tracks: Mapping[str, Track], measured: Mapping[str, Track]) -> float:
    return float(np.mean([np.abs(track.values - measured[joint].at(track.times)).mean()
                          for joint, track in tracks.items()]))


def _not_measured(joints: Sequence[str], arms: Sequence[Arm]) -> str:
    missing = [joint for joint in joints if not any(joint in arm.position for arm in arms)]
    if missing:
        return f'no joint states measure {", ".join(missing)}'
    return 'the joint states of several topics could be those of its joints'


def _other_units(series: CommandSeries, arm: Arm) -> list[str]:
    """Return a sentence for each joint whose commands are far outside of what was measured."""
    return [f'{joint} is commanded to {track.values.min():.3g}..{track.values.max():.3g}, but '
            f'{seen.values.min():.3g}..{seen.values.max():.3g} was measured: compare the units'
            for joint, track in series.by_joint().items() for seen in [arm.position[joint]]
            if abs(track.values).max() > 3.0 * abs(seen.values).max() + 1.0]


def _in_degrees(series: CommandSeries, arm: Arm) -> str:
    """Return a sentence if the commands fit as degrees; empty if they don't."""
    order = find_order(replace(series, values=np.radians(series.values)), arm.own())
    if order is None or not order.known:
        return ''
    return (f'. Taken for degrees, they are those of {", ".join(order.joints)}: a contract is in '
            'rad, so a node has to convert them')


def copied_by(series: CommandSeries, arms: Sequence[Arm]) -> Arm | None:
    """Return the arm whose positions are the values of a series, at the same time."""
    for arm in arms:
        order = find_order(series, {'position': arm.position})
        if order is not None and order.known and order.lag == 0.0 and order.distance < 1e-4:
            return arm
    return None
