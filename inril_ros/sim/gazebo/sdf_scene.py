# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reads a Gazebo world (SDF).

Only the form of ``config/gazebo/arm_world.sdf`` is understood. Anything else that would change a
scene's geometry is refused, so that no derived model silently differs from what Gazebo simulates.
"""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from inril_ros.sim.gazebo.scene import (
    CameraSensor,
    Drive,
    Inertial,
    Joint,
    Link,
    Model,
    Pose,
    Scene,
    SceneError,
    Shape,
)

_JOINTS = ('revolute', 'prismatic')
_SHAPES = {'box': ('size',), 'cylinder': ('radius', 'length')}
# Elements of a JointTrajectoryController, one each per joint and in the same order.
_DRIVE = ('joint_name', 'initial_position', 'position_p_gain', 'position_cmd_min',
          'position_cmd_max', 'position_i_gain', 'position_i_min', 'position_i_max')
_PARTS = {'static', 'pose', 'link', 'joint', 'frame', 'plugin'}  # of a model


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


def without(text: str, *parts: tuple[str, str]) -> str:
    """Return the text of a world without some of its parts.

    Args:
        text: The world.
        parts: Tag and name of each part: ``('model', 'arm')``, or a system by its class's name,
            ``('plugin', 'gz::sim::systems::Sensors')``.

    Raises:
        SceneError: The world has no such part.
    """
    root = ElementTree.fromstring(text)
    for tag, name in parts:
        world, part = root.find('world'), root.find(f"world/{tag}[@name='{name}']")
        if world is None or part is None:
            raise SceneError(f'the world has no {tag} {name!r}')
        world.remove(part)
    return ElementTree.tostring(root, encoding='unicode', xml_declaration=True)


def _model(element: Element) -> Model:
    unknown = {child.tag for child in element} - _PARTS
    if unknown:
        raise _error(element, f'{sorted(unknown)} is not understood')
    joints = [joint for joint in element.findall('joint') if joint.get('type') != 'fixed']
    for fixed in element.findall("joint[@type='fixed']"):
        if _text(fixed, 'parent') != 'world':
            raise _error(fixed, 'a fixed joint is allowed to the world only')
    moved = {_text(joint, 'child'): joint.get('name', '') for joint in joints}
    return Model(
        element.get('name', ''), static=element.findtext('static') == 'true', pose=_pose(element),
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
        raise _error(element, 'must lie at its joint, or at the origin of its model')
    inertial = element.find('inertial')
    visuals = {visual.get('name', '').removesuffix('_visual'): visual
               for visual in element.findall('visual')}
    return Link(name, None if inertial is None else _inertial(inertial),
                tuple(_shape(shape, visuals) for shape in element.findall('collision')),
                weightless=element.findtext('gravity') == 'false')


def _inertial(element: Element) -> Inertial:
    if any(_number(element, f'inertia/{key}') for key in ('ixy', 'ixz', 'iyz')):
        raise _error(element, 'only the principal moments may differ from 0')
    ixx, iyy, izz = (_number(element, f'inertia/{key}') for key in ('ixx', 'iyy', 'izz'))
    return Inertial(_pose(element), _number(element, 'mass'), (ixx, iyy, izz))


def _shape(element: Element, visuals: dict[str, Element]) -> Shape:
    name = element.get('name', '').removesuffix('_collision')
    kind = next((kind for kind in _SHAPES if element.find(f'geometry/{kind}') is not None), None)
    visual = visuals.get(name)
    if kind is None or visual is None:
        raise _error(element, f'needs a {" or ".join(_SHAPES)} and a visual of the same name')
    size = tuple(number for key in _SHAPES[kind]
                 for number in _numbers(element, f'geometry/{kind}/{key}'))
    friction = float(element.findtext('surface/friction/ode/mu') or 1.0)
    return Shape(name, _pose(element), kind, size, friction,
                 _numbers(visual, 'material/diffuse', 4))


def _joint(element: Element) -> Joint:
    kind, parent = element.get('type', ''), _text(element, 'parent')
    if kind not in _JOINTS:
        raise _error(element, f'is {kind}: {_JOINTS} are understood')
    lower, upper, effort, velocity = (
        _number(element, f'axis/limit/{key}') for key in ('lower', 'upper', 'effort', 'velocity'))
    return Joint(
        element.get('name', ''), kind, parent, _text(element, 'child'), _pose(element, parent),
        _numbers(element, 'axis/xyz', 3), lower, upper, effort, velocity,
        _number(element, 'axis/dynamics/damping'))


def _drives(plugin: Element) -> Iterator[Drive]:
    if plugin.get('name') != 'gz::sim::systems::JointTrajectoryController':
        return
    unknown = {child.tag for child in plugin} - {'topic', *_DRIVE}
    if unknown:
        raise _error(plugin, f'{sorted(unknown)} is not understood')
    columns = [[child.text or '' for child in plugin.findall(key)] for key in _DRIVE]
    if len({len(column) for column in columns}) != 1:
        raise _error(plugin, f'give each joint one of {list(_DRIVE)}')
    for name, *texts in zip(*columns, strict=True):
        start, gain, least, effort, integral, lowest, highest = map(float, texts)
        if (least, lowest) != (-effort, -highest):
            raise _error(plugin, f'{name}: limits must be symmetric')
        yield Drive(name, _text(plugin, 'topic'), gain, effort, start, integral, highest)


def _camera(sensor: Element) -> CameraSensor:
    if sensor.find('pose') is not None:
        raise _error(sensor, 'give its link a pose instead')
    width, height = (int(_number(sensor, f'camera/image/{key}')) for key in ('width', 'height'))
    return CameraSensor(
        sensor.get('name', ''), _text(sensor, 'topic'), _number(sensor, 'camera/horizontal_fov'),
        width, height, _number(sensor, 'update_rate'))


def _pose(element: Element, relative_to: str = '') -> Pose:
    """Return the pose of an element, which must be given relative to ``relative_to``."""
    pose = element.find('pose')
    given = '' if pose is None else pose.get('relative_to', '')
    if given != relative_to:
        raise _error(element, f'its pose is relative to {given!r}, {relative_to!r} is needed')
    if pose is None:
        return Pose()
    x, y, z, roll, pitch, yaw = _numbers(element, 'pose', 6)
    return Pose((x, y, z), (roll, pitch, yaw))


def _text(element: Element, path: str) -> str:
    text = element.findtext(path)
    if not text:
        raise _error(element, f'has no <{path}>')
    return text.strip()


def _numbers(element: Element, path: str, count: int = 0) -> tuple[float, ...]:
    text = _text(element, path)
    try:
        numbers = tuple(float(word) for word in text.split())
    except ValueError as error:
        raise _error(element, f'<{path}> {text!r}: {error}') from error
    if count and len(numbers) != count:
        raise _error(element, f'<{path}> {text!r} has {len(numbers)} numbers, {count} are needed')
    return numbers


def _number(element: Element, path: str) -> float:
    return _numbers(element, path, 1)[0]


def _error(element: Element, problem: str) -> SceneError:
    return SceneError(f'{element.tag} {element.get("name", "")!r}: {problem}')
