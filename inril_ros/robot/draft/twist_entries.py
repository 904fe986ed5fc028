# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Commanded velocities of a hand or a base, from TwistStamped messages."""

import numpy as np

from inril_ros.robot.draft.limits import SPEED
from inril_ros.robot.draft.roles import is_leader, is_named_command
from inril_ros.robot.draft.sheet import Entry, Names, TO_DO
from inril_ros.robot.draft.topic_seen import TopicSeen
from inril_ros.robot.messages.codecs import numbers_in


def twist_entry(topic: TopicSeen, names: Names, recorded: bool) -> Entry | None:
    """Return the action of a TwistStamped topic; None if it measures, or is a person's device.

    A bag doesn't say who subscribed: there the name decides.
    """
    commands = is_named_command(topic) if recorded else topic.awaited and (
        is_named_command(topic) or not topic.published)
    if not commands or is_leader(topic):
        return None
    rows = [values for _, message in topic.messages if (values := _values(message)) is not None]
    tops = np.abs(rows).max(axis=0) if rows else np.zeros(6)
    turns = bool((tops[3:] > 0.0).any())
    frame = str(rows and topic.sample.header.frame_id or '')
    limits = [max(SPEED, round(1.1 * float(top), 3)) if recorded and rows else SPEED
              for top in tops[:6 if turns else 3]]
    notes = ['a velocity command: 10 % more than was seen, at least 0.1' if recorded else
             f'a velocity command; its limits are {SPEED} m/s']
    if not frame:
        notes.append(f'{TO_DO} {topic.name}: its frame was not to be seen. Enter the frame_id')
    return Entry(names.key(topic.name), {
        'topic': names.topic(topic.name), 'type': topic.type,
        'field': 'twist' if turns else 'twist.linear', 'frame_id': frame or 'base_link',
        'hold': 'zero', 'minimum': [-limit for limit in limits], 'maximum': limits}, notes)


def _values(message: object) -> list[float] | None:
    """Return the six numbers of a twist; None if it isn't one of finite numbers."""
    try:
        values = [float(value) for value in numbers_in(message.twist)]
    except (AttributeError, TypeError, ValueError):
        return None
    return values if len(values) == 6 and np.isfinite(values).all() else None
