# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Closed-form kinematics of the arm of ``config/gazebo``, for a tool that points down.

Shoulder pan, two links of a planar arm, a wrist whose roll axis stays at 0: joint 1 turns to the
target, joints 2 and 3 place the wrist, joint 5 points the tool down, joint 6 turns the jaws.
"""

from dataclasses import dataclass
import math

import numpy as np

from inril_ros.sim.gazebo.scene import Model, SceneError


class Unreachable(ValueError):
    """The tool can't reach a place while it points down; the message names the place."""


@dataclass(frozen=True)
class TopDownArm:
    """Lengths [m] and home angles [rad].

    Attributes:
        shoulder: Height of joint 2 above the base.
        upper: Distance from joint 2 to joint 3.
        fore: Distance from joint 3 to joint 5, where the wrist's axes meet.
        tool: Distance from joint 5 to the tool.
        lean: Elevation of the upper arm at home, where the elbow's angle is a right one.
    """

    shoulder: float
    upper: float
    fore: float
    tool: float
    lean: float

    def joints(self, place: np.ndarray, yaw: float) -> np.ndarray:
        """Return the joint positions (6,) [rad] that bring the tool to a place.

        Args:
            place: (3,) [m] Position in the base's frame.
            yaw: [rad] Angle of the jaws about z; at 0 they close along y.

        Raises:
            Unreachable: There are no such positions.
        """
        x, y, z = place
        pan, reach = math.atan2(y, x), math.hypot(x, y)
        rise = z + self.tool - self.shoulder
        distance = math.hypot(reach, rise)
        if not abs(self.upper - self.fore) < distance < self.upper + self.fore:
            raise Unreachable(
                f'{np.round(place, 3).tolist()}: the wrist would be {distance:.3f} m from the '
                f'shoulder, {self.upper + self.fore} m is the limit')
        inner = (self.upper ** 2 + distance ** 2 - self.fore ** 2) / (2 * self.upper * distance)
        upper = math.atan2(rise, reach) + math.acos(inner)
        fore = math.atan2(rise - self.upper * math.sin(upper),
                          reach - self.upper * math.cos(upper))
        bend = upper - fore - 0.5 * math.pi
        return np.array([pan, self.lean - upper, bend, 0.0, fore + 0.5 * math.pi - self.lean,
                         pan - yaw])

    def tool_position(self, joints: np.ndarray) -> np.ndarray:
        """Return the tool's position (3,) [m] for any joint positions (6,)."""
        pan, lift, elbow, roll, pitch, _ = joints
        upper = self.lean - lift
        fore = upper - elbow - 0.5 * math.pi
        # The tool's direction in the frame of the forearm, turned about its axis by the roll.
        bend = self.lean + pitch
        along, aside = math.cos(bend), -math.sin(bend)
        up, left = aside * math.cos(roll), -aside * math.sin(roll)
        reach = self.upper * math.cos(upper) + (self.fore + self.tool * along) * math.cos(fore) \
            - self.tool * up * math.sin(fore)
        rise = self.shoulder + self.upper * math.sin(upper) \
            + (self.fore + self.tool * along) * math.sin(fore) + self.tool * up * math.cos(fore)
        sideways = self.tool * left
        return np.array([reach * math.cos(pan) - sideways * math.sin(pan),
                         reach * math.sin(pan) + sideways * math.cos(pan), rise])


def top_down_arm(model: Model) -> TopDownArm:
    """Read the lengths from an arm's model.

    Raises:
        SceneError: The arm has other axes.
    """
    poses = [model.joint(f'joint_{index}').pose for index in range(1, 7)]
    axes = [model.joint(f'joint_{index}').axis for index in range(1, 7)]
    expected = [(0, 0, 1), (0, 1, 0), (0, 1, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    if axes != expected or 'tool0' not in model.frames:
        raise SceneError(f'model {model.name!r}: axes {axes}, {expected} and a frame tool0 are '
                         'needed')
    return TopDownArm(
        shoulder=poses[0].xyz[2] + poses[1].xyz[2], upper=poses[2].xyz[0],
        fore=poses[3].xyz[0] + poses[4].xyz[0],
        tool=poses[5].xyz[0] + model.frames['tool0'][1].xyz[2], lean=-poses[1].rpy[1])
