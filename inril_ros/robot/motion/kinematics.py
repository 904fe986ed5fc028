# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Positions of links for given joint positions, and joint limits, from a URDF.

The URDF is read by ROS's own parser. The rotations of its joints are compiled once into arrays,
which are evaluated for several configurations at a time, fast enough for every tick. Which
libraries were compared: docs/explanation/decisions/robot/0009.
"""

from collections.abc import Sequence
import math
from pathlib import Path

import numpy as np
from urdf_parser_py.urdf import Joint, URDF

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.urdf_file import find_urdf
from inril_ros.robot.motion.limits import JointLimits

_MOVING = ('revolute', 'continuous', 'prismatic')


class KinematicsError(ValueError):
    """A URDF lacks what is needed; the message names the link or joint."""


def read_urdf(text: str) -> URDF:
    """Parse a URDF.

    Raises:
        KinematicsError: The text isn't a URDF.
    """
    try:
        return URDF.from_xml_string(text.encode())
    except Exception as error:  # the parser raises whatever its XML library raises
        raise KinematicsError(f'the URDF cannot be read: {error}') from error


def urdf_of(contract: Contract, file: str | Path) -> URDF | None:
    """Return the URDF that a contract names, None if it names none.

    Args:
        contract: The robot's contract.
        file: File of the contract; ``find_urdf`` says where its URDF may be.

    Raises:
        KinematicsError: The file isn't a URDF.
        OSError: The file can't be read.
    """
    if contract.kinematics is None:
        return None
    return read_urdf(find_urdf(contract.kinematics, file).read_text(encoding='utf-8'))


def limits_from_urdf(robot: URDF, joints: Sequence[str]) -> JointLimits:
    """Return the limits of joints in a URDF; those that it lacks are infinite.

    Raises:
        KinematicsError: A joint is missing.
    """
    low, high, speed = (np.full(len(joints), math.inf) for _ in range(3))
    low = -low
    for index, name in enumerate(joints):
        limit = _joint(robot, name).limit
        if limit is None:
            continue
        if robot.joint_map[name].type != 'continuous':
            low[index], high[index] = limit.lower or 0.0, limit.upper or 0.0
        speed[index] = limit.velocity or math.inf
    unlimited = np.full(len(joints), math.inf)
    return JointLimits(low, high, speed, unlimited, unlimited.copy())


def has_joints(robot: URDF | None, joints: Sequence[str]) -> bool:
    """Return whether there is a URDF that has all of the joints."""
    return robot is not None and all(joint in robot.joint_map for joint in joints)


def tightened_by_urdf(
    limits: JointLimits, joints: Sequence[str], robot: URDF | None,
) -> JointLimits:
    """Return limits of joints, tightened by a URDF's limits of those joints that it has."""
    known = [index for index, joint in enumerate(joints)
             if robot is not None and joint in robot.joint_map]
    if not known:
        return limits
    unlimited = np.full(len(joints), math.inf)
    others = JointLimits(-unlimited, *(unlimited.copy() for _ in range(4)))
    found = limits_from_urdf(robot, [joints[index] for index in known])
    for whole, part in ((others.minimum, found.minimum), (others.maximum, found.maximum),
                        (others.velocity, found.velocity)):
        whole[known] = part
    return limits.tightened(others)


class KinematicChain:
    """Positions of links in the frame of the URDF's root.

    Args:
        robot: The robot's URDF.
        joints: Names of the n joints, in the order of the positions that will be given.
        links: Names of the L links whose positions are computed.

    Raises:
        KinematicsError: A link or a joint is missing, or a link is moved by a joint that isn't
            among those given, so that its position would be unknown.
    """

    def __init__(self, robot: URDF, joints: Sequence[str], links: Sequence[str]) -> None:
        self.links = tuple(links)
        names = {name: index for index, name in enumerate(joints)}
        for name in joints:
            _joint(robot, name)
        self._order: list[str] = []  # joints from the root outwards, parents first
        for link in links:
            self._add_path(robot, link)
        place = {name: index for index, name in enumerate(self._order)}
        parents = robot.parent_map
        self._parent, self._tips = [], []
        self._source = np.zeros(len(self._order), np.int64)
        self._factor = np.zeros(len(self._order))
        self._offset = np.zeros(len(self._order))
        self._fixed = np.zeros((len(self._order), 3, 3))  # R = fixed + sin q * sine + (1 - cos q)
        self._sine = np.zeros_like(self._fixed)           # * cosine, by Rodrigues
        self._cosine = np.zeros_like(self._fixed)
        self._origin = np.zeros((len(self._order), 3))
        self._slide = np.zeros((len(self._order), 3))
        for index, name in enumerate(self._order):
            joint = robot.joint_map[name]
            above = parents.get(joint.parent)
            self._parent.append(place[above[0]] if above else -1)
            self._compile(index, joint, names)
        for link in links:
            self._tips.append(place[parents[link][0]] if link in parents else -1)
        self._reserve(0)

    def positions(self, configurations: np.ndarray) -> np.ndarray:
        """Return the origins of the links (L, K, 3) [m] for K configurations (K, n).

        The next call overwrites the array.
        """
        count = len(configurations)
        if count > self._rotations.shape[1]:
            self._reserve(count)
        # In place, in buffers that are kept: this runs in every tick.
        moved, angle, shift, places, answer = (
            buffer[:, :count] for buffer in (
                self._moved, self._angle, self._shift, self._places, self._answer))
        rotations, local, scratch = (
            buffer[:, :count] for buffer in (self._rotations, self._local, self._scratch))
        np.take(configurations.T, self._source, axis=0, out=moved, mode='clip')
        moved *= self._factor[:, None]
        moved += self._offset[:, None]
        np.sin(moved, out=angle)
        np.multiply(angle[:, :, None, None], self._sine[:, None], out=local)
        np.cos(moved, out=angle)
        np.subtract(1.0, angle, out=angle)
        np.multiply(angle[:, :, None, None], self._cosine[:, None], out=scratch)
        local += scratch
        local += self._fixed[:, None]
        np.multiply(moved[:, :, None], self._slide[:, None], out=shift)
        shift += self._origin[:, None]
        for index, parent in enumerate(self._parent):
            if parent < 0:
                rotations[index], places[index] = local[index], shift[index]
                continue
            above = rotations[parent]
            np.matmul(above, local[index], out=rotations[index])
            np.matmul(above, shift[index][:, :, None], out=places[index][:, :, None])
            places[index] += places[parent]
        for index, tip in enumerate(self._tips):
            answer[index] = 0.0 if tip < 0 else places[tip]
        return answer

    def _reserve(self, count: int) -> None:
        """Make buffers for ``count`` configurations."""
        joints = len(self._order)
        self._rotations, self._local, self._scratch = (
            np.zeros((joints, count, 3, 3)) for _ in range(3))
        self._moved, self._angle = np.zeros((joints, count)), np.zeros((joints, count))
        self._shift, self._places = np.zeros((joints, count, 3)), np.zeros((joints, count, 3))
        self._answer = np.zeros((len(self._tips), count, 3))

    def _add_path(self, robot: URDF, link: str) -> None:
        if link not in robot.link_map:
            raise KinematicsError(f'the URDF has no link {link!r}; it has '
                                  f'{sorted(robot.link_map)}')
        path = []
        while link in robot.parent_map:
            joint, link = robot.parent_map[link]
            path.append(joint)
        self._order.extend(name for name in reversed(path) if name not in self._order)

    def _compile(self, index: int, joint: Joint, names: dict[str, int]) -> None:
        origin = joint.origin
        rpy = (origin.rpy if origin is not None else None) or (0.0, 0.0, 0.0)
        rotation = _rotation(*rpy)
        self._fixed[index] = rotation
        self._origin[index] = (origin.xyz if origin is not None else None) or (0.0, 0.0, 0.0)
        if joint.type == 'fixed':
            return
        if joint.type not in _MOVING:
            raise KinematicsError(f'joint {joint.name!r} is {joint.type}: {_MOVING} are supported')
        name, self._factor[index] = joint.name, 1.0
        if joint.mimic is not None:
            name = joint.mimic.joint
            self._factor[index] = 1.0 if joint.mimic.multiplier is None else joint.mimic.multiplier
            self._offset[index] = joint.mimic.offset or 0.0
        if name not in names:
            raise KinematicsError(f'joint {name!r} moves one of {list(self.links)}, but it is '
                                  f'none of the commanded joints {sorted(names)}')
        self._source[index] = names[name]
        axis = np.array(joint.axis or (1.0, 0.0, 0.0))
        axis /= np.linalg.norm(axis)
        if joint.type == 'prismatic':
            self._slide[index] = rotation @ axis
            return
        skew = _skew(axis)
        self._sine[index], self._cosine[index] = rotation @ skew, rotation @ skew @ skew


def _joint(robot: URDF, name: str) -> Joint:
    if name not in robot.joint_map:
        raise KinematicsError(f'the URDF has no joint {name!r}; it has {sorted(robot.joint_map)}')
    return robot.joint_map[name]


def _skew(axis: np.ndarray) -> np.ndarray:
    """Return the matrix (3, 3) whose product with a vector is the cross product axis x vector."""
    return np.cross(np.eye(3), axis)


def _rotation(roll: float, pitch: float, yaw: float) -> np.ndarray:
    """Return the matrix of fixed-axis roll, pitch, yaw: Rz Ry Rx (REP-103, URDF)."""
    rotation = np.eye(3)
    for axis, angle in zip(np.eye(3), (roll, pitch, yaw)):
        skew = _skew(axis)
        turn = np.eye(3) + math.sin(angle) * skew + (1.0 - math.cos(angle)) * skew @ skew
        rotation = turn @ rotation
    return rotation
