# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What of a robot is to be seen, whatever the viewer: topics with their types, frames, joints."""

from dataclasses import dataclass
from pathlib import Path

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.fields import TRANSFORMS
from inril_ros.robot.contract.topic_names import absolute_topic
from inril_ros.robot.motion.kinematics import urdf_of


@dataclass(frozen=True)
class RobotView:
    """A robot in a namespace.

    Attributes:
        contract: The robot's contract.
        namespace: Namespace of its nodes; empty: the root.
        root: Frame in which the arm stands.
        frame_prefix: Begins the frames of the arm, as ``frame_prefix`` of robot_state_publisher.
    """

    contract: Contract
    namespace: str
    root: str
    frame_prefix: str

    @property
    def title(self) -> str:
        """Name of the robot, with its namespace."""
        return '_'.join([self.contract.name, *filter(None, self.namespace.strip('/').split('/'))])

    def name(self, topic: str) -> str:
        """Return the full name of a topic or service of the robot."""
        return absolute_topic(topic, self.namespace)

    def observed(self) -> dict[str, str]:
        """Return the observed topics by their full names, with their types; without TF."""
        return {self.name(topic): kind
                for topic, kind in self.contract.observation_topics().items()
                if kind != TRANSFORMS}


def robot_view(
    contract: Contract, file: str | Path, namespace: str = '', frame_prefix: str = '',
) -> RobotView:
    """Return the view of a robot.

    Args:
        contract: The robot's contract.
        file: Its file, which its URDF is found by.
        namespace: Namespace of the robot's nodes.
        frame_prefix: Begins the frames of the arm.
    """
    robot = urdf_of(contract, file)
    frames = [entry.parent for entry in contract.observations.values() if entry.parent]
    root = robot.get_root() if robot is not None else next(iter(frames), 'base_link')
    return RobotView(contract, namespace, frame_prefix + root, frame_prefix)
