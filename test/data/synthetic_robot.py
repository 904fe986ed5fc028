# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A recording of any contract's robot, made of functions of time: what a frame must hold is known.

Every stream has a rate and a phase of its own, as those of a real robot have; values are linear in
time, orientations turn about z at a constant speed, so that interpolation is exact.
"""

import random
import re

import numpy as np

from inril_ros.data.bags.bags import EpisodeBag
from inril_ros.data.raw.messages import blank_message, message_class, serialised
from inril_ros.robot.contract.fields import TRANSFORMS
from inril_ros.robot.contract.parts import static_topic
from inril_ros.robot.messages.codecs import encode_observations, put_stamp, stamp_ns
from inril_ros.robot.messages.images import encode_image

SECOND = 1_000_000_000
START = 1_000 * SECOND


def truth(contract, name, stamp):
    """The true value (size,) of an observation at a time [ns]."""
    entry, seconds = contract.observations[name], (stamp - START) / 1e9
    place = 1 + _sources(contract).index(_source(entry))
    if entry.joints:
        names = sorted({joint for one in contract.observations.values() for joint in one.joints})
        return np.array([0.1 * place + 0.01 * names.index(joint) + 0.05 * seconds
                         for joint in entry.joints])
    angle = 0.4 * seconds + 0.1 * place
    turn = [0.0, 0.0, np.sin(angle / 2), np.cos(angle / 2)]
    if entry.length == 4:
        return np.array(turn)
    position = [0.4 + 0.05 * seconds, 0.1 * place, 0.2]
    if entry.length == 7:
        return np.array([*position, *turn])
    return np.array([*position, *([0.01 * place + 0.02 * seconds] * entry.length)][:entry.length])


def _source(entry):
    """The subject of an observation: several may be parts of one pose."""
    index = re.search(r'\[(\d+)\]', entry.field)
    return entry.topic, entry.quantity, index and index[1], entry.child


def _sources(contract):
    return sorted({_source(entry) for entry in contract.observations.values()}, key=str)


def recording(contract, ticks, seed=0, picture=None, verdict=1):
    """An episode as (topic, received [ns], message), in the order of receiving.

    Messages come up to 8 ms after they are stamped, in the order of their stamps per topic.
    `picture` returns a camera's image at a time [s] since the start; `verdict` is the outcome.
    """
    chance = random.Random(seed)
    period = contract.period_ns
    end = START + ticks * period
    rows = []
    for topic in contract.observation_topics():
        names = [name for name, entry in contract.observations.items() if entry.topic == topic]
        if not names:
            continue
        entries = [contract.observations[name] for name in names]
        step = round(min(entry.max_age for entry in entries) * 1e9 / 2.5)
        if any(entry.align != 'hold' for entry in entries):  # what the delay is for
            step = min(step, round(0.6e9 * contract.observation_delay))
        came, stamp = 0, START - SECOND + chance.randrange(step)
        while stamp <= end + SECOND // 4:
            came = max(came + 1, stamp + chance.randrange(8_000_000))
            rows += [(topic, came, message) for message in _messages(contract, names, stamp)]
            stamp += step - step // 10 + chance.randrange(step // 5)
    for camera in contract.cameras.values():
        image = np.full((camera.height, camera.width, 3), 90, np.uint8)
        stamp, number = START - SECOND // 2, 0
        while stamp <= end + SECOND // 10:
            image[:] = (number * 5) % 250 if picture is None else picture((stamp - START) / 1e9)
            number += 1
            rows.append((camera.topic, stamp + chance.randrange(8_000_000),
                         encode_image(camera, image, stamp, message_class)))
            stamp += round(1e9 / camera.rate)
    rows.append(('episode/event', START, event(contract, 2, START)))
    middle = (0.5 * (contract.action_minimum + contract.action_maximum)).astype(np.float32)
    for tick in range(ticks):
        rows.append(('executed_action', START + tick * period, executed(
            contract, tick, middle + np.float32(0.001 * tick))))
    rows.append(('outcome', end, outcome(end, verdict)))
    rows.append(('episode/event', end, event(contract, 3, end, ticks, verdict)))
    return sorted(rows, key=lambda row: row[1])


def _messages(contract, names, stamp):
    """What a topic sends at a time: one message, or for TF one of two transforms."""
    entries = {name: contract.observations[name] for name in names}
    if next(iter(entries.values())).type != TRANSFORMS:
        part = {name: truth(contract, name, stamp) for name in names}
        fields = {'observations': entries}
        return [message for _, message in encode_observations(
            type('Part', (), fields), part, stamp, message_class)]
    transforms = {(entry.parent, entry.child): name for name, entry in entries.items()
             if entry.length == 7}
    return [_transform(parent, child, stamp, truth(contract, name, stamp))
            for (parent, child), name in transforms.items()]


def _transform(parent, child, stamp, pose):
    one = blank_message('geometry_msgs/msg/TransformStamped')
    put_stamp(one, stamp, parent)
    one.child_frame_id = child
    for place, axes in ((one.transform.translation, 'xyz'), (one.transform.rotation, 'xyzw')):
        for axis in axes:
            setattr(place, axis, float(pose[0]))
            pose = pose[1:]
    message = blank_message(TRANSFORMS)
    message.transforms.append(one)
    return message


def executed(contract, tick, action, source=1):
    message = blank_message('inril_ros/msg/ExecutedAction')
    put_stamp(message, START + tick * contract.period_ns, 'base')
    message.episode_id, message.tick, message.source = 'e1', tick, source
    message.executed.extend(map(float, action))
    message.chunk_first_tick = tick
    return message


def event(contract, kind, stamp, tick=0, verdict=1):
    message = blank_message('inril_ros/msg/EpisodeEvent')
    put_stamp(message, stamp, '')
    message.episode_id, message.run_id, message.event, message.purpose = 'e1', 'r1', kind, 1
    message.tick, message.contract_hash = tick, contract.hash
    message.outcome = verdict if kind == 3 else 0
    return message


def outcome(stamp, verdict):
    message = blank_message('inril_ros/msg/Outcome')
    put_stamp(message, stamp, '')
    message.outcome, message.reward = verdict, float(verdict == 1)
    return message


def bag_of(folder, rows, name='0000_e1', keep=True):
    """The bag that the recorder would make of an episode."""
    bag = EpisodeBag(folder, name)
    for topic, received, message in rows:
        bag.write(topic, message.__msgtype__, received, serialised(message))
    return bag.close({'outcome': 'success' if keep else 'failure'}, keep)


__all__ = ['bag_of', 'recording', 'stamp_ns', 'START', 'static_topic', 'truth']
