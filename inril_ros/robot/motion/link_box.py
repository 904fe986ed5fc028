# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Keeps links of an arm inside a box: where they are, and where they would come to rest."""

import math

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.motion.joint_group import JointGroup
from inril_ros.robot.motion.kinematics import KinematicChain, URDF

_MOST_POINTS = 48  # of the braking path that are checked; of a longer one only every n-th tick is
_ROUNDING = 1e-6  # [m]


class LinkBox:
    """The contract's box around links.

    Args:
        contract: The robot's contract, whose workspace names links.
        robot: The robot's URDF.
        groups: All joints that are commanded by position.

    Raises:
        ValueError: There is no URDF, or two actions command joints of one name that it has.
        KinematicsError: The URDF lacks a link, or a link is moved by a joint that isn't
            commanded.
    """

    def __init__(self, contract: Contract, robot: URDF | None, groups: list[JointGroup]) -> None:
        if robot is None:
            raise ValueError('workspace.links needs a URDF, and none was given')
        box = contract.workspace
        self._minimum, self._maximum = np.array(box.minimum), np.array(box.maximum)
        self._groups = groups
        joints = [joint for group in groups for joint in group.joints]
        inside = [index for index, joint in enumerate(joints) if joint in robot.joint_map]
        twice = sorted({joints[index] for index in inside if joints.count(joints[index]) > 1})
        if twice:
            raise ValueError(f'workspace.links: the joints {twice} of the URDF are commanded by '
                             'several actions, so where the links are is not known: give the '
                             'joints of each arm names of their own, or guard no links')
        self._columns = np.array(inside, np.int64)
        self._chain = KinematicChain(robot, [joints[index] for index in inside], box.links)
        ticks = 2 + math.ceil(max(
            group.limiter.limits.longest_stop for group in groups) / contract.period)
        self._stride = math.ceil(ticks / _MOST_POINTS)
        points = 1 + math.ceil(ticks / self._stride)
        self._path = np.zeros((1 + points, len(joints)))  # first row: where the command is now
        self._braking = {group.name: np.zeros((points, len(group.joints))) for group in groups}

    def leaving(self) -> str:
        """Return which links would leave the box along which axes by the proposals, or empty.

        A link that is outside already may come back, and go no further out.
        """
        start = 0
        for group in self._groups:
            part = slice(start, start + len(group.joints))
            self._path[0, part] = group.limiter.position
            braking = self._braking[group.name]
            group.limiter.stopping_points(braking, self._stride)
            self._path[1:, part] = braking
            start = part.stop
        outside = self._outside(self._path)
        worse = (outside[:, 1:] > np.maximum(outside[:, :1] + 1e-12, _ROUNDING)).any(axis=1)
        if not worse.any():
            return ''
        return ', '.join(
            f'{link} {"".join(axis for axis, out in zip("xyz", row) if out)}'
            for link, row in zip(self._chain.links, worse) if row.any())

    def contains(self, configurations: np.ndarray) -> bool:
        """Return whether the links are inside for all configurations (K, n of all groups)."""
        return not (self._outside(configurations) > _ROUNDING).any()

    def inside(self, group: JointGroup, points: np.ndarray) -> int:
        """Return how many of one group's points (R, n) come before the first one outside."""
        if not len(points):
            return 0
        path = np.repeat(self._path[:1], len(points), axis=0)
        start = 0
        for other in self._groups:
            part = slice(start, start + len(other.joints))
            path[:, part] = points if other is group else other.limiter.position
            start = part.stop
        outside = (self._outside(path) > _ROUNDING).any(axis=(0, 2))
        return int(np.argmax(outside)) if outside.any() else len(points)

    def _outside(self, configurations: np.ndarray) -> np.ndarray:
        """Return how far outside each link is (L, K, 3) [m]; not positive if inside."""
        places = self._chain.positions(configurations[:, self._columns])
        return np.maximum(self._minimum - places, places - self._maximum)
