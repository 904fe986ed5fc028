# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The shipped mock arm, the messages that drive it, and a record of its motion."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.motion.kinematics import read_urdf
from inril_ros.sim.mock_arm.arm import MockArm, MockArmConfig
from inril_ros.sim.mock_arm.dynamics import STEP

ROBOTS = Path(__file__).resolve().parents[2] / 'config' / 'robots'
URDF = read_urdf((ROBOTS / 'mock_arm' / 'mock_arm.urdf').read_text())
TRAJECTORIES = load_contract(ROBOTS / 'mock_arm.yaml')
FORWARD = load_contract(ROBOTS / 'mock_arm_forward.yaml')
ARM = TRAJECTORIES.actions['arm_position']
HOME = np.array([TRAJECTORIES.episode.home[joint] for joint in ARM.joints])


def mock_arm(contract=TRAJECTORIES, seed=0, **config):
    return MockArm(contract, URDF, MockArmConfig(**config), seed)


def time_message(seconds):
    whole, rest = divmod(round(seconds * 1e9), 10 ** 9)
    return SimpleNamespace(sec=whole, nanosec=rest)


def point(after, positions, velocities=(), accelerations=()):
    return SimpleNamespace(time_from_start=time_message(after), positions=list(positions),
                           velocities=list(velocities), accelerations=list(accelerations))


def trajectory(*points, stamp=0.0, joints=ARM.joints):
    return SimpleNamespace(header=SimpleNamespace(stamp=time_message(stamp)),
                           joint_names=list(joints), points=list(points))


def array(values):
    return SimpleNamespace(data=list(values))


class Drive:
    """An arm, its time, and its joint positions at each step, in the contract's order."""

    def __init__(self, arm, contract=TRAJECTORIES):
        self.arm, self.now = arm, 0.0
        self.topic = contract.actions['arm_position'].topic
        self._places = [arm.joints.index(joint) for joint in ARM.joints]
        self.positions, self.velocities, self.times = [], [], []
        arm.advance(0.0)

    @property
    def position(self):
        return self.arm.position[self._places]

    def send(self, message):
        return self.arm.command(self.topic, message, self.now)

    def wait(self, seconds):
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            self.arm.advance(self.now + 1e-9)  # sums of steps may fall short of a step
            self.positions.append(self.position.copy())
            self.velocities.append(self.arm.velocity[self._places].copy())
            self.times.append(self.now)
