# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Gazebo's world, the models derived from it, its bridge and the contract agree.

Nothing here needs Gazebo or ROS. The type pairs of ros_gz_bridge are in a table that is copied
from its documentation.
"""

from pathlib import Path
import re
import shutil
import subprocess
from xml.etree import ElementTree

import mujoco
import numpy as np
import pytest
from rosbags.typesys import get_typestore, Stores
import yaml

from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.motion.kinematics import KinematicChain, limits_from_urdf, read_urdf
from inril_ros.sim.gazebo.scene import SceneError
from inril_ros.sim.gazebo.sdf_scene import read_scene, without
from inril_ros.sim.gazebo.sdf_to_mujoco import mujoco_xml
from inril_ros.sim.gazebo.sdf_to_urdf import urdf_of
from inril_ros.sim.gazebo.top_down_arm import top_down_arm, Unreachable
from inril_ros.sim.mapping import find_task, load_mapping

CONFIG = Path(__file__).parents[2] / 'config'
WORLD = CONFIG / 'gazebo' / 'arm_world.sdf'
URDF = CONFIG / 'robots' / 'gazebo_arm' / 'gazebo_arm.urdf'
XACRO = CONFIG / 'gazebo' / 'ros2_control' / 'arm.urdf.xacro'
BRIDGES = {'sdf': CONFIG / 'gazebo' / 'bridge.yaml',
           'ros2_control': CONFIG / 'gazebo' / 'ros2_control' / 'bridge.yaml'}
CONTRACT = load_contract(CONFIG / 'robots' / 'gazebo_arm.yaml')
SCENE = read_scene(WORLD)
ARM = SCENE.model('arm')
JOINTS = [joint.name for joint in ARM.joints]
# The type pairs of ros_gz_bridge in use (from its README), and the sensible direction.
PAIRS = {
    ('rosgraph_msgs/msg/Clock', 'gz.msgs.Clock', 'GZ_TO_ROS'),
    ('sensor_msgs/msg/JointState', 'gz.msgs.Model', 'GZ_TO_ROS'),
    ('geometry_msgs/msg/PoseStamped', 'gz.msgs.Pose', 'GZ_TO_ROS'),
    ('sensor_msgs/msg/Image', 'gz.msgs.Image', 'GZ_TO_ROS'),
    ('sensor_msgs/msg/CameraInfo', 'gz.msgs.CameraInfo', 'GZ_TO_ROS'),
    ('ros_gz_interfaces/msg/Contacts', 'gz.msgs.Contacts', 'GZ_TO_ROS'),
    ('trajectory_msgs/msg/JointTrajectory', 'gz.msgs.JointTrajectory', 'ROS_TO_GZ'),
}
KEYS = {'ros_topic_name', 'gz_topic_name', 'ros_type_name', 'gz_type_name', 'direction', 'lazy'}
# Names of gz-sim's libraries and classes (Harmonic).
PLUGINS = {
    'gz-sim-physics-system': 'Physics', 'gz-sim-user-commands-system': 'UserCommands',
    'gz-sim-scene-broadcaster-system': 'SceneBroadcaster', 'gz-sim-contact-system': 'Contact',
    'gz-sim-sensors-system': 'Sensors', 'gz-sim-pose-publisher-system': 'PosePublisher',
    'gz-sim-joint-state-publisher-system': 'JointStatePublisher',
    'gz-sim-joint-trajectory-controller-system': 'JointTrajectoryController',
}
CONFIGURATIONS = np.random.default_rng(0).uniform(-0.7, 0.7, (20, 6))


def bridge(name):
    return yaml.safe_load(BRIDGES[name].read_text(encoding='utf-8'))


@pytest.fixture(scope='module')
def simulated():
    model = mujoco.MjModel.from_xml_string(mujoco_xml(SCENE))
    return model, mujoco.MjData(model)


@pytest.fixture(scope='module')
def urdf():
    return read_urdf(URDF.read_text(encoding='utf-8'))


def tool_in_mujoco(simulated, joints):
    model, data = simulated
    for name, position in zip(JOINTS, joints):
        data.joint(name).qpos[0] = position
    mujoco.mj_kinematics(model, data)
    return data.site('tool0').xpos.copy(), data.site('tool0').xmat.reshape(3, 3).copy()


def test_the_urdf_is_that_derived_from_the_world():
    assert URDF.read_text(encoding='utf-8') == urdf_of(ARM, 'gazebo_arm'), (
        'run: python -m inril_ros.sim.gazebo.sdf_to_urdf config/gazebo/arm_world.sdf arm '
        'gazebo_arm > config/robots/gazebo_arm/gazebo_arm.urdf')


def test_the_tool_is_at_the_same_place_in_urdf_mujoco_and_the_operator_s_kinematics(
        simulated, urdf):
    in_urdf = KinematicChain(urdf, JOINTS[:6], ['tool0']).positions(CONFIGURATIONS)[0]
    closed_form = top_down_arm(ARM)
    for joints, place in zip(CONFIGURATIONS, in_urdf):
        np.testing.assert_allclose(tool_in_mujoco(simulated, joints)[0], place, atol=1e-9)
        np.testing.assert_allclose(closed_form.tool_position(joints), place, atol=1e-9)


@pytest.mark.parametrize('yaw', [-0.5, 0.0, 0.4])
@pytest.mark.parametrize('place', [(0.4, 0.0, 0.02), (0.34, 0.1, 0.2), (0.46, -0.1, 0.02)])
def test_the_inverse_kinematics_point_the_tool_down_at_the_place(simulated, place, yaw):
    joints = top_down_arm(ARM).joints(np.array(place), yaw)
    reached, rotation = tool_in_mujoco(simulated, joints)
    np.testing.assert_allclose(reached, place, atol=1e-9)
    np.testing.assert_allclose(rotation[:, 2], [0.0, 0.0, -1.0], atol=1e-9)
    np.testing.assert_allclose(rotation[:, 1], [-np.sin(yaw), np.cos(yaw), 0.0], atol=1e-9)


def test_a_place_out_of_reach_is_reported():
    with pytest.raises(Unreachable, match='the wrist would be'):
        top_down_arm(ARM).joints(np.array([0.9, 0.0, 0.1]), 0.0)


def test_at_zero_the_arm_is_at_home():
    home = CONTRACT.episode.home
    assert set(home) == set(JOINTS)
    assert [home[name] for name in JOINTS] == [drive.start for drive in ARM.drives]
    assert all(home[name] == 0.0 for name in JOINTS[:6])


def test_masses_and_inertias_are_the_same_in_mujoco(simulated):
    model, _ = simulated
    for link in ARM.links:
        body = model.body(link.name)
        assert body.mass[0] == pytest.approx(link.inertial.mass)
        np.testing.assert_allclose(sorted(body.inertia), sorted(link.inertial.moments))


def test_between_two_shapes_the_lower_friction_counts_as_in_dart(simulated):
    model, data = simulated
    mujoco.mj_resetData(model, data)
    data.joint('finger_joint').qpos[0] = 0.05
    mujoco.mj_kinematics(model, data)
    data.joint('cube').qpos[:3] = data.geom('finger').xpos - [0.0, 0.025, 0.0]
    mujoco.mj_forward(model, data)
    jaw, cube = model.geom('finger'), model.geom('cube')
    touching = [contact for contact in data.contact
                if {contact.geom1, contact.geom2} == {jaw.id, cube.id}]
    assert touching and cube.friction[0] < jaw.friction[0]
    assert all(contact.friction[0] == cube.friction[0] for contact in touching)


@pytest.mark.parametrize('link', [
    link for model in SCENE.models for link in model.links if link.inertial is not None],
    ids=lambda link: link.name)
def test_inertias_are_physically_possible(link):
    moments = sorted(link.inertial.moments)
    assert moments[0] > 0.0 and moments[0] + moments[1] >= moments[2]


def test_joints_and_limits_are_the_same_everywhere(simulated, urdf):
    model, _ = simulated
    assert [joint for action in CONTRACT.actions.values() for joint in action.joints] == JOINTS
    assert [drive.joint for drive in ARM.drives] == JOINTS
    limits = limits_from_urdf(urdf, JOINTS)
    for index, joint in enumerate(ARM.joints):
        assert tuple(model.joint(joint.name).range) == (joint.lower, joint.upper)
        assert model.joint(joint.name).damping[0] == joint.damping
        assert (limits.minimum[index], limits.maximum[index], limits.velocity[index]) == (
            joint.lower, joint.upper, joint.velocity)


def test_the_contract_s_limits_are_below_those_of_the_joints():
    for action in CONTRACT.actions.values():
        for index, name in enumerate(action.joints):
            joint = ARM.joint(name)
            assert joint.lower <= action.minimum[index] < action.maximum[index] <= joint.upper
            assert action.max_velocity[0] <= joint.velocity


def test_gazebo_s_systems_have_known_names():
    found = {plugin.get('filename'): plugin.get('name')
             for plugin in ElementTree.parse(WORLD).iter('plugin')}
    assert found == {file: f'gz::sim::systems::{name}' for file, name in PLUGINS.items()}


@pytest.mark.parametrize('name', BRIDGES)
def test_the_bridge_has_known_keys_pairs_and_types(name):
    store = get_typestore(Stores.ROS2_JAZZY)
    for entry in bridge(name):
        assert KEYS - {'lazy'} <= set(entry) <= KEYS
        assert (entry['ros_type_name'], entry['gz_type_name'], entry['direction']) in PAIRS
        assert entry['ros_type_name'] in store.types or entry['ros_type_name'].startswith(
            'ros_gz_interfaces/')
    clocks = [entry for entry in bridge(name) if entry['ros_topic_name'] == '/clock']
    assert [entry['direction'] for entry in clocks] == ['GZ_TO_ROS']


def test_the_bridge_s_topics_of_gazebo_are_those_of_the_world():
    world = {element.text for tag in ('topic', 'camera_info_topic')
             for element in ElementTree.parse(WORLD).iter(tag)}
    given = {'/clock', '/model/cube/pose', '/world/inril_arm/model/cube/pose'}
    assert {entry['gz_topic_name'] for entry in bridge('sdf')} == world | given
    assert given <= {entry['gz_topic_name'] for entry in bridge('ros2_control')} <= world | given


def test_the_pose_publisher_has_the_topic_that_every_version_gives_it():
    """A <topic> is read from gz-sim 8.12 and 10.2 on, and silently ignored before."""
    publishers = ElementTree.parse(WORLD).findall(
        ".//model[@name='cube']/plugin[@name='gz::sim::systems::PosePublisher']")
    assert [each.find('topic') for each in publishers] == [None]


def test_the_bridge_carries_the_contract_s_topics():
    carried = {(entry['ros_topic_name'], entry['ros_type_name'], entry['direction'])
               for entry in bridge('sdf')}
    cameras = {camera.topic: camera.type for camera in CONTRACT.cameras.values()}
    for topic, kind in {**CONTRACT.observation_topics(), **cameras}.items():
        assert (topic, kind, 'GZ_TO_ROS') in carried
    for topic, kind in CONTRACT.action_topics().items():
        assert (topic, kind, 'ROS_TO_GZ') in carried


def test_with_ros2_control_the_controllers_have_the_topics_that_are_not_bridged():
    carried = {entry['ros_topic_name'] for entry in bridge('ros2_control')}
    controllers = yaml.safe_load(
        (XACRO.parent / 'controllers.yaml').read_text(encoding='utf-8'))
    topics = {f'{key.rpartition("/")[2]}/joint_trajectory': value['ros__parameters']['joints']
              for key, value in controllers.items()
              if 'joints' in value['ros__parameters']}
    assert topics == {action.topic: list(action.joints) for action in CONTRACT.actions.values()}
    wanted = {*CONTRACT.observation_topics(), *CONTRACT.action_topics(),
              *(camera.topic for camera in CONTRACT.cameras.values())}
    assert wanted - carried == {'joint_states', *topics}
    running = set(controllers['/**/controller_manager']['ros__parameters']) - {'update_rate'}
    assert running == {key.rpartition('/')[0] for key in topics} | {'joint_state_broadcaster'}


def test_the_xacro_adds_to_the_urdf_what_ros2_control_needs():
    robot = ElementTree.parse(XACRO).getroot()
    prefix = '{http://www.ros.org/wiki/xacro}'
    driven = {each.get('name'): float(each.get('start'))
              for each in robot.findall(f'ros2_control/{prefix}driven')}
    assert driven == CONTRACT.episode.home
    assert robot.find(f'{prefix}include').get('filename').endswith(
        '/robots/gazebo_arm/gazebo_arm.urdf')
    friction = {element.get('reference'): float(element.findtext('mu1'))
                for element in robot.findall('gazebo') if element.get('reference')}
    jaws = {link.name: link.shapes[-1].friction for link in ARM.links
            if link.name in ('hand_link', 'finger_link')}
    assert friction == jaws


def test_the_mapping_s_world_and_object_exist():
    path = CONFIG / 'simulations' / 'gazebo_arm.yaml'
    mapping = load_mapping(path)
    assert (path.parent / mapping.world).resolve() == WORLD.resolve()
    task = find_task(mapping, 'lift')
    cube = SCENE.model(task.object)
    assert cube.pose.xyz[2] == task.start.z  # as placed by the world
    low, high = np.array([task.start.x, task.start.y]).T
    assert (low < cube.pose.xyz[:2]).all() and (high > cube.pose.xyz[:2]).all()


def test_the_camera_has_the_contract_s_size_and_rate():
    camera = SCENE.model('front_camera').cameras[0]
    wanted = CONTRACT.cameras[camera.name]
    assert (camera.width, camera.height, camera.rate) == (
        wanted.width, wanted.height, wanted.rate)


def test_without_the_arm_the_world_is_for_a_robot_that_is_spawned():
    text = without(WORLD.read_text(encoding='utf-8'), ('model', 'arm'))
    names = [model.get('name') for model in ElementTree.fromstring(text).iter('model')]
    assert names == [model.name for model in SCENE.models if model.name != 'arm']
    with pytest.raises(SceneError, match="no model 'leg'"):
        without(text, ('model', 'leg'))


def test_without_its_camera_the_world_has_nothing_to_render():
    text = without(WORLD.read_text(encoding='utf-8'), ('model', 'front_camera'),
                   ('plugin', 'gz::sim::systems::Sensors'))
    world = ElementTree.fromstring(text)
    assert 'camera' not in {sensor.get('type') for sensor in world.iter('sensor')}
    assert 'Sensors' not in text


@pytest.mark.parametrize(('was', 'becomes', 'message'), [
    ('<pose relative_to="joint_2">0 0 0 0', '<pose relative_to="joint_2">0 0 1 0',
     "link 'upper_arm_link': must lie at its joint"),
    ('<pose relative_to="shoulder_link">', '<pose>', "relative to '', 'shoulder_link' is needed"),
    ('type="revolute"', 'type="ball"', 'is ball'),
    ('<box><size>0.04 0.04 0.04</size></box>', '<sphere/>', "'cube_collision': needs a box"),
    ('<ixy>0</ixy>', '<ixy>0.1</ixy>', 'principal moments'),
    ('<mass>1.5</mass>', '<mass>heavy</mass>', "'heavy'"),
    ('<lower>-2.9</lower>', '', 'has no <axis/limit/lower>'),
    ('<model name="arm">', '<model name="arm"><include/>', r"\['include'\] is not understood"),
    ('<position_p_gain>400</position_p_gain>', '', 'give each joint one of .*position_p_gain'),
    ('<position_i_gain>0</position_i_gain>', '<position_d_gain>1</position_d_gain>',
     r"\['position_d_gain'\] is not understood"),
    ('<position_i_min>-16</position_i_min>', '<position_i_min>0</position_i_min>',
     'joint_2: limits must be symmetric'),
    ('</sdf>', '', 'is not XML')])
def test_elements_that_derived_models_cannot_have_are_refused(tmp_path, was, becomes, message):
    text = WORLD.read_text(encoding='utf-8')
    assert was in text
    file = tmp_path / 'world.sdf'
    file.write_text(text.replace(was, becomes, 1), encoding='utf-8')
    with pytest.raises(SceneError, match=message) as error:
        read_scene(file)
    assert re.match(re.escape(str(file)), str(error.value))


@pytest.mark.skipif(shutil.which('gz') is None, reason='gz comes with Gazebo only')
def test_gazebo_itself_accepts_world_and_urdf():
    for file in (WORLD, URDF):
        checked = subprocess.run(['gz', 'sdf', '--check', str(file)], capture_output=True,
                                 text=True, check=False)
        assert checked.returncode == 0 and 'Error' not in checked.stderr, checked.stderr
