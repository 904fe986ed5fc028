# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The MuJoCo model of a Gazebo world, made when it is needed.

MuJoCo's PID actuators take the place of Gazebo's controllers, with the same gains and limits of
effort, and the same damping in the joints. Between two shapes the lower friction counts, as in
DART, Gazebo's engine. Contacts differ between physics engines; masses, geometry and friction
don't. MuJoCo has no limits of velocity: who steps the model calls ``limit_velocities``.
"""

from collections.abc import Callable, Mapping
import math
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from inril_ros.sim.gazebo.scene import CameraSensor, Drive, Link, Model, Pose, Scene, Shape

# Links of one model don't collide with each other, as in Gazebo without self_collide.
_ROBOT = {'contype': '1', 'conaffinity': '2'}
_THING = {'contype': '2', 'conaffinity': '3'}


def mujoco_xml(scene: Scene) -> str:
    """Return the text of a MuJoCo model (MJCF) of a scene.

    Bodies have the names of models and links, sites those of frames, actuators those of joints. A
    model without joints that isn't static moves freely, with a free joint of the model's name.
    """
    root = Element('mujoco', model=scene.name)
    SubElement(root, 'compiler', angle='radian', autolimits='true')
    # implicitfast: the joints' damping may be strong. noslip: a grasped object doesn't creep.
    SubElement(root, 'option', timestep=repr(scene.step), gravity=_words(scene.gravity),
               integrator='implicitfast', cone='elliptic', impratio='10', noslip_iterations='3')
    world = SubElement(root, 'worldbody')
    SubElement(world, 'light', pos='0 0 3', dir='0 0 -1', directional='true',
               diffuse='0.7 0.7 0.7')
    controllers = SubElement(SubElement(root, 'extension'), 'plugin', plugin='mujoco.pid')
    actuators = SubElement(root, 'actuator')
    frictions = sorted({shape.friction for model in scene.models for link in model.links
                        for shape in link.shapes}, reverse=True)
    for model in scene.models:
        _add_model(world, model, frictions)
        for drive in model.drives:
            _add_drive(actuators, controllers, drive)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding='unicode')


def limit_velocities(model: mujoco.MjModel, scene: Scene) -> Callable[[mujoco.MjData], None]:
    """Return a function that cuts a step, after it was done, to the limits of joint speeds."""
    names = [joint.name for each in scene.models for joint in each.joints]
    speeds = np.array([model.joint(name).dofadr[0] for name in names], int)
    places = np.array([model.joint(name).qposadr[0] for name in names], int)
    highest = np.array([joint.velocity for each in scene.models for joint in each.joints])

    def limit(data: mujoco.MjData) -> None:
        excess = data.qvel[speeds] - np.clip(data.qvel[speeds], -highest, highest)
        data.qvel[speeds] -= excess
        data.qpos[places] -= excess * scene.step  # the step moved by the speed at its end

    return limit


def _add_drive(actuators: Element, controllers: Element, drive: Drive) -> None:
    gains = SubElement(controllers, 'instance', name=drive.joint)
    for key, value in (('kp', drive.gain), ('ki', drive.integral),
                       ('imax', drive.integral_effort)):
        SubElement(gains, 'config', key=key, value=repr(value))
    SubElement(actuators, 'plugin', name=drive.joint, joint=drive.joint, plugin='mujoco.pid',
               instance=drive.joint, actdim=str(int(drive.integral > 0.0)),
               forcerange=_words((-drive.effort, drive.effort)))


def _add_model(world: Element, model: Model, frictions: list[float]) -> None:
    children = {joint.child: joint for joint in model.joints}
    links = {link.name: link for link in model.links}
    bodies: dict[str, Element] = {}
    base = _body(world, model.name, model.pose)
    if not model.static and not model.joints:
        SubElement(base, 'freejoint', name=model.name)
    for link in model.links:
        if link.name not in children:
            bodies[link.name] = base if len(model.links) == 1 else _body(base, link.name, Pose())
    for joint in model.joints:  # parents come before their children in the file
        body = bodies[joint.child] = _body(bodies[joint.parent], joint.child, joint.pose)
        SubElement(body, 'joint', name=joint.name, axis=_words(joint.axis),
                   type='hinge' if joint.kind == 'revolute' else 'slide',
                   range=_words((joint.lower, joint.upper)), damping=repr(joint.damping))
    for name, body in bodies.items():
        _fill_body(body, links[name], _ROBOT if model.joints else _THING, frictions)
    for name, (link, pose) in model.frames.items():
        SubElement(bodies[link], 'site', name=name, size='0.002', **_place(pose))
    for camera in model.cameras:
        _add_camera(next(iter(bodies.values())), camera)


def _body(parent: Element, name: str, pose: Pose) -> Element:
    return SubElement(parent, 'body', name=name, **_place(pose))


def _fill_body(
    body: Element, link: Link, collides: Mapping[str, str], frictions: list[float],
) -> None:
    if link.weightless:
        body.set('gravcomp', '1')
    if link.inertial is not None:
        SubElement(body, 'inertial', mass=repr(link.inertial.mass),
                   diaginertia=_words(link.inertial.moments), **_place(link.inertial.centre))
    for shape in link.shapes:
        # Of two shapes, the friction of the one with the higher priority counts.
        _add_shape(body, shape, {**collides, 'priority': str(frictions.index(shape.friction))})


def _add_shape(body: Element, shape: Shape, collides: Mapping[str, str]) -> None:
    if shape.kind == 'box':
        size = tuple(0.5 * length for length in shape.size)
    else:
        size = (shape.size[0], 0.5 * shape.size[1])
    SubElement(body, 'geom', name=shape.name, type=shape.kind, size=_words(size),
               friction=_words((shape.friction, 0.005, 0.0001)), condim='4',
               rgba=_words(shape.colour), **_place(shape.pose), **collides)


def _add_camera(body: Element, camera: CameraSensor) -> None:
    # MuJoCo's cameras look along -z with y up, Gazebo's along x with z up.
    aspect = camera.height / camera.width
    fovy = 2.0 * math.degrees(math.atan(aspect * math.tan(0.5 * camera.horizontal_fov)))
    SubElement(body, 'camera', name=camera.name, fovy=repr(fovy), xyaxes='0 -1 0 0 0 1')


def _place(pose: Pose) -> dict[str, str]:
    x, y, z, w = Rotation.from_euler('xyz', pose.rpy).as_quat()
    return {'pos': _words(pose.xyz), 'quat': _words((w, x, y, z))}


def _words(numbers: tuple[float, ...]) -> str:
    return ' '.join(repr(float(number)) for number in numbers)
