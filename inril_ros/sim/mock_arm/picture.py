# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Camera images of the mock arm: its links as lines, seen from the side, with noise.

They take little time, and like a camera's no two of them are exactly the same.
"""

import numpy as np
from urdf_parser_py.urdf import URDF

from inril_ros.robot.motion.kinematics import KinematicChain

_REACH = 1.1  # [m] half the width of the view
_NOISE = 3  # [grey levels] half the width


class ArmPicture:
    """Images of one arm.

    Args:
        robot: The arm's URDF.
        joints: Names of the joints, in the order of the positions that will be given.
        width: [pixel] Image width.
        height: [pixel] Image height.
        seed: Seed of the noise.

    Raises:
        KinematicsError: A link is moved by a joint that isn't among those given.
    """

    def __init__(self, robot: URDF, joints: tuple[str, ...], width: int, height: int,
                 seed: int = 0) -> None:
        links = [link.name for link in robot.links]
        place = {name: index for index, name in enumerate(links)}
        self._chain = KinematicChain(robot, joints, links)
        self._lines = [(place[joint.parent], place[joint.child]) for joint in robot.joints]
        self._scale = 0.5 * min(width, height) / _REACH  # [pixel/m]
        self._size = width, height
        self._random = np.random.default_rng(seed)

    def take(self, position: np.ndarray) -> np.ndarray:
        """Return the image (height, width, 3) uint8 RGB for joint positions (n,)."""
        import cv2  # only where cameras are used: it costs 0.2 s to import

        width, height = self._size
        places = self._chain.positions(position[None])[:, 0]
        # x to the right, z upwards, the base in the middle of the lower third.
        points = np.stack([0.5 * width + self._scale * places[:, 0],
                           0.75 * height - self._scale * places[:, 2]], axis=1)
        picture = np.full((height, width, 3), 200, np.uint8)
        for start, end in self._lines:
            cv2.line(picture, *(tuple(int(value) for value in points[index])
                                for index in (start, end)), (40, 60, 120), 3)
        noise = self._random.integers(-_NOISE, _NOISE + 1, picture.shape, np.int16)
        return np.clip(picture + noise, 0, 255).astype(np.uint8)
