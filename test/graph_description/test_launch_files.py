# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The launch files start what the graph description says, with the arguments they describe.

They are run against what stands for ``launch`` in launch_stub.py; where ROS provides it, the real
one reads each of them, too.
"""

from dataclasses import fields
import os
from pathlib import Path
import shlex
import shutil
import sys
from types import SimpleNamespace
from xml.etree import ElementTree

import ament_index_python.packages
from ament_index_python.packages import PackageNotFoundError
from launch_stub import declared, FOLDER, Missing, started, stubbed
import pytest
import yaml

from inril_ros.graph.description import GraphOptions, NodeDescription, ros_arguments, STAGES
from inril_ros.robot.contract.contract import load_contract

FILES = sorted(path.name.removesuffix('.launch.py') for path in FOLDER.glob('*.launch.py'))
CONFIG = FOLDER.parent / 'config'
PATHS = dict(demonstrations='demos', journal='journal', finetune_config='finetune.yaml',
             pretrained='pretrained', run_dir='run', model='model')
#: Of each file: what has to be given, and the stage that it starts.
GIVEN = {
    'record': (('contract', 'demonstrations'), 'record'),
    'deploy': (('contract', 'model'), 'evaluate'),
    'finetune': (('contract', 'pretrained', 'journal'), 'finetune'),
    'learner': (('contract', 'pretrained', 'demonstrations', 'finetune_config', 'run_dir'),
                'learn'),
}


def given(*names, **more):
    return {**{name: PATHS.get(name, 'arm.yaml') for name in names}, **more}


def executables(nodes):
    return [node['executable'] for node in nodes]


def test_these_are_the_launch_files():
    assert set(FILES) == {'robot', 'sim', 'gazebo', *GIVEN}


@pytest.mark.parametrize('name', FILES)
def test_every_argument_is_described(name):
    for argument, settings in declared(name).items():
        assert len(settings['description']) > 10, argument
        choices = settings.get('choices')
        assert not choices or settings['default_value'] in choices


def test_every_option_is_an_argument_of_the_robot_s_launch_file():
    options = {field.name for field in fields(GraphOptions)}
    assert set(declared('robot')) == options | {'stage'}
    for name in FILES:
        assert set(declared(name)) <= options | {
            'stage', 'headless', 'ros2_control', 'highest_rate'}


def test_defaults_are_those_of_the_options():
    """Apart from what a launch file has for people: nodes that crash come back."""
    defaults = {field.name: field.default for field in fields(GraphOptions)}
    for name, settings in declared('robot').items():
        if name in ('stage', 'contract', 'run_id', 'respawn'):
            continue
        text = defaults[name] if isinstance(defaults[name], str) else str(defaults[name]).lower()
        text = '' if defaults[name] == () else text
        assert settings['default_value'] == text, name


@pytest.mark.parametrize('name', GIVEN)
def test_what_a_stage_needs_must_be_given(name):
    needed, _ = GIVEN[name]
    for left_out in needed:
        with pytest.raises((Missing, ValueError), match=left_out):
            started(name, **given(*(each for each in needed if each != left_out)))


@pytest.mark.parametrize('name', GIVEN)
def test_a_file_starts_its_stage_as_it_is_described(name):
    needed, stage = GIVEN[name]
    more = dict(namespace='left', seed='7', device='cpu', log_level='warn',
                exploration_scale='0.2')
    if name == 'finetune':
        more |= dict(demonstrations='demos', finetune_config='finetune.yaml', run_dir='run')
    nodes, _, _ = started(name, **given(*needed, **more))
    told = {**given(*needed), **more, 'seed': 7, 'exploration_scale': 0.2}
    described = STAGES[stage](GraphOptions(
        run_id='', respawn=True, teleop_device='external', **told))
    assert [(node['executable'], node['name'], node['namespace'], node['parameters'],
             node['respawn']) for node in nodes] == [
        (node.executable, node.name, 'left', [dict(node.parameters)], node.respawn)
        for node in described.nodes]
    for node in nodes:
        told = ros_arguments(NodeDescription(node['executable'], node['name'], 'left'), 'warn')
        assert node['arguments'] == ['--ros-args', *told[told.index('--enclave'):]]


def test_the_arm_s_commander_never_comes_back_and_ends_everything():
    nodes, _, _ = started('finetune', **given(
        'contract', 'pretrained', 'journal', 'demonstrations', 'finetune_config', 'run_dir'))
    assert {node['executable'] for node in nodes if node['respawn']} == {
        'policy_node', 'recorder_node', 'learner_node'}
    assert [node['executable'] for node in nodes if not callable(node['on_exit'])] == [
        'actuation_node']
    assert nodes[0]['on_exit'].settings['reason'] == 'actuation_node ended'
    assert [node['prefix'] for node in nodes] == [None, None, None, 'nice -n 5']


def test_a_node_that_cannot_start_ends_everything_and_a_crash_does_not():
    def reasons(end, *codes):
        ends = [end(SimpleNamespace(returncode=code), {}) for code in codes]
        return [[action.settings.get('reason') for action in actions[1:]] for actions in ends]

    nodes, _, _ = started('deploy', **given('contract', 'model', namespace='left'))
    assert reasons(nodes[1]['on_exit'], os.EX_CONFIG) == [
        ['left/policy_node could not start: its error above says why']]
    nodes, _, _ = started('deploy', **given('contract', 'model'))
    assert reasons(nodes[1]['on_exit'], -9, 1, os.EX_CONFIG, 1) == [
        [], [], [], ['policy_node ended 4 times within 5 minutes: its log says why']]


def test_the_output_of_each_node_is_labelled_with_its_name():
    nodes, _, _ = started('finetune', **given(*GIVEN['finetune'][0], 'demonstrations', 'run_dir',
                                              'finetune_config', robots='left,right'))
    assert [node['exec_name'] for node in nodes] == [
        *(f'{robot}_{name}' for robot in ('left', 'right')
          for name in ('actuation_node', 'policy_node', 'recorder_node')), 'learner_node']


def test_a_robot_waits_for_consent_and_a_simulation_does_not():
    def consent(nodes):
        return next(node['parameters'][0]['enable_on_activate'] for node in nodes
                    if node['executable'] == 'actuation_node')

    robot, _, _ = started('deploy', **given('contract', 'model'))
    simulated, _, _ = started('sim', stage='evaluate', model='m')
    assert consent(robot) is False and consent(simulated) is True


def test_a_dry_run_reaches_the_arm_s_commander():
    nodes, _, _ = started('deploy', **given('contract', 'model', dry_run='true'))
    assert nodes[0]['executable'] == 'actuation_node' and nodes[0]['parameters'][0]['dry_run']


def test_the_learner_may_be_elsewhere():
    nodes, _, _ = started('finetune', **given('contract', 'pretrained', 'journal',
                                              'finetune_config', learner='false'))
    assert executables(nodes) == ['actuation_node', 'policy_node', 'recorder_node']
    elsewhere, _, _ = started('learner', **given(*GIVEN['learner'][0]))
    assert executables(elsewhere) == ['learner_node']


def test_several_robots_feed_one_learner():
    nodes, _, _ = started('finetune', **given(*GIVEN['finetune'][0], 'demonstrations', 'run_dir',
                                              'finetune_config', robots='left, right'))
    assert [(node['namespace'], node['executable']) for node in nodes] == [
        *((robot, name) for robot in ('left', 'right')
          for name in ('actuation_node', 'policy_node', 'recorder_node')), ('', 'learner_node')]
    assert nodes[-1]['parameters'][0]['robots'] == ['left', 'right']
    elsewhere, _, _ = started('learner', **given(*GIVEN['learner'][0], robots='left,right'))
    assert elsewhere[0]['parameters'] == nodes[-1]['parameters']


def test_the_simulated_arm_alone_is_the_default():
    nodes, _, context = started('sim')
    assert executables(nodes) == ['sim_node']
    parameters = nodes[0]['parameters'][0]
    assert Path(parameters['contract']).is_file() and Path(parameters['simulation']).is_file()
    assert parameters['lockstep'] is False and parameters['use_sim_time'] is False
    nodes, _, _ = started('sim', lockstep='true')
    assert nodes[0]['parameters'][0]['use_sim_time'] is True


def test_a_mock_arm_starts_without_a_simulation():
    nodes, _, _ = started('sim', mock_arm='true', contract='mock_arm.yaml')
    assert executables(nodes) == ['mock_arm_node']
    assert nodes[0]['parameters'][0]['contract'] == 'mock_arm.yaml'


def test_viewers_get_the_model_and_the_frames_of_a_mock_arm(monkeypatch):
    monkeypatch.setattr(ament_index_python.packages, 'get_package_prefix', lambda package: '/opt')
    contract = str(CONFIG / 'robots' / 'mock_arm.yaml')
    nodes, _, _ = started('sim', mock_arm='true', contract=contract, namespace='left')
    assert executables(nodes) == ['mock_arm_node', 'robot_state_publisher']
    parameters = nodes[1]['parameters'][0]
    assert (nodes[1]['namespace'], parameters['frame_prefix']) == ('left', 'left/')
    model = ElementTree.fromstring(parameters['robot_description'].arguments[0])
    assert len(model.findall('.//cylinder')) >= 5
    nodes, _, _ = started('sim', mock_arm='true', contract=contract)
    assert nodes[1]['parameters'][0]['frame_prefix'] == ''
    nodes, _, _ = started('sim')
    assert executables(nodes) == ['sim_node']  # a simulator has no such frames


def test_gazebo_gets_its_world_its_bridge_and_its_judge():
    nodes, (gazebo,), _ = started('gazebo', namespace='left')
    assert gazebo[0] == 'share/ros_gz_sim/launch/gz_sim.launch.py'
    world = Path(shlex.split(gazebo[1]['gz_args'])[-1])
    assert world == CONFIG / 'gazebo' / 'arm_world.sdf' and '-s' not in gazebo[1]['gz_args']
    assert executables(nodes) == ['parameter_bridge', 'robot_state_publisher', 'gazebo_node']
    assert nodes[2]['parameters'][0]['use_sim_time'] is True
    name = ElementTree.parse(world).find('world').get('name')
    assert all(service.startswith(f'/world/{name}/') for service in nodes[0]['arguments'])


def test_a_world_whose_path_has_a_space_is_one_argument_for_gazebo_and_for_xacro(tmp_path):
    here = tmp_path / 'my robots'
    for folder in ('launch', 'config'):
        shutil.copytree(FOLDER.parent / folder, here / folder)
    nodes, (gazebo,), context = started('gazebo', here / 'launch', ros2_control='false')
    assert shlex.split(gazebo[1]['gz_args'])[-1] == str(here / 'config/gazebo/arm_world.sdf')
    parts = nodes[1]['parameters'][0]['robot_description'].arguments[0].arguments[0]
    command = shlex.split(''.join(each if isinstance(each, str) else each.perform(context)
                                  for each in parts))
    assert command == ['xacro', str(here / 'config/gazebo/ros2_control/arm.urdf.xacro'),
                       f'config:={here / "config"}', 'namespace:=/']


def test_without_a_camera_gazebo_renders_nothing_and_the_arm_waits_for_no_picture():
    nodes, (gazebo,), _ = started(
        'gazebo', camera='false', headless='true', stage='record', demonstrations='d')
    *options, world = shlex.split(gazebo[1]['gz_args'])
    assert '-s' in options and '--headless-rendering' not in options
    sensors = ElementTree.parse(world).iter('sensor')
    assert 'camera' not in {sensor.get('type') for sensor in sensors}
    watched = {node['executable']: node['parameters'][0].get('watch_cameras') for node in nodes}
    assert watched['actuation_node'] is False
    nodes, _, _ = started('gazebo', stage='record', demonstrations='d')
    watched = {node['executable']: node['parameters'][0].get('watch_cameras') for node in nodes}
    assert watched['actuation_node'] is True


@pytest.mark.parametrize(('installed', 'given', 'thinned'), [
    (True, {}, ['/clock', 'joint_states']), (True, {'ros2_control': 'true'}, ['/clock']),
    (True, {'highest_rate': '0'}, []), (False, {}, [])])
def test_topics_that_come_at_each_step_of_gazebo_are_thinned_out(
        monkeypatch, installed, given, thinned):
    def prefix(package):
        if not installed:
            raise PackageNotFoundError(package)

    monkeypatch.setattr(ament_index_python.packages, 'get_package_prefix', prefix)
    nodes, _, _ = started('gazebo', **given)
    throttles = [node['parameters'][0] for node in nodes if node['package'] == 'topic_tools']
    assert [each['output_topic'] for each in throttles] == thinned
    assert [each['input_topic'] for each in throttles] == [
        name for _, name in nodes[0]['remappings']]
    assert [topic for topic, _ in nodes[0]['remappings']] == thinned
    assert all(each['msgs_per_sec'] == 200.0 and not each['use_sim_time'] for each in throttles)


def test_gazebo_may_run_without_nodes_of_ours():
    nodes, _, _ = started('gazebo', stage='none')
    assert executables(nodes) == ['parameter_bridge', 'robot_state_publisher']


def test_gazebo_with_ros2_control_spawns_the_arm_into_a_world_without_one():
    nodes, (gazebo,), _ = started(
        'gazebo', ros2_control='true', headless='true', stage='evaluate', model='m')
    arguments = gazebo[1]['gz_args']
    world = ElementTree.parse(shlex.split(arguments)[-1])
    assert 'arm' not in {model.get('name') for model in world.iter('model')}
    assert ' -s --headless-rendering ' in arguments
    assert executables(nodes) == [
        'parameter_bridge', 'robot_state_publisher', 'create', 'spawner', 'gazebo_node',
        'actuation_node', 'policy_node']
    bridge = nodes[0]['parameters'][0]['config_file']
    assert Path(bridge).parent.name == 'ros2_control'
    controllers = yaml.safe_load(
        (Path(bridge).parent / 'controllers.yaml').read_text(encoding='utf-8'))
    assert set(nodes[3]['arguments'][:3]) == set(
        controllers['/**/controller_manager']['ros__parameters']) - {'update_rate'}


def test_all_nodes_in_gazebo_have_simulated_time():
    nodes, _, _ = started('gazebo', stage='record', demonstrations='d', ros2_control='true')
    for node in nodes:
        if node['executable'] != 'create':  # it spawns once, and has no clock
            assert node['parameters'][0]['use_sim_time'] is True


def test_gazebo_and_the_simulation_give_the_robot_the_same_topics():
    """What either side publishes and takes, beside what the contract doesn't know of."""
    contract = load_contract(CONFIG / 'robots' / 'gazebo_arm.yaml')
    wanted = {**contract.observation_topics(), **contract.action_topics(),
              **{camera.topic: camera.type for camera in contract.cameras.values()}}
    nodes, _, _ = started('gazebo')
    config = nodes[0]['parameters'][0]['config_file']
    bridged = {entry['ros_topic_name']: entry['ros_type_name']
               for entry in yaml.safe_load(Path(config).read_text(encoding='utf-8'))}
    assert {topic: bridged[topic] for topic in wanted} == wanted
    assert set(bridged) - set(wanted) == {'/clock', 'front/camera_info', 'finger_contact'}
    simulated, _, _ = started('sim', simulation=str(CONFIG / 'simulations' / 'gazebo_arm.yaml'),
                              contract=nodes[2]['parameters'][0]['contract'], task='lift')
    for key in ('contract', 'simulation', 'task'):
        assert nodes[2]['parameters'][0][key] == simulated[0]['parameters'][0][key]


@pytest.mark.parametrize(('name', 'executables'), [
    ('record', {'actuation_node', 'recorder_node'}), ('deploy', {'actuation_node', 'policy_node'}),
    ('finetune', {'actuation_node', 'policy_node', 'recorder_node'}),
    ('learner', {'learner_node'}), ('sim', {'sim_node'}),
    ('gazebo', {'parameter_bridge', 'robot_state_publisher', 'gazebo_node'})])
def test_launch_itself_takes_the_file(name, executables):
    pytest.importorskip('launch_ros', reason='launch_ros comes with a ROS 2 distribution only')
    if name == 'gazebo':
        pytest.importorskip('ros_gz_interfaces', reason='ros_gz is not installed')
    from launch import LaunchContext
    from launch.actions import IncludeLaunchDescription
    from launch.launch_description_sources import PythonLaunchDescriptionSource
    from launch_ros.actions import Node

    context, found = LaunchContext(), set()

    def visit(entity):
        if isinstance(entity, Node):
            if entity.condition is None or entity.condition.evaluate(context):
                found.add(entity.node_executable)
            return
        for below in entity.visit(context) or []:
            visit(below)

    needed = GIVEN[name][0] if name in GIVEN else ()
    more = dict(learner='false', exploration_scale='0.1') if name == 'finetune' else {}
    arguments = given(*needed, **more)
    visit(IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(FOLDER / f'{name}.launch.py')),
        launch_arguments=list(arguments.items())))
    assert found == executables


def test_the_stand_in_for_launch_leaves_nothing_behind():
    before = set(sys.modules)
    with stubbed():
        assert 'launch.actions' in sys.modules
    assert {name for name in set(sys.modules) - before if name.startswith('launch')} <= {
        'launch_stub'}
