#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Draws the commands of a takeover and a hand-back, and those of a plain switch.

The policy drives a joint along a slow wave; at 2 s a person takes over with a leader that is half
a radian away, drives another wave, and releases at 4 s. All commands pass the code that runs on
the robot (robot/motion/command_path.py), in regular ticks.

    benchmarks/takeover_traces.py docs/images/takeover.png
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np

from inril_ros.robot.contract.contract import Contract, parse_contract
from inril_ros.robot.motion.command_path import CommandPath, TickInput

RATE, SECONDS, TAKEN, RELEASED = 100.0, 6.0, 2.0, 4.0
VELOCITY, ACCELERATION, JERK = 1.5, 8.0, 200.0
ROWS = (('position [rad]', None), ('velocity [rad/s]', VELOCITY),
        ('acceleration [rad/s²]', ACCELERATION))


def contract(leader: str) -> Contract:
    """Return the contract of an arm with one joint."""
    return parse_contract({
        'name': 'one_joint', 'control_rate': RATE,
        'observations': {'joint': {
            'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState', 'joints': ['joint']}},
        'policy_observations': ['joint'],
        'actions': {'arm': {
            'topic': 'arm', 'type': 'trajectory_msgs/msg/JointTrajectory', 'joints': ['joint'],
            'hold': 'last', 'minimum': [-2.0], 'maximum': [2.0], 'max_velocity': [VELOCITY],
            'max_acceleration': [ACCELERATION], 'max_jerk': [JERK]}},
        'episode': {'time_limit': SECONDS},
        'teleoperation': {'joint_action': 'arm', 'leader': leader}})


def policy(seconds: np.ndarray) -> np.ndarray:
    """Return the position that the policy requests [rad]."""
    return 0.3 * np.sin(1.5 * seconds)


def person(seconds: np.ndarray) -> np.ndarray:
    """Return the position of the leader [rad]."""
    return 0.8 + 0.2 * np.sin(2.0 * seconds)


def commands(leader: str) -> np.ndarray:
    """Return the positions that the command path sends, one per tick."""
    path = CommandPath(contract(leader), enabled=True)
    position = policy(np.zeros(1))
    path.begin({'joint': position})
    sent = []
    for tick in range(round(SECONDS * RATE)):
        now = tick / RATE
        drives = TAKEN <= now < RELEASED
        if not drives:  # a chunk per tick, and after the hand-back a tick without one
            path.accept_chunk(tick, np.array([[policy(now)]], np.float32), 1)
        executed = path.tick(TickInput(
            now, {'joint': position},
            person=np.array([person(now)], np.float32) if drives else None))
        position = executed.action.astype(np.float64)
        sent.append(position[0])
    return np.array(sent)


def plain_switch() -> np.ndarray:
    """Return the commands if the present driver's are sent unchanged."""
    seconds = np.arange(round(SECONDS * RATE)) / RATE
    drives = (seconds >= TAKEN) & (seconds < RELEASED)
    return np.where(drives, person(seconds), policy(seconds))


def draw(path: Path) -> None:
    """Draw all traces into a PNG."""
    matplotlib.use('Agg')
    from matplotlib import pyplot as plt

    columns = (('leader: absolute', commands('absolute')),
               ('leader: relative', commands('relative')), ('plain switch', plain_switch()))
    figure, axes = plt.subplots(3, 3, figsize=(13, 8), sharex=True, layout='constrained')
    for column, (title, positions) in enumerate(columns):
        for row, (label, limit) in enumerate(ROWS):
            axis = axes[row, column]
            values = np.diff(positions, n=row) * RATE ** row
            axis.plot(np.arange(row, len(positions)) / RATE, values, color='C0', linewidth=1.5)
            axis.axvspan(TAKEN, RELEASED, color='C1', alpha=0.15)
            if limit is not None:
                axis.axhline(limit, color='C3', linestyle='--', linewidth=0.8)
                axis.axhline(-limit, color='C3', linestyle='--', linewidth=0.8)
                highest = np.abs(values).max()
                axis.set_title(f'highest {highest:.3g}, allowed {limit:g}', fontsize=9)
                if highest <= limit * 1.01:
                    axis.set_ylim(-1.4 * limit, 1.4 * limit)
            else:
                seconds = np.arange(len(positions)) / RATE
                axis.plot(seconds, policy(seconds), color='grey', linewidth=0.8, label='policy')
                axis.plot(seconds, person(seconds), color='C1', linewidth=0.8, label='leader')
                axis.set_title(title)
            axis.grid(alpha=0.3)
            if column == 0:
                axis.set_ylabel(label)
    axes[0, 0].legend(loc='upper right', fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel('time [s]; shaded: a person drives')
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('png', type=Path, help='file to write')
    draw(parser.parse_args().png)
