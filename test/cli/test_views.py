# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`inril views` writes layouts whose topics, fields, joints and services the robot's graph has."""

import json
from pathlib import Path
import re

from command_line import refused, succeeded
from contract_files import ROBOTS
import numpy as np
import pytest
from rosbags.typesys import get_types_from_msg
from scipy.spatial.transform import Rotation
import yaml

from inril_ros.cli.views.foxglove import BUTTONS, PLOTS, STATES
from inril_ros.graph.security_policy import rights
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.motion.kinematics import read_urdf, urdf_of
from inril_ros.sim.mock_arm.viewed_model import viewed_model

MSG = Path(__file__).parents[2] / 'msg'
TYPES = {'executed_action': 'ExecutedAction', 'actuation/status': 'ActuationStatus',
         'policy/status': 'PolicyStatus', 'learner/status': 'LearnerStatus'}
CONTRACTS = sorted(path.stem for path in ROBOTS.glob('*.yaml'))
#: Of rviz_default_plugins (plugins_description.xml).
PLUGINS = {'Grid', 'RobotModel', 'TF', 'Pose', 'PointStamped', 'Wrench', 'Odometry', 'Image'}

#: What Foxglove reads as a path to a value: a topic, fields, elements of arrays.
PATH = re.compile(r'^(/[\w-]+)+(\.[\w-]+(\[\d+\])?)+$')


@pytest.fixture(params=[(name, namespace) for name in CONTRACTS for namespace in ('', '/left')],
                ids=lambda given: '-'.join(given))
def made(request, tmp_path):
    """Return contract, namespace, RViz configuration and Foxglove layout of a robot."""
    name, namespace = request.param
    succeeded('views', name, '--namespace', namespace, '--to', tmp_path)
    title = f'{name}{namespace.replace("/", "_")}'
    return (load_contract(ROBOTS / f'{name}.yaml'), namespace,
            yaml.safe_load((tmp_path / f'{title}.rviz').read_text()),
            json.loads((tmp_path / f'{title}_foxglove.json').read_text()))


def full(namespace, topic):
    return topic if topic.startswith('/') else f'{namespace}/{topic}'


def fields(kind):
    text = (MSG / f'{kind}.msg').read_text(encoding='utf-8')
    (_, (_, members)), *_ = get_types_from_msg(text, f'inril_ros/msg/{kind}').items()
    return {name: node for name, node in members}


@pytest.mark.parametrize('path', [path for paths in PLOTS.values() for path, _ in paths])
def test_a_plot_shows_a_field_that_is_one_number(path):
    topic, _, field = path.partition('.')
    node = fields(TYPES[topic])[field]
    assert node[0].name == 'BASE' and node[1][0] in (
        'bool', 'uint8', 'uint32', 'uint64', 'float32', 'float64')


@pytest.mark.parametrize('path', [path for path, _ in STATES])
def test_a_state_is_a_field_of_a_message(path):
    topic, _, field = path.partition('.')
    assert re.sub(r'\[0\]$', '', field) in fields(TYPES[topic])


@pytest.mark.parametrize('wanted', [
    'learner/status.successes', 'learner/status.weights_version', 'policy/status.weights_version',
    'learner/status.updates_per_second', 'actuation/status.interventions'])
def test_what_a_person_asks_first_is_plotted(wanted):
    assert wanted in [path for paths in PLOTS.values() for path, _ in paths]
    assert 'policy/status.gate_reason' in [path for path, _ in STATES]


def test_each_joint_is_plotted_by_its_name_where_it_stands_in_the_command(made):
    contract, namespace, _, layout = made
    shown = {path['value']: path['label'] for name, panel in layout['configById'].items()
             if name.startswith('Plot!commanded') for path in panel['paths']}
    labels = [label for entry in contract.actions.values() for label in (
        entry.joints or [f'{entry.field}[{index}]' for index in range(entry.length)])]
    assert shown == {full(namespace, f'executed_action.executed[{index}]'): label
                     for index, label in enumerate(labels)}


def test_topics_are_those_of_the_arm_in_its_namespace(made):
    contract, namespace, rviz, layout = made
    observed = {full(namespace, topic): kind
                for topic, kind in contract.observation_topics().items()}
    cameras = [full(namespace, camera.topic) for camera in contract.cameras.values()]
    panels = layout['configById']
    assert [panel['imageMode']['imageTopic'] for name, panel in panels.items()
            if name.startswith('Image!')] == cameras
    scene = panels['3D!arm']
    assert scene['layers']['arm']['topic'] == full(namespace, 'robot_description')
    assert all(observed[topic].split('/')[-1] in ('PoseStamped', 'PointStamped')
               for topic in scene['topics'])
    assert {panel['topicPath'] for name, panel in panels.items() if name.startswith('RawMessages')
            } == {topic for topic, kind in observed.items() if kind.endswith('/JointState')}
    paths = [path['value'] for name, panel in panels.items()
             if name.startswith(('Plot!', 'StateTransitions!')) for path in panel['paths']]
    assert all(path.startswith(f'{namespace}/') for path in paths)
    assert all(PATH.match(path) for path in paths)
    displays = rviz['Visualization Manager']['Displays']
    shown = {display['Topic']['Value']: display['Class'] for display in displays
             if 'Topic' in display}
    kinds = {'Pose': 'PoseStamped', 'PointStamped': 'PointStamped', 'Wrench': 'WrenchStamped',
             'Odometry': 'Odometry'}
    for topic, plugin in shown.items():
        name = plugin.removeprefix('rviz_default_plugins/')
        assert topic in cameras if name == 'Image' else observed[topic].endswith(
            f'/{kinds[name]}')
        assert next(each for each in displays if each.get('Topic', {}).get('Value') == topic)[
            'Topic']['Reliability Policy'] == 'Best Effort'  # fits every publisher
    assert set(cameras) <= set(shown)
    assert {display['Class'].split('/')[1] for display in displays} <= PLUGINS


def test_buttons_call_services_that_the_actuation_node_has(made):
    contract, namespace, _, layout = made
    served = {full(namespace, service.replace('~', 'actuation_node'))
              for service in rights(contract)['actuation_node'].serves}
    called = [panel for name, panel in layout['configById'].items()
              if name.startswith('CallService!')]
    assert {panel['serviceName'] for panel in called} == served
    for panel, (_, _, request, _) in zip(called, BUTTONS, strict=True):
        assert json.loads(panel['requestPayload']) == request
        takes_data = panel['serviceName'].endswith(('/enable', '/estop'))
        assert list(request) == (['data'] if takes_data else [])


def test_each_panel_is_placed_once(made):
    def panels(part):
        return [part] if isinstance(part, str) else panels(part['first']) + panels(part['second'])

    layout = made[-1]
    assert sorted(panels(layout['layout'])) == sorted(layout['configById'])


def test_the_arm_stands_in_the_root_of_its_urdf(tmp_path):
    succeeded('views', 'ur5e_joint_trajectory', '--frame-prefix', 'left/', '--to', tmp_path)
    rviz = yaml.safe_load((tmp_path / 'ur5e_joint_trajectory.rviz').read_text())
    layout = json.loads((tmp_path / 'ur5e_joint_trajectory_foxglove.json').read_text())
    manager = rviz['Visualization Manager']
    assert manager['Global Options']['Fixed Frame'] == 'left/base_link'
    assert layout['configById']['3D!arm']['followTf'] == 'left/base_link'
    model = next(each for each in manager['Displays'] if each['Name'] == 'Arm')
    assert model['TF Prefix'] == 'left'
    assert layout['configById']['3D!arm']['layers']['arm']['framePrefix'] == 'left/'


def test_a_layout_that_is_there_is_kept(tmp_path):
    succeeded('views', 'mock_arm', '--to', tmp_path)
    (tmp_path / 'mock_arm.rviz').write_text('mine')
    assert '--overwrite' in refused('views', 'mock_arm', '--to', tmp_path)
    assert (tmp_path / 'mock_arm.rviz').read_text() == 'mine'
    succeeded('views', 'mock_arm', '--to', tmp_path, '--overwrite')
    assert (tmp_path / 'mock_arm.rviz').read_text() != 'mine'


def test_the_shown_mock_arm_has_its_joints_at_the_ends_of_its_cylinders():
    file = ROBOTS / 'mock_arm.yaml'
    shown, own = read_urdf(viewed_model(file)), urdf_of(load_contract(file), file)
    assert shown.joint_map.keys() == own.joint_map.keys()
    ends = 0
    for joint in shown.joints:
        end = np.array(joint.origin.xyz)
        for visual in shown.link_map[joint.parent].visuals:
            half = np.array([0.0, 0.0, 0.5 * visual.geometry.length])
            turned = Rotation.from_euler('xyz', visual.origin.rpy).apply(half)
            if np.allclose(np.array(visual.origin.xyz) + turned, end, atol=1e-4):
                ends += 1
    assert ends == sum(len(link.visuals) for link in shown.links) >= 5
