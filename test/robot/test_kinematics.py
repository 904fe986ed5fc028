# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Link positions agree with MuJoCo, which reads the same URDF with its own code."""

from hypothesis import given, settings
from hypothesis import strategies as st
import mujoco
import numpy as np
import pytest

from inril_ros.robot.motion.kinematics import (
    KinematicChain,
    KinematicsError,
    limits_from_urdf,
    read_urdf,
)

angle = st.floats(-3.1, 3.1).map(lambda value: round(value, 6))
length = st.floats(-0.5, 0.5).map(lambda value: round(value, 6))
direction = st.sampled_from(['1 0 0', '0 1 0', '0 0 1', '0 0 -1', '0 0.6 0.8', '0.6 -0.8 0'])
BODY = ('<inertial><mass value="1"/>'
        '<inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>')
LIMIT = '<limit lower="-3" upper="3" velocity="2" effort="9"/>'


@st.composite
def arms(draw):
    """Draw a tree: each link is attached to an earlier one by a joint of any kind."""
    count = draw(st.integers(1, 9))
    links = [f'<link name="l0">{BODY}</link>']
    joints = []
    for index in range(1, count + 1):
        parent = draw(st.integers(max(0, index - 3), index - 1))
        kind = draw(st.sampled_from(['revolute', 'revolute', 'continuous', 'prismatic', 'fixed']))
        xyz = ' '.join(str(draw(length)) for _ in range(3))
        rpy = ' '.join(str(draw(angle)) for _ in range(3))
        axis = '' if kind == 'fixed' else f'<axis xyz="{draw(direction)}"/>'
        links.append(f'<link name="l{index}">{BODY}</link>')
        joints.append(
            f'<joint name="j{index}" type="{kind}"><parent link="l{parent}"/>'
            f'<child link="l{index}"/><origin xyz="{xyz}" rpy="{rpy}"/>{axis}{LIMIT}</joint>')
    return f'<robot name="arm">{"".join(links + joints)}</robot>', count


@settings(max_examples=60)
@given(arms(), st.data())
def test_link_positions_are_those_of_mujoco(arm, data):
    text, count = arm
    options = '<mujoco><compiler fusestatic="false" discardvisual="false"/></mujoco>'
    model = mujoco.MjModel.from_xml_string(text.replace('</robot>', f'{options}</robot>'))
    state = mujoco.MjData(model)
    joints = data.draw(st.permutations([model.joint(i).name for i in range(model.njnt)]))
    links = [f'l{index}' for index in range(count + 1)]
    chain = KinematicChain(read_urdf(text), joints, links)
    values = np.array([[data.draw(angle) for _ in joints] for _ in range(2)]).reshape(2, -1)
    if not joints:
        values = np.zeros((2, 1))
    places = chain.positions(values)
    for row, configuration in enumerate(values):
        for joint, value in zip(joints, configuration):
            state.joint(joint).qpos[:] = value
        mujoco.mj_kinematics(model, state)
        for index, link in enumerate(links[1:], start=1):
            expected = state.body(link).xpos
            np.testing.assert_allclose(places[index, row], expected, atol=1e-9)


def seven_joints():
    joints = ''.join(
        f'<joint name="j{i}" type="revolute"><parent link="l{i - 1}"/><child link="l{i}"/>'
        f'<origin xyz="0 0.1 0.2" rpy="1.57 0 {0.1 * i}"/><axis xyz="0 0 1"/>{LIMIT}</joint>'
        for i in range(1, 8))
    tool = ('<joint name="t" type="fixed"><parent link="l7"/><child link="tool"/>'
            '<origin xyz="0 0 0.1"/></joint>')
    links = ''.join(f'<link name="l{i}"/>' for i in range(8)) + '<link name="tool"/>'
    return f'<robot name="seven">{links}{joints}{tool}</robot>'


def test_a_mimic_joint_moves_with_its_source():
    text = ('<robot name="g"><link name="a"/><link name="b"/><link name="c"/>'
            f'<joint name="j" type="prismatic"><parent link="a"/><child link="b"/>'
            f'<axis xyz="0 1 0"/>{LIMIT}</joint>'
            f'<joint name="k" type="prismatic"><parent link="a"/><child link="c"/>'
            f'<axis xyz="0 1 0"/>{LIMIT}<mimic joint="j" multiplier="-2" offset="0.1"/></joint>'
            '</robot>')
    chain = KinematicChain(read_urdf(text), ['j'], ['b', 'c', 'a'])
    places = chain.positions(np.array([[0.25]]))
    np.testing.assert_allclose(places[:, 0], [[0, 0.25, 0], [0, -0.4, 0], [0, 0, 0]], atol=1e-12)


def test_limits_are_those_of_the_file_and_absent_ones_unlimited():
    text = ('<robot name="r"><link name="a"/><link name="b"/><link name="c"/>'
            '<joint name="j" type="revolute"><parent link="a"/><child link="b"/>'
            '<limit lower="-1" upper="2" velocity="0.5" effort="1"/></joint>'
            '<joint name="k" type="continuous"><parent link="b"/><child link="c"/></joint>'
            '</robot>')
    limits = limits_from_urdf(read_urdf(text), ['k', 'j'])
    assert limits.minimum.tolist() == [-np.inf, -1.0]
    assert limits.maximum.tolist() == [np.inf, 2.0]
    assert limits.velocity.tolist() == [np.inf, 0.5]


@pytest.mark.parametrize(('joints', 'links', 'words'), [
    (['j1'], ['hand'], "no link 'hand'"),
    (['j1', 'elbow'], ['l1'], "no joint 'elbow'"),
    (['j1', 'j2'], ['l3'], "'j3' moves one of .'l3'.*none of the commanded joints")])
def test_missing_joints_and_links_are_named(joints, links, words):
    with pytest.raises(KinematicsError, match=words):
        KinematicChain(read_urdf(seven_joints()), joints, links)


@pytest.mark.parametrize('text', ['', 'robot', '<robot', '<mujoco/>'])
def test_a_file_that_is_no_urdf_is_refused(text):
    with pytest.raises(KinematicsError, match='cannot be read'):
        read_urdf(text)
