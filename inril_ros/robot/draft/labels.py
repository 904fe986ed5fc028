# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Commands that are in a recording, but not on a topic that a contract can name as an action.

Interbotix arms take messages of their own type; a leader arm's joint states are what its follower
is told. An import takes such a stream as the label by its mapping (key ``recorded``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inril_ros.robot.contract.fields import has_no_header, JOINT_STATE
from inril_ros.robot.draft.arms import Arm
from inril_ros.robot.draft.controllers import near_by
from inril_ros.robot.draft.joint_order import find_order
from inril_ros.robot.draft.motion_lag import following
from inril_ros.robot.draft.roles import is_named_command, words
from inril_ros.robot.draft.topic_seen import TopicSeen
from inril_ros.robot.draft.tracks import commanded, CommandSeries, CONTROLLER_STATE


@dataclass(frozen=True)
class Label:
    """The commands of some joints of an arm, on a topic that a mapping can name.

    Attributes:
        topic: The topic.
        arm: The arm that follows.
        joints: The arm's joints that it gives commands for.
        names: Names of these joints in the messages; empty if those have none, and the values are
            exactly those of the joints, in their order.
        field: Path of the values, for messages without names.
        series: The commands of the joints.
        notes: Sentences on how this was found.
        controller: Topic of the controller that tells these commands; empty if another node does.
    """

    topic: TopicSeen
    arm: Arm
    joints: tuple[str, ...]
    names: tuple[str, ...]
    field: str
    series: CommandSeries
    notes: tuple[str, ...]
    controller: str = ''

    def recorded(self, topic: str) -> dict[str, Any]:
        """Return the mapping's description of the stream; ``topic`` is its name there."""
        what = ({'joints': list(self.names)} if self.names else
                {'field': self.field, 'size': len(self.joints)})
        clock = {'clock': 'receive'} if has_no_header(self.topic.type) else {}
        return {'topic': topic, 'type': self.topic.type, **what, **clock}


def find_label(topic: TopicSeen, arms: Sequence[Arm]) -> Label | str:
    """Return the label that a topic holds, or why it holds none.

    The type says nothing, so only values that the motion confirms count.
    """
    series = commanded(topic.messages, topic.type)
    if series is None:
        return 'its messages hold no numbers of one group of joints'
    near = near_by(topic, arms)
    if topic.type == CONTROLLER_STATE:
        label = _by_name(topic, series, arms)
        if isinstance(label, Label) and label.joints != series.joints:
            return f'not all its joints are where it wants them: {"; ".join(label.notes)}'
        return label if isinstance(label, str) else replace(
            label, controller=topic.name.rsplit('/', 1)[0] + '/joint_trajectory')
    if series.joints:
        return _by_name(topic, series, near)
    if not is_named_command(topic):
        return 'neither its name nor its type says that it commands'
    orders = [(order.distance, number, order) for number, arm in enumerate(near)
              if (order := find_order(series, {'position': arm.own()['position']})) is not None]
    if not orders:
        return f'its {series.values.shape[1]} values are more than the measured joints'
    _, number, order = min(orders, key=lambda found: found[:2])
    if not order.known:
        return str(order)
    return Label(topic, near[number], order.joints, (), series.field, series, (str(order),))


def find_leader(leader: Arm, arms: Sequence[Arm]) -> Label | str:
    """Return the label that a leader arm's joint states are, or why they are none."""
    times = next(iter(leader.position.values())).times
    joints = tuple(leader.joints)
    series = CommandSeries(times, np.stack(
        [leader.position[joint].at(times) for joint in joints], axis=1), joints=joints)
    sides = [len({*words(leader.topic.name)} & {*words(arm.topic.name)}) for arm in arms]
    near = [arm for arm, count in zip(arms, sides) if count == max(sides)]
    if any(joint in arm.joints for arm in near for joint in joints):
        return _by_name(leader.topic, series, near)
    orders = [(order.distance, number, order) for number, arm in enumerate(near)
              if (order := find_order(series, {'position': arm.own()['position']})) is not None
              and order.known]
    if not orders:
        return 'its joints have other names, and their motion does not show which joint is which'
    _, number, order = min(orders, key=lambda found: found[:2])
    return Label(leader.topic, near[number], order.joints, joints, '', series,
                 (f'its joints {", ".join(joints)} move {", ".join(order.joints)}', str(order)))


def _by_name(
    topic: TopicSeen, series: CommandSeries, arms: Sequence[Arm],
) -> Label | str:
    """Return a label whose joints have the names that they have in an arm."""
    options = []
    asked = series.by_joint()
    for arm in arms:
        shared = [joint for joint in series.joints if joint in arm.joints]
        if shared:
            options.append((following(asked, arm.position, shared), arm, shared))
    if not options:
        return 'its joints have names that no measured joint has'
    found, arm, shared = min(options, key=lambda one: (-len(one[0].joints), one[0].distance))
    fits = found.joints
    if not fits:
        return f'its values are far from what {arm.topic.name} measured: another unit or zero'
    notes = [f'{arm.topic.name} follows it {found.lag:.2f} s later']
    for joint in (joint for joint in shared if joint not in fits):
        place = series.joints.index(joint)
        low, high = np.nanmin(series.values[:, place]), np.nanmax(series.values[:, place])
        track = arm.position[joint]
        notes.append(
            f'not {joint}: it commands {low:.3g}..{high:.3g} where {track.values.min():.3g}..'
            f'{track.values.max():.3g} was measured, so its unit or its zero differs')
    places = [series.joints.index(joint) for joint in fits]
    chosen = CommandSeries(series.times, series.values[:, places], series.field, fits)
    named = fits if topic.type == JOINT_STATE or not series.field else ()
    return Label(topic, arm, fits, named, series.field, chosen, tuple(notes))
