# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Aligned demonstrations of an arm with a gripper, a tool and a camera, sound unless changed."""

from dataclasses import replace

import numpy as np

from inril_ros.data.audit.audit import audit
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.robot.contract.contract import parse_contract

RATE, TICKS = 20, 160
STATE, POSE = 'sensor_msgs/msg/JointState', 'geometry_msgs/msg/PoseStamped'
CONTRACT_DATA = {
    'name': 'arm', 'control_rate': RATE,
    'observations': {
        'angles': {'topic': 'joint_states', 'type': STATE, 'joints': ['pan', 'lift']},
        'finger': {'topic': 'gripper/joint_states', 'type': STATE, 'joints': ['finger']},
        'tool': {'topic': 'tool', 'type': POSE, 'field': 'pose'}},
    'policy_observations': ['angles', 'finger', 'tool'],
    'actions': {
        'arm': {'topic': 'command', 'type': 'trajectory_msgs/msg/JointTrajectory', 'hold': 'last',
                'joints': ['pan', 'lift'], 'minimum': [-1.5, -2.0], 'maximum': [1.5, 2.0]},
        'gripper': {'topic': 'gripper/command', 'type': 'trajectory_msgs/msg/JointTrajectory',
                    'hold': 'last', 'joints': ['finger'], 'minimum': [0.0], 'maximum': [0.08]}},
    'cameras': {'eye': {'topic': 'eye', 'width': 32, 'height': 24}},
    'policy_images': {'cameras': ['eye'], 'width': 32, 'height': 24},
    'episode': {'time_limit': 60}}
CONTRACT = parse_contract(CONTRACT_DATA)
PAN, LIFT, FINGER, TOOL = 0, 1, 2, slice(3, 10)


def commands(seconds, seed):
    """Where a person sends the joints (T, 3): a reach with a rest before it, then a grasp."""
    random = np.random.default_rng(seed)
    begin, length = 0.5 + 0.3 * random.random(), 3.0 + 0.5 * random.random()
    share = np.clip((seconds - begin) / length, 0.0, 1.0)
    ramp = share ** 3 * (10.0 + share * (-15.0 + 6.0 * share))
    pan = -0.6 + (1.0 + 0.3 * random.random()) * ramp
    lift = -0.9 + 0.7 * ramp + 0.15 * np.sin(2.0 * seconds + random.random())
    finger = np.where(seconds > begin + length, 0.0, 0.07)
    return np.stack([pan, lift, finger], axis=-1)


def episode(seed=0, ticks=TICKS, lag=0.1):
    """A demonstration: joints follow the commands `lag` [s] later, the gripper grasps a thing."""
    random = np.random.default_rng(1000 + seed)
    seconds = np.arange(ticks + 1) / RATE
    joints = commands(seconds - lag, seed) + 2e-4 * random.standard_normal((ticks + 1, 3))
    closing = np.clip((commands(seconds - lag, seed)[:, 2] < 0.01).cumsum() * 0.01, 0.0, 0.04)
    joints[:, 2] = 0.07 - closing  # it is stopped by what it holds
    turn = np.stack([np.zeros(ticks + 1), np.zeros(ticks + 1), np.sin(0.5 * joints[:, 0]),
                     np.cos(0.5 * joints[:, 0])], axis=-1)
    place = np.stack([np.cos(joints[:, 0]), np.sin(joints[:, 0]), joints[:, 1]], axis=-1)
    images = random.integers(0, 255, (ticks + 1, 1, 24, 32, 3), np.uint8)
    zeros = np.zeros(ticks + 1, np.float32)
    rewards = np.zeros(ticks, np.float32)
    rewards[-1] = 1.0
    return RecordedEpisode(
        f'e{seed}', np.concatenate([joints, place, turn], axis=1).astype(np.float32),
        commands(seconds[:-1], seed).astype(np.float32), np.full(ticks, 2, np.uint8), rewards, 1,
        zeros, zeros, zeros, images)


def episodes(number=6):
    return {f'{index:04d}': episode(index) for index in range(number)}


def changed(number=6, which=2, **arrays):
    """Return sound episodes, one with arrays made of its own: ``actions=lambda each: ...``."""
    made = episodes(number)
    name = sorted(made)[which]
    made[name] = replace(made[name], **{
        key: change(made[name]) for key, change in arrays.items()})
    return made


def found(shown, kind):
    """Return the findings of a kind."""
    return [one for one in audit(shown, CONTRACT).findings if one.kind == kind]


def the_one(shown, kind):
    """Return the only finding of a kind; there must be none of another kind."""
    result = audit(shown, CONTRACT)
    assert {one.kind for one in result.findings} == {kind}, [
        str(one) for one in result.findings]
    [one] = result.findings
    return one
