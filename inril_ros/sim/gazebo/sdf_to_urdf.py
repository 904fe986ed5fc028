# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The URDF of an arm that is described by a Gazebo world.

The URDF is read by ROS: by the safety gate's box around links, robot_state_publisher, and
ros2_control. It is written from the world by

    python3 -m inril_ros.sim.gazebo.sdf_to_urdf config/gazebo/arm_world.sdf arm gazebo_arm

A test compares this with the file that comes with the package.
"""

import sys
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from inril_ros.sim.gazebo.scene import Joint, Link, Model, Pose, Shape
from inril_ros.sim.gazebo.sdf_scene import read_scene

# The hash of the arm's contract covers this text: with another one, earlier demonstrations and
# policies would be refused. So it names the place where this file was at first.
_NOTE = ('Copyright 2026 inril_ros contributors\n     SPDX-License-Identifier: Apache-2.0\n'
         '     Written from config/gazebo/arm_world.sdf by inril_ros/sim/sdf_to_urdf.py: '
         'change the world instead.')


def urdf_of(model: Model, name: str) -> str:
    """Return the text of a URDF with the links, joints and frames of a model."""
    robot = Element('robot', name=name)
    for link in model.links:
        _add_link(robot, link)
    for frame in model.frames:
        SubElement(robot, 'link', name=frame)
    for joint in model.joints:
        _add_joint(robot, joint)
    for frame, (link, pose) in model.frames.items():
        fixed = SubElement(robot, 'joint', name=f'{frame}_joint', type='fixed')
        SubElement(fixed, 'parent', link=link)
        SubElement(fixed, 'child', link=frame)
        _add_origin(fixed, pose)
    ElementTree.indent(robot)
    body = ElementTree.tostring(robot, encoding='unicode')
    return f'<?xml version="1.0"?>\n<!-- {_NOTE} -->\n{body}\n'


def _add_link(robot: Element, link: Link) -> None:
    element = SubElement(robot, 'link', name=link.name)
    if link.inertial is not None:
        inertial = SubElement(element, 'inertial')
        _add_origin(inertial, link.inertial.centre)
        SubElement(inertial, 'mass', value=repr(link.inertial.mass))
        x, y, z = map(repr, link.inertial.moments)
        SubElement(inertial, 'inertia', ixx=x, iyy=y, izz=z, ixy='0', ixz='0', iyz='0')
    for shape in link.shapes:
        visual = SubElement(element, 'visual', name=shape.name)
        _add_geometry(visual, shape)
        material = SubElement(visual, 'material', name=f'{shape.name}_colour')
        SubElement(material, 'color', rgba=_words(shape.colour))
        _add_geometry(SubElement(element, 'collision', name=shape.name), shape)


def _add_joint(robot: Element, joint: Joint) -> None:
    element = SubElement(robot, 'joint', name=joint.name, type=joint.kind)
    SubElement(element, 'parent', link=joint.parent)
    SubElement(element, 'child', link=joint.child)
    _add_origin(element, joint.pose)
    SubElement(element, 'axis', xyz=_words(joint.axis))
    SubElement(element, 'limit', lower=repr(joint.lower), upper=repr(joint.upper),
               effort=repr(joint.effort), velocity=repr(joint.velocity))
    SubElement(element, 'dynamics', damping=repr(joint.damping))


def _add_geometry(element: Element, shape: Shape) -> None:
    _add_origin(element, shape.pose)
    geometry = SubElement(element, 'geometry')
    if shape.kind == 'box':
        SubElement(geometry, 'box', size=_words(shape.size))
    else:
        radius, length = map(repr, shape.size)
        SubElement(geometry, 'cylinder', radius=radius, length=length)


def _add_origin(element: Element, pose: Pose) -> None:
    SubElement(element, 'origin', xyz=_words(pose.xyz), rpy=_words(pose.rpy))


def _words(numbers: tuple[float, ...]) -> str:
    return ' '.join(map(repr, numbers))


def main(arguments: list[str]) -> int:
    """Print the URDF of a model: world file, model name, and the robot's name if it differs."""
    world, model, *name = arguments
    sys.stdout.write(urdf_of(read_scene(world).model(model), *(name or [model])))
    return 0


if __name__ == '__main__':
    raise SystemExit(main(sys.argv[1:]))
