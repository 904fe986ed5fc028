# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A mock arm that behaves like a robot of ros2_control, for tests and first tries.

It is made from a contract and its URDF alone: controllers take the contract's commands, joints
follow them late and within the URDF's limits, and measurements have noise. No ROS and no clock:
times are passed in, and the same calls with the same seed give the same motion.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from urdf_parser_py.urdf import URDF

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.commands import MULTI_ARRAY, TRAJECTORY
from inril_ros.robot.motion.home_path import HomePath, ResetRefused
from inril_ros.robot.motion.kinematics import limits_from_urdf
from inril_ros.sim.mock_arm.controllers import ForwardController, TrajectoryController
from inril_ros.sim.mock_arm.dynamics import JointDynamics, STEP
from inril_ros.sim.mock_arm.faults import JointSample

_LONGEST_CATCH_UP = 2.0  # [s] after a longer pause the arm is at rest anyway
_JERK = 100.0  # [rad/s^3] on the way home
_Controller = TrajectoryController | ForwardController


@dataclass(frozen=True)
class MockArmConfig:
    """Properties that a URDF doesn't contain.

    Attributes:
        acceleration: [rad/s^2 or m/s^2] Highest acceleration of every joint.
        bandwidth: [rad/s] Bandwidth of the joints' servos.
        latency: [s] Delay from a controller's output to the motors.
        noise: [rad or m] Standard deviation of measured positions; velocities have 10 times it,
            efforts 100 times.
        tolerance: [rad or m] Distance of a joint from its trajectory at which it is aborted.
        timeout: [s] Time after the end of a trajectory until it is aborted; 0: never.
        home_speed: Share of the limits that the way home uses.
    """

    acceleration: float = 12.0
    bandwidth: float = 40.0
    latency: float = 0.008
    noise: float = 1e-4
    tolerance: float = 0.5
    timeout: float = 0.0
    home_speed: float = 0.3


class MockArm:
    """Controllers, joints and sensors of one arm.

    Args:
        contract: The arm's contract, with the topics of its commands, its joints and its home.
        robot: The arm's URDF.
        config: Further properties.
        seed: Seed of the noise.

    Attributes:
        joints: Names of the n joints, in the order of all arrays. Two of several arms may have
            the same name.
        topics: The topic that has each joint; '' for a joint that all topics have.
        deaf: Whether commands are ignored.
        refused: Number of commands that a controller has refused.

    Raises:
        ValueError: The contract has commands that these controllers don't understand, or joints
            without limits.
        KinematicsError: The URDF lacks a joint.
    """

    def __init__(self, contract: Contract, robot: URDF, config: MockArmConfig | None = None,
                 seed: int = 0) -> None:
        self.config = config or MockArmConfig()
        self._keys = _joint_keys(contract)
        self.joints, self.topics = zip(*self._keys, strict=True)
        limits = limits_from_urdf(robot, self.joints)
        self._limits = replace(
            limits, acceleration=np.full(len(self.joints), self.config.acceleration),
            jerk=np.full(len(self.joints), _JERK))
        middle = 0.5 * (limits.minimum + limits.maximum)
        self._home = middle
        for name, entry in contract.actions.items():
            places = dict(zip(entry.joints, self._places(contract, name)))
            for joint, position in contract.home(name).items():
                self._home[places[joint]] = position
        self._joint_dynamics = JointDynamics(
            self._limits, self._home, self.config.bandwidth, self.config.latency)
        self._controllers = self._make_controllers(contract)
        self._random = np.random.default_rng(seed)
        self._effort_noise = np.random.default_rng((seed, 1))
        self._reference = self._home.copy()
        self._reference_velocity = np.zeros_like(self._home)
        self._way_home: HomePath | None = None
        self._way_began = 0.0
        self._time: float | None = None
        self.deaf = False
        self.refused = 0

    def _make_controllers(self, contract: Contract) -> dict[str, tuple[_Controller, list[int]]]:
        """Return the controller of each topic, with the places of its joints."""
        made: dict[str, tuple[_Controller, list[int]]] = {}
        for name, entry in contract.actions.items():
            if not entry.commands_positions or entry.type not in (TRAJECTORY, MULTI_ARRAY):
                raise ValueError(f'actions.{name}: the mock arm takes joint positions as '
                                 f'{TRAJECTORY} or {MULTI_ARRAY}, not {entry.type} with '
                                 f'{entry.quantity}')
            if entry.topic in made:
                raise ValueError(f'actions.{name} shares {entry.topic!r}: the mock arm has one '
                                 'controller per action')
            places = self._places(contract, name)
            start, rules = self._home[places], self.config
            made[entry.topic] = (
                TrajectoryController(entry.joints, start, rules.tolerance, rules.timeout)
                if entry.type == TRAJECTORY else ForwardController(entry.joints, start), places)
        return made

    def _places(self, contract: Contract, action: str) -> list[int]:
        """Return the places of an action's joints in our arrays."""
        return [self._keys.index((joint, place.topic if (joint, '') not in self._keys else ''))
                for joint, place in zip(contract.actions[action].joints, contract.places(action))]

    @property
    def position(self) -> np.ndarray:
        """True positions (n,)."""
        return self._joint_dynamics.position

    @property
    def velocity(self) -> np.ndarray:
        """True velocities (n,)."""
        return self._joint_dynamics.velocity

    @property
    def stalled(self) -> bool:
        """Whether the first joint is blocked."""
        return bool(self._joint_dynamics.blocked[0])

    @stalled.setter
    def stalled(self, stalled: bool) -> None:
        self._joint_dynamics.blocked[0] = stalled

    def command(self, topic: str, message: Any, now: float, origin: int = 0) -> str:
        """Give a command to the controller of a topic; return why it is refused, or ''.

        Args:
            topic: Topic of the contract.
            message: Message of the contract's type.
            now: [s] Time since the origin.
            origin: [ns] Time of the stamps' clock at which ``now`` is 0.
        """
        if self.deaf:
            return ''
        self.advance(now)
        reason = 'the arm is on its way home' if self.homing else (
            self._controllers[topic][0].accept(message, now, origin))
        self.refused += bool(reason)
        return reason

    def advance(self, now: float) -> None:
        """Simulate until ``now`` [s]; at the first call the arm is at rest at home."""
        if self._time is None or now < self._time:
            self._time = now  # the first call, or a clock that went back
        self._time = max(self._time, now - _LONGEST_CATCH_UP)
        while self._time + STEP <= now:
            self._time += STEP
            self._command_joints(self._time)
            self._joint_dynamics.step(self._reference, self._reference_velocity)

    def measure(self, stamp: int) -> JointSample:
        """Return the present measurement, with a stamp [ns]."""
        noise = self.config.noise * self._random.standard_normal((2, len(self.joints)))
        effort = self._joint_dynamics.effort + (
            100.0 * self.config.noise * self._effort_noise.standard_normal(len(self.joints)))
        return JointSample(stamp, self.joints, self.position + noise[0],
                           self.velocity + 10.0 * noise[1], effort, self.topics)

    def drive_home(self, now: float) -> str:
        """Drive home on a straight line in joint space; return why that isn't possible, or ''.

        Commands are refused meanwhile.
        """
        self.advance(now)
        try:
            self._way_home = HomePath(self._limits.scaled(self.config.home_speed),
                                      self._reference.copy(), self._home, STEP)
        except ResetRefused as error:
            return str(error)
        self._way_began = now
        return ''

    @property
    def homing(self) -> bool:
        """Whether the arm is on its way home."""
        return self._way_home is not None

    @property
    def aborted(self) -> str:
        """Why controllers have aborted their last trajectories; empty if none has."""
        return '; '.join(f'{topic}: {controller.aborted}'
                         for topic, (controller, _) in self._controllers.items()
                         if controller.aborted)

    def _command_joints(self, now: float) -> None:
        if self._way_home is not None:
            self._follow_way_home(now)
            return
        for controller, places in self._controllers.values():
            position, velocity = controller.sample(now, self.position[places])
            self._reference[places], self._reference_velocity[places] = position, velocity

    def _follow_way_home(self, now: float) -> None:
        seconds = now - self._way_began
        reference = self._way_home.at(seconds)
        self._reference_velocity[:] = (reference - self._reference) / STEP
        self._reference[:] = reference
        settled = self.config.latency + 10.0 / self.config.bandwidth
        if seconds > self._way_home.duration + settled:
            self._way_home = None
            self._reference_velocity[:] = 0.0
            for controller, places in self._controllers.values():
                controller.hold(self._home[places])


def _joint_keys(contract: Contract) -> list[tuple[str, str]]:
    """Return the name of each joint and the topic that measures it; '' if all topics do.

    Joints of two actions that have the same name are told apart by the topic. The order is that
    of joint_state_broadcaster, not the contract's, to detect readers by order.
    """
    sources: dict[str, set[str]] = {}
    for name, entry in contract.actions.items():
        for joint, place in zip(entry.joints, contract.places(name)):
            sources.setdefault(joint, set()).add(place.topic)
    observed = {joint for entry in contract.observations.values() for joint in entry.joints}
    return sorted(
        (joint, topic) for joint in observed
        for topic in (sources[joint] if len(sources.get(joint, ())) > 1 else ('',)))
