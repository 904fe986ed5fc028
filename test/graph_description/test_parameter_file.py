# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A ROS parameter file reaches every node, and what is wrong in it is told before any starts."""

from pathlib import Path

from command_line import refused
from hypothesis import given, settings
from hypothesis import strategies as st
from launch_stub import started
import pytest
import rclpy
from rclpy.context import Context
from rclpy.parameter import Parameter as RosParameter
import yaml

from inril_ros.cli.stages.job import Job, JobOptions
from inril_ros.data.run.run_directory import new_settings, RunDirectory
from inril_ros.graph.description import finetuning_graph, GraphOptions, recording_graph, STAGES
from inril_ros.graph.parameter_file import ParameterFileError, parameters_of_file
from inril_ros.nodes.parameter_schema import schema

ROOT = Path(__file__).parents[2]
FOLDERS = dict(demonstrations='demos', journal='journal', finetune_config='finetune.yaml',
               pretrained='pretrained', run_dir='run', model='pretrained')
TABLES = {name: table['properties'] for name, table in schema()['$defs'].items()}
#: For each node one parameter that no stage sets, with a value that isn't its default.
ONE_OF_EACH = {
    'actuation_node': ('realtime_priority', 80), 'policy_node': ('lead', 2),
    'recorder_node': ('storage', 'sqlite3'), 'learner_node': ('keep_checkpoints', 7),
    'mock_arm_node': ('noise', 0.001), 'sim_node': ('command_timeout', 0.2),
    'gazebo_node': ('next_seed', 4)}


def written(tmp_path, content):
    path = tmp_path / 'parameters.yaml'
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return str(path)


def section(**values):
    return {'ros__parameters': values}


def graph(path, **options):
    return finetuning_graph(GraphOptions(
        contract='arm.yaml', run_id='r1', **FOLDERS, **{'params_file': path, **options}))


def told(tmp_path, content, **options):
    """Return the lines in which a file is refused."""
    path = written(tmp_path, content)
    with pytest.raises(ParameterFileError) as refusal:
        graph(path, **options)
    lines = str(refusal.value).splitlines()
    assert all(line.startswith(f'{path}: ') for line in lines)
    return [line.removeprefix(f'{path}: ') for line in lines]


def test_every_node_of_the_stages_gets_what_a_file_says(tmp_path):
    path = written(tmp_path, {
        name: section(**{key: value}) for name, (key, value) in ONE_OF_EACH.items()})
    reached = set()
    for stage, options in ((stage, more) for stage in STAGES for more in (
            dict(mock_arm=True), dict(simulation='s.yaml', lockstep=True, use_sim_time=True),
            dict(simulation='s.yaml', gazebo=True, use_sim_time=True))):
        for node in STAGES[stage](GraphOptions(
                contract='arm.yaml', run_id='r1', task='reach', **FOLDERS, params_file=path,
                **options)).nodes:
            if node.executable in ONE_OF_EACH:
                name, value = ONE_OF_EACH[node.executable]
                assert node.parameters[name] == value
                assert node.parameters['contract'] == 'arm.yaml'
                reached.add(node.executable)
    assert reached == set(ONE_OF_EACH)


def test_a_launch_file_and_inril_give_the_same_parameters(tmp_path):
    path = written(tmp_path, {'/**/actuation_node': section(realtime_priority=80)})
    nodes, _, _ = started('record', contract='arm.yaml', demonstrations='d', params_file=path,
                          namespace='left')
    assert nodes[0]['parameters'][0]['realtime_priority'] == 80

    class Run:
        contract = 'arm.yaml'
        settings = type('Settings', (), dict(run_id='r1', task='t', seed=0))

    job = Job(Run(), JobOptions(simulation='', params_file=path), None)
    made = recording_graph(job.graph_options(demonstrations='d'))
    assert made.node('actuation_node').parameters['realtime_priority'] == 80


def test_a_number_may_be_written_without_a_point(tmp_path):
    made = graph(written(tmp_path, {'actuation_node': section(stall_timeout=30)}))
    assert repr(made.node('actuation_node').parameters['stall_timeout']) == '30.0'


@pytest.mark.parametrize(('key', 'reached'), [
    ('/**/actuation_node', ['left/actuation_node', 'right/actuation_node']),
    ('/*/actuation_node', ['left/actuation_node', 'right/actuation_node']),
    ('/left/actuation_node', ['left/actuation_node']), ('/**', [
        'left/actuation_node', 'right/actuation_node']),
    ('left/**', ['left/actuation_node'])])
def test_a_key_names_nodes_as_in_ros(key, reached, tmp_path):
    made = graph(written(tmp_path, {key: section(realtime_priority=9)}), robots=('left', 'right'))
    assert [node.path for node in made.nodes
            if node.parameters.get('realtime_priority') == 9] == reached
    nested = {part: None for part in ()}
    for part in reversed(key.strip('/').split('/')):
        nested = {part: nested or section(realtime_priority=9)}
    if '**' not in key.partition('/')[0]:  # ROS reads names of namespaces in each other, too
        again = graph(written(tmp_path, nested), robots=('left', 'right'))
        assert again == made


def test_a_name_has_precedence_over_a_wildcard_wherever_it_stands(tmp_path):
    text = ('/left/actuation_node: {ros__parameters: {realtime_priority: 3}}\n'
            '/**: {ros__parameters: {realtime_priority: 1}}\n'
            '/**/actuation_node: {ros__parameters: {realtime_priority: 2}}\n')
    made = graph(written(tmp_path, text), robots=('left', 'right'))
    assert made.node('left/actuation_node').parameters['realtime_priority'] == 3
    assert made.node('right/actuation_node').parameters['realtime_priority'] == 2


@pytest.mark.parametrize(('content', 'line'), [
    ({'actuator_node': section(stall_timeout=1.0)},
     'line 3: actuator_node: unknown node; did you mean actuation_node?'),
    ({'actuation_node': section(realtime_prio=1)},
     'line 3: actuation_node: realtime_prio: unknown parameter; did you mean realtime_priority?'),
    ({'/**': section(realtime_prio=1)},
     'line 3: /**: realtime_prio: unknown parameter; did you mean realtime_priority?'),
    ({'policy_node': section(lead='two')},
     "line 3: policy_node: lead: must be a whole number from 0 to 50, not 'two'"),
    ({'policy_node': section(lead=1.0)},
     'line 3: policy_node: lead: must be a whole number from 0 to 50, not 1.0'),
    ({'policy_node': section(lead=True)},
     'line 3: policy_node: lead: must be a whole number from 0 to 50, not True'),
    ({'actuation_node': section(realtime_priority=99)},
     'line 3: actuation_node: realtime_priority: must be a whole number from 0 to 98, not 99'),
    ({'policy_node': section(probe_limit=float('nan'))},
     'line 3: policy_node: probe_limit: must be a number from 0 to 2, not nan'),
    ({'recorder_node': section(sync_each='yes, always')},
     "line 3: recorder_node: sync_each: must be true or false, not 'yes, always'"),
    ({'learner_node': section(robots=['left', 3])},
     "line 3: learner_node: robots: must be a list of texts, not ['left', 3]"),
    ({'mock_arm_node': section(rate=0)},  # of another stage
     'line 3: mock_arm_node: rate: must be a number from 1 to 500, not 0'),
    ({'actuation_node': section(contract='other.yaml')},
     "line 3: actuation_node: contract: the stage sets it, to 'arm.yaml'; give the option of the "
     'command or of the launch file instead'),
    ({'actuation_node': section(enable_on_activate=True)},
     'line 3: actuation_node: enable_on_activate: on a robot a person consents to motion, by the '
     'service /actuation_node/enable'),
    ({'actuation_node': {'stall_timeout': 1.0}},
     'line 2: actuation_node/stall_timeout: names of nodes are expected, each with '
     'ros__parameters below it, not 1.0'),
    ({'ros__parameters': {'stall_timeout': 1.0}},
     'line 1: ros__parameters belongs below the name of a node, or below /** for each node'),
    ({'actuation_node': {'ros__parameters': 5}},
     'line 2: actuation_node: parameters with values are expected below ros__parameters, not 5'),
    ('- 1\n', 'line 1: the file: names of nodes are expected, each with ros__parameters below it, '
              'not [1]'),
    ('', 'line 1: the file: names of nodes are expected, each with ros__parameters below it, '
         'not None')])
def test_what_is_wrong_is_told_in_one_line_with_its_place(content, line, tmp_path):
    assert told(tmp_path, content) == [line]


def test_a_name_without_its_namespace_is_refused_where_ros_would_ignore_it(tmp_path):
    content = {'actuation_node': section(realtime_priority=9)}
    assert told(tmp_path, content, namespace='left') == [
        'line 3: actuation_node: no node has this name; here it is /left/actuation_node (in any '
        'namespace: /**/actuation_node)']


def test_all_mistakes_are_told_at_once(tmp_path):
    assert len(told(tmp_path, {'actuation_node': section(a=1, b=2), 'x': section(c=3)})) == 3


def test_what_the_stage_chose_by_itself_may_be_changed(tmp_path):
    simulated = dict(simulation='s.yaml', task='reach', lockstep=True, use_sim_time=True)
    made = graph(written(tmp_path, {
        'policy_node': section(automatic_rollback=True),
        'actuation_node': section(enable_on_activate=False, watch_cameras=True)}), **simulated)
    assert made.node('policy_node').parameters['automatic_rollback'] is True
    assert made.node('actuation_node').parameters['enable_on_activate'] is False
    assert made.node('actuation_node').parameters['watch_cameras'] is True


@pytest.mark.parametrize('path', sorted((ROOT / 'config' / 'parameters').glob('*.yaml')),
                         ids=lambda path: path.stem)
def test_shipped_files_are_right_in_any_namespace(path):
    assert graph(str(path), robots=('left', 'right')).nodes != graph('').nodes


def test_a_shipped_file_is_found_by_its_name_and_an_unknown_name_is_answered_with_the_known():
    nodes, _, _ = started('record', contract='arm.yaml', demonstrations='d',
                          params_file='realtime')
    assert nodes[0]['parameters'][0]['realtime_priority'] == 50
    with pytest.raises(ParameterFileError, match=r"no_such is no .* which has \['realtime'\]"):
        graph('no_such')


@pytest.mark.parametrize('command', ['record', 'demo', 'up', 'teleop'])
def test_inril_refuses_a_wrong_file_before_anything_begins(command, tmp_path):
    path = written(tmp_path, {'teleop_node': section(realtime_prio=1)})
    arguments = {'record': (tmp_path / 'run',), 'demo': ('--run-dir', tmp_path / 'run'),
                 'up': ('record', '--run-dir', tmp_path / 'run', '--simulation', ''),
                 'teleop': ('--contract', 'mock_arm')}[command]
    if command == 'up':
        RunDirectory.create(tmp_path / 'run', new_settings(
            'reach', 0, ROOT / 'config' / 'robots' / 'metaworld_sawyer.yaml'))
    error = refused(command, *arguments, '--params', path)
    assert error.strip().endswith(
        f'error: {path}: line 3: teleop_node: realtime_prio: unknown parameter: known are '
        + ', '.join(sorted(TABLES['teleop_node'])))
    assert command == 'up' or not (tmp_path / 'run').exists()


values = st.one_of(st.booleans(), st.integers(-5, 2000), st.floats(), st.text(max_size=3),
                   st.lists(st.text(max_size=2), max_size=2))
parameters = st.sampled_from([
    (node, name) for node, table in TABLES.items() for name in table if name != 'use_sim_time'])


@pytest.fixture(scope='module')
def context():
    context = Context()
    rclpy.init(context=context)
    yield context
    context.try_shutdown()


@settings(max_examples=25)
@given(which=parameters, value=values)
def test_what_a_file_may_say_a_node_can_declare(tmp_path_factory, context, which, value):
    """The check and the node's own declaration agree."""
    from inril_ros.nodes.base.parameters import COMMON, declare
    from inril_ros.nodes.parameter_document import NODES

    name, parameter = which
    path = written(tmp_path_factory.mktemp('file'), {name: section(**{parameter: value})})
    try:
        found = parameters_of_file(path, {name: (name, {})})[name]
    except ParameterFileError:
        found = None
    table = COMMON + next(module.PARAMETERS for module in NODES
                          if module.__name__.endswith(name))
    number = TABLES[name][parameter]['type'] == 'number'
    given_value = float(value) if number and type(value) is int else value
    node = rclpy.create_node('any', context=context, enable_rosout=False,
                             start_parameter_services=False,
                             parameter_overrides=[RosParameter(parameter, value=given_value)])
    try:
        declare(node, table)
        accepted = True
    except Exception:
        accepted = False
    finally:
        node.destroy_node()
    assert accepted == (found is not None)
