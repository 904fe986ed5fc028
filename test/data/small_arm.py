# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An arm with two observed topics, one command and an episode of it, small enough to check by eye.

Messages are those of rosbags; ROS is not needed to read or write a bag.
"""

import numpy as np

from inril_ros.data.frames.assembly import ExecutedTick
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import stamp_ns

TICK = 100_000_000  # [ns] at 10 Hz
SECOND = 1_000_000_000
START = 50 * SECOND
POSE, JOINTS = 'geometry_msgs/msg/PointStamped', 'sensor_msgs/msg/JointState'
TYPES = ros_typestore().types
DESCRIPTION = {
    'name': 'small_arm', 'control_rate': 10,
    'observations': {
        'hand': {'topic': 'hand', 'type': POSE, 'field': 'point', 'max_age': 0.3},
        'goal': {'topic': 'goal', 'type': POSE, 'field': 'point', 'max_age': 0.3},
        'angle': {'topic': 'joint_states', 'type': JOINTS, 'joints': ['j'], 'max_age': 0.1}},
    'derived': {'to_goal': {'difference': ['goal', 'hand']}, 'hand_change': {'change': 'hand'},
                'angle_before': {'previous': 'angle'}},
    'policy_observations': ['hand', 'angle', 'to_goal', 'hand_change', 'angle_before'],
    'actions': {'velocity': {
        'topic': 'command', 'type': 'geometry_msgs/msg/TwistStamped', 'field': 'twist.linear',
        'minimum': [-1, -1, -1], 'maximum': [1, 1, 1]}},
    'episode': {'time_limit': 5}}
CONTRACT = parse_contract(DESCRIPTION)
TOPICS = sorted(CONTRACT.observation_topics())


def header(stamp):
    seconds, nanoseconds = divmod(stamp, SECOND)
    return TYPES['std_msgs/msg/Header'](
        TYPES['builtin_interfaces/msg/Time'](seconds, nanoseconds), 'base')


def point(stamp, x, y=0.0, z=0.0):
    return TYPES[POSE](header(stamp), TYPES['geometry_msgs/msg/Point'](x, y, z))


def joint_state(stamp, angle, names=('j',)):
    empty = np.array([])
    return TYPES[JOINTS](header(stamp), list(names), np.array([angle]), empty, empty)


def observed(topic, stamp, value):
    """A message of one of the topics whose value is a single number."""
    return joint_state(stamp, value) if topic == 'joint_states' else point(stamp, value)


def observations(stamp):
    """All topics at a tick, (topic, message); each value tells topic and time."""
    return [(topic, observed(topic, stamp, index * 1000.0 + (stamp - START) / TICK))
            for index, topic in enumerate(TOPICS)]


def executed(tick, chunk_first_tick=None, source=1, version=3, asked=True):
    """The executed action of a tick."""
    action = np.array([tick, 0.5, -0.5], np.float32)
    return ExecutedTick(
        tick=tick, stamp=START + tick * TICK, source=source,
        requested=action * 2 if asked else np.array([], np.float32), executed=action,
        weights_version=version,
        chunk_first_tick=tick if chunk_first_tick is None else chunk_first_tick)


def executed_message(tick):
    return TYPES['inril_ros/msg/ExecutedAction'](
        header=header(tick.stamp), episode_id='e1', tick=tick.tick, source=tick.source,
        requested=tick.requested, executed=tick.executed, reasons=[],
        weights_version=tick.weights_version, chunk_first_tick=tick.chunk_first_tick,
        observation_age=0.0, person_share=0.0)


def event_message(event, stamp, tick=0, outcome=0, run_id='r1', episode_id='e1',
                  contract_hash=CONTRACT.hash):
    return TYPES['inril_ros/msg/EpisodeEvent'](
        header=header(stamp), run_id=run_id, episode_id=episode_id, event=event, purpose=1,
        outcome=outcome, tick=tick, explore=False, seed=0, task='reach', operator_name='nobody',
        sequence=0, contract_hash=contract_hash, reason='')


def outcome_message(stamp, outcome=0, reward=0.0):
    return TYPES['inril_ros/msg/Outcome'](
        header=header(stamp), outcome=outcome, reward=reward, reason='')


def recorded(ticks, **event):
    """An episode of so many ticks as (topic, message), in the order of time; it succeeds."""
    end = START + ticks * TICK
    messages = [('episode/event', event_message(2, START, **event))]
    for tick in range(ticks + 1):
        stamp = START + tick * TICK
        messages += observations(stamp)
        messages.append(('outcome', outcome_message(
            stamp, outcome=int(tick == ticks), reward=1.0 if tick == ticks else 0.0)))
        if tick < ticks:
            messages.append(('executed_action', executed_message(executed(tick))))
    messages.append(('episode/event', event_message(3, end, tick=ticks, outcome=1, **event)))
    return messages


def write(bag, messages):
    """Write (topic, message) pairs to a bag at the times of their stamps."""
    for topic, message in messages:
        kind = message.__msgtype__
        bag.write(topic, kind, stamp_ns(message), serialised(message))


def serialised(message):
    return bytes(ros_typestore().serialize_cdr(message, message.__msgtype__))
