# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A Gazebo world (SDF) as plain data, for what is derived from it: a URDF and a MuJoCo model.

Only the form that ``config/gazebo/arm_world.sdf`` keeps to is read; whatever else would change a
scene's geometry is refused, so that no derived model silently differs from what Gazebo simulates.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

_JOINTS = ('revolute', 'prismatic')
_SHAPES = {'box': ('size',), 'cylinder': ('radius', 'length')}


class SceneError(ValueError):
    """A world that can't be read; the message names the element and what is allowed."""


@dataclass(frozen=True)
class Pose:
    """Where something is in something else.

    Attributes:
        xyz: [m]
        rpy: [rad] About the fixed axes x, y, z, in this order.
    """

    xyz: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rpy: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Shape:
    """A collision shape, which is seen as well.

    Attributes:
        name: Without ``_collision``.
        pose: In its link.
        kind: ``box`` with size (x, y, z) or ``cylinder`` with size (radius, length) [m].
        size: See above.
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
    """A rigid body; ``weightless``: gravity doesn't act on it."""

    name: str
    inertial: Inertial | None
    shapes: tuple[Shape, ...]
    weightless: bool


@dataclass(frozen=True)
class Joint:
    """A joint, placed in its parent link; its child link lies at the joint.

    Attributes:
        name: Unique in the model.
        kind: ``revolute`` or ``prismatic``.
        parent: Link.
        child: Link.
        pose: In the parent link.
        axis: Unit vector in the joint's frame.
        lower: [rad or m]
        upper: [rad or m]
        effort: [N m or N]
        velocity: [rad/s or m/s]
        damping: [N m s/rad or N s/m]
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
        joint: Which.
        topic: Of Gazebo, on which its trajectories come.
        gain: [N m/rad or N/m]
        effort: [N m or N] No more than this.
        start: [rad or m] Target until there is a command.
    """

    joint: str
    topic: str
    gain: float
    effort: float
    start: float


@dataclass(frozen=True)
class CameraSensor:
    """A camera that looks along the x axis of its link, z up."""

    name: str
    topic: str
    horizontal_fov: float
    width: int
    height: int
    rate: float


@dataclass(frozen=True)
class Model:
    """One model; ``frames`` are named poses in links: name -> (link, pose)."""

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
            SceneError: There is none; the message lists those there are.
        """
        for joint in self.joints:
            if joint.name == name:
                return joint
        raise SceneError(f'model {self.name!r} has no joint {name!r}, only '
                         f'{[joint.name for joint in self.joints]}')


@dataclass(frozen=True)
class Scene:
    """A world.

    Attributes:
        name: Of the world; part of Gazebo's service names.
        step: [s] Of the physics.
        gravity: [m/s^2]
        models: In the order of the file.
    """

    name: str
    step: float
    gravity: tuple[float, ...]
    models: tuple[Model, ...]

    def model(self, name: str) -> Model:
        """Return a model by name.

        Raises:
            SceneError: There is none; the message lists those there are.
        """
        for model in self.models:
            if model.name == name:
                return model
        raise SceneError(f'world {self.name!r} has no model {name!r}, only '
                         f'{[model.name for model in self.models]}')


def read_scene(path: str | Path) -> Scene:
    """Read a world.

    Raises:
        SceneError: The file is missing, isn't XML, or has something that isn't understood.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        raise SceneError(f'{path}: cannot be read: {error.strerror}') from error
    except ElementTree.ParseError as error:
        raise SceneError(f'{path}: is not XML: {error}') from error
    world = root.find('world')
    if root.tag != 'sdf' or world is None:
        raise SceneError(f'{path}: holds no <sdf><world>')
    try:
        return Scene(
            name=world.get('name', ''), step=_number(world, 'physics/max_step_size'),
            gravity=_numbers(world, 'gravity', 3),
            models=tuple(_model(element) for element in world.findall('model')))
    except SceneError as error:
        raise SceneError(f'{path}: {error}') from error


def without_model(text: str, name: str) -> str:
    """Return the text of a world without one of its models, which is to come from elsewhere.

    Raises:
        SceneError: The world has no such model.
    """
    root = ElementTree.fromstring(text)
    world = root.find('world')
    models = [] if world is None else [
        model for model in world.findall('model') if model.get('name') == name]
    if not models:
        raise SceneError(f'the world has no model {name!r}')
    world.remove(models[0])
    return ElementTree.tostring(root, encoding='unicode', xml_declaration=True)


def _model(element: Element) -> Model:
    name = element.get('name', '')
    unknown = {child.tag for child in element} - {
        'static', 'pose', 'link', 'joint', 'frame', 'plugin'}
    if unknown:
        raise SceneError(f'model {name!r}: {sorted(unknown)} is not understood')
    joints = [joint for joint in element.findall('joint') if joint.get('type') != 'fixed']
    for fixed in element.findall("joint[@type='fixed']"):
        if _text(fixed, 'parent') != 'world':
            raise SceneError(f'joint {fixed.get("name")!r}: a fixed joint is for the world only')
    moved = {_text(joint, 'child'): joint.get('name', '') for joint in joints}
    return Model(
        name, static=element.findtext('static') == 'true', pose=_pose(element),
        links=tuple(_link(link, moved) for link in element.findall('link')),
        joints=tuple(_joint(joint) for joint in joints),
        frames={frame.get('name', ''): (frame.get('attached_to', ''),
                                        _pose(frame, frame.get('attached_to', '')))
                for frame in element.findall('frame')},
        drives=tuple(drive for plugin in element.findall('plugin') for drive in _drives(plugin)),
        cameras=tuple(_camera(sensor)
                      for sensor in element.findall("link/sensor[@type='camera']")))


def _link(element: Element, moved: dict[str, str]) -> Link:
    name = element.get('name', '')
    if _pose(element, moved.get(name, '')) != Pose():
        raise SceneError(f'link {name!r}: must lie at its joint, or at the origin of its model')
    inertial = element.find('inertial')
    colours = {visual.get('name', '').removesuffix('_visual'): visual
               for visual in element.findall('visual')}
    return Link(name, None if inertial is None else _inertial(inertial),
                tuple(_shape(shape, colours) for shape in element.findall('collision')),
                weightless=element.findtext('gravity') == 'false')


def _inertial(element: Element) -> Inertial:
    if any(_number(element, f'inertia/{key}') for key in ('ixy', 'ixz', 'iyz')):
        raise SceneError('inertial: only the principal moments may differ from 0')
    return Inertial(_pose(element), _number(element, 'mass'), (
        _number(element, 'inertia/ixx'), _number(element, 'inertia/iyy'),
        _number(element, 'inertia/izz')))


def _shape(element: Element, visuals: dict[str, Element]) -> Shape:
    name = element.get('name', '').removesuffix('_collision')
    kind = next((kind for kind in _SHAPES if element.find(f'geometry/{kind}') is not None), None)
    visual = visuals.get(name)
    if kind is None or visual is None:
        raise SceneError(f'collision {name!r}: needs a {" or ".join(_SHAPES)} and a visual of the '
                         'same name')
    size = tuple(number for key in _SHAPES[kind]
                 for number in _numbers(element, f'geometry/{kind}/{key}'))
    friction = element.find('surface/friction/ode/mu')
    return Shape(name, _pose(element), kind, size,
                 1.0 if friction is None else float(friction.text or 1.0),
                 _numbers(visual, 'material/diffuse', 4))


def _joint(element: Element) -> Joint:
    name, kind = element.get('name', ''), element.get('type', '')
    if kind not in _JOINTS:
        raise SceneError(f'joint {name!r} is {kind}: {_JOINTS} are understood')
    parent = _text(element, 'parent')
    axis, limit = element.find('axis'), element.find('axis/limit')
    if axis is None or limit is None:
        raise SceneError(f'joint {name!r}: needs an axis with limits')
    return Joint(
        name, kind, parent, _text(element, 'child'), _pose(element, parent),
        _numbers(axis, 'xyz', 3), _number(limit, 'lower'), _number(limit, 'upper'),
        _number(limit, 'effort'), _number(limit, 'velocity'), _number(axis, 'dynamics/damping'))


def _drives(plugin: Element) -> Iterator[Drive]:
    if plugin.get('name') != 'gz::sim::systems::JointTrajectoryController':
        return
    columns = [[child.text or '' for child in plugin.findall(key)] for key in (
        'joint_name', 'position_p_gain', 'position_cmd_max', 'initial_position')]
    if len({len(column) for column in columns}) != 1:
        raise SceneError('JointTrajectoryController: give each joint a position_p_gain, '
                         'position_cmd_max and initial_position')
    for name, gain, effort, start in zip(*columns, strict=True):
        yield Drive(name, _text(plugin, 'topic'), float(gain), float(effort), float(start))


def _camera(sensor: Element) -> CameraSensor:
    if sensor.find('pose') is not None:
        raise SceneError(f'sensor {sensor.get("name")!r}: give its link a pose instead')
    return CameraSensor(
        sensor.get('name', ''), _text(sensor, 'topic'), _number(sensor, 'camera/horizontal_fov'),
        int(_number(sensor, 'camera/image/width')), int(_number(sensor, 'camera/image/height')),
        _number(sensor, 'update_rate'))


def _pose(element: Element, relative_to: str = '') -> Pose:
    """Return the pose of an element, which must be given relative to what is expected."""
    pose = element.find('pose')
    given = '' if pose is None else pose.get('relative_to', '')
    if given != relative_to:
        raise SceneError(f'{element.tag} {element.get("name", "")!r}: its pose is relative to '
                         f'{given!r}, {relative_to!r} is needed')
    if pose is None:
        return Pose()
    x, y, z, roll, pitch, yaw = _numbers(element, 'pose', 6)
    return Pose((x, y, z), (roll, pitch, yaw))


def _text(element: Element, path: str) -> str:
    text = element.findtext(path)
    if not text:
        raise SceneError(f'{element.tag} {element.get("name", "")!r}: has no <{path}>')
    return text.strip()


def _numbers(element: Element, path: str, count: int = 0) -> tuple[float, ...]:
    text = _text(element, path)
    try:
        numbers = tuple(float(word) for word in text.split())
    except ValueError as error:
        raise SceneError(f'{element.tag} {element.get("name", "")!r}: <{path}> {text!r}: '
                         f'{error}') from error
    if count and len(numbers) != count:
        raise SceneError(f'{element.tag} {element.get("name", "")!r}: <{path}> {text!r} has '
                         f'{len(numbers)} numbers, {count} are needed')
    return numbers


def _number(element: Element, path: str) -> float:
    return _numbers(element, path, 1)[0]
