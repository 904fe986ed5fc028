# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A topic as a survey of a running graph or of a bag finds it."""

from dataclasses import dataclass
from typing import Any

#: Messages of a topic that a survey keeps: enough to compare series, at any rate.
MOST_MESSAGES = 3000


@dataclass(frozen=True)
class TopicSeen:
    """A topic of a running graph or of a bag.

    Attributes:
        name: Name with its namespace.
        type: ROS message type.
        messages: (time received [s], message) of some messages, in order of time. All of a
            short recording; evenly spread ones of a long one; one image.
        published: Whether it has a publisher.
        awaited: Whether it has a subscriber, and may thus command the robot.
        rate: [Hz] Rate of the messages; 0 if unknown.
        size: (width, height) [pixel] of an image; None if unknown.
        depth: [m] (nearest, farthest) in a depth image; None if it is none, or unknown.
        receiver_joints: Joints of the controller that receives it, in its order, as the controller
            itself says; empty if unknown.
        receiver_interface: What that controller commands: position, velocity or effort; empty if
            unknown.
    """

    name: str
    type: str
    messages: tuple[tuple[float, Any], ...] = ()
    published: bool = True
    awaited: bool = False
    rate: float = 0.0
    size: tuple[int, int] | None = None
    depth: tuple[float, float] | None = None
    receiver_joints: tuple[str, ...] = ()
    receiver_interface: str = ''

    @property
    def sample(self) -> Any:
        """The first message; None if none came."""
        return self.messages[0][1] if self.messages else None
