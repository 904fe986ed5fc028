# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A Gazebo world (SDF) as plain data, from which a URDF and a MuJoCo model are derived.

``sdf_scene`` reads it, ``sdf_to_urdf`` and ``sdf_to_mujoco`` write the models.
"""

from dataclasses import dataclass
from typing import TypeVar


class SceneError(ValueError):
    """A world can't be read; the message names the element and what is allowed."""


@dataclass(frozen=True)
class Pose:
    """A pose: xyz [m], and rpy [rad] about the fixed axes x, y, z, in this order."""

    xyz: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rpy: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Shape:
    """A collision shape, which is visible as well.

    Attributes:
        name: Name without ``_collision``.
        pose: Pose in its link.
        kind: ``box`` with size (x, y, z) or ``cylinder`` with size (radius, length) [m].
        size: Size, by the kind.
        friction: Coulomb's coefficient.
        colour: RGBA, 0..1.
    """

    name: str
    pose: Pose
    kind: str
    size: tuple[float, ...]
    friction: float
    colour: tuple[float, ...]


@dataclass(frozen=True)
class Inertial:
    """Mass [kg], its centre in the link, and the principal moments (x, y, z) [kg m^2] about it."""

    centre: Pose
    mass: float
    moments: tuple[float, float, float]


@dataclass(frozen=True)
class Link:
    """A rigid body; gravity doesn't act on a weightless one."""

    name: str
    inertial: Inertial | None
    shapes: tuple[Shape, ...]
    weightless: bool


@dataclass(frozen=True)
class Joint:
    """A joint, placed in its parent link; its child link lies at the joint.

    Attributes:
        name: Unique name in the model.
        kind: ``revolute`` or ``prismatic``.
        parent: Name of the parent link.
        child: Name of the child link.
        pose: Pose in the parent link.
        axis: Unit vector in the joint's frame.
        lower: [rad or m] Lowest position.
        upper: [rad or m] Highest position.
        effort: [N m or N] Highest effort.
        velocity: [rad/s or m/s] Highest speed.
        damping: [N m s/rad or N s/m] Viscous damping.
    """

    name: str
    kind: str
    parent: str
    child: str
    pose: Pose
    axis: tuple[float, float, float]
    lower: float
    upper: float
    effort: float
    velocity: float
    damping: float


@dataclass(frozen=True)
class Drive:
    """Gazebo's position controller of one joint.

    Attributes:
        joint: Name of the joint.
        topic: Gazebo's topic of its trajectories.
        gain: [N m/rad or N/m] Proportional gain.
        effort: [N m or N] Highest effort.
        start: [rad or m] Target until the first command.
        integral: [N m/(rad s) or N/(m s)] Integral gain: it holds what gravity pulls down.
        integral_effort: [N m or N] Highest effort of the integral.
    """

    joint: str
    topic: str
    gain: float
    effort: float
    start: float
    integral: float
    integral_effort: float


@dataclass(frozen=True)
class CameraSensor:
    """A camera that looks along the x axis of its link, with z up."""

    name: str
    topic: str
    horizontal_fov: float
    width: int
    height: int
    rate: float


@dataclass(frozen=True)
class Model:
    """A model; ``frames`` are named poses in links: name -> (link, pose)."""

    name: str
    static: bool
    pose: Pose
    links: tuple[Link, ...]
    joints: tuple[Joint, ...]
    frames: dict[str, tuple[str, Pose]]
    drives: tuple[Drive, ...]
    cameras: tuple[CameraSensor, ...]

    def joint(self, name: str) -> Joint:
        """Return a joint by name.

        Raises:
            SceneError: There is none; the message lists all.
        """
        return _by_name(f'model {self.name!r} has no joint', self.joints, name)


@dataclass(frozen=True)
class Scene:
    """A world.

    Attributes:
        name: Name, which is part of Gazebo's service names.
        step: [s] Time step of the physics.
        gravity: [m/s^2] Gravity (x, y, z).
        models: Models in the order of the file.
    """

    name: str
    step: float
    gravity: tuple[float, ...]
    models: tuple[Model, ...]

    def model(self, name: str) -> Model:
        """Return a model by name.

        Raises:
            SceneError: There is none; the message lists all.
        """
        return _by_name(f'world {self.name!r} has no model', self.models, name)


_Named = TypeVar('_Named', Model, Joint)


def _by_name(problem: str, items: tuple[_Named, ...], name: str) -> _Named:
    for item in items:
        if item.name == name:
            return item
    raise SceneError(f'{problem} {name!r}, only {[item.name for item in items]}')
