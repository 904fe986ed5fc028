# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The graphs hold the nodes of their stage, and ROS reads the arguments as they were meant."""

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from inril_ros.graph.description import (
    evaluation_graph,
    finetuning_graph,
    GraphDescription,
    GraphOptions,
    learning_graph,
    NodeDescription,
    recording_graph,
    ros_arguments,
    simulation_graph,
    STAGES,
)

SIMULATED = dict(contract='arm.yaml', run_id='r1', simulation='sim.yaml', task='pick-place',
                 lockstep=True, use_sim_time=True)
FOLDERS = dict(demonstrations='demos', journal='journal', finetune_config='finetune.yaml',
               pretrained='pretrained', run_dir='run', model='pretrained')


def names(graph):
    return [node.name for node in graph.nodes]


def test_each_stage_runs_its_nodes():
    options = GraphOptions(**SIMULATED, **FOLDERS)
    assert names(simulation_graph(options)) == ['sim_node']
    assert names(recording_graph(options)) == [
        'sim_node', 'actuation_node', 'recorder_node', 'teleop_node']
    assert names(evaluation_graph(options)) == ['sim_node', 'actuation_node', 'policy_node']
    assert names(finetuning_graph(options)) == [
        'sim_node', 'actuation_node', 'policy_node', 'recorder_node', 'learner_node']
    assert names(learning_graph(options)) == ['learner_node']


def test_where_a_classifier_judges_the_simulator_only_says_what_is_true():
    options = GraphOptions(**SIMULATED, **{**FOLDERS, 'judge': 'runs/a/judge/model'})
    for graph in evaluation_graph(options), finetuning_graph(options):
        assert graph.node('sim_node').parameters['judges'] is False
        judge = graph.node('reward_node').parameters
        assert (judge['judge'], judge['record'], judge['truth']) == (
            'runs/a/judge/model', 'runs/a/judge/episodes.jsonl', True)
    with pytest.raises(ValueError, match='judge is for evaluate and finetune'):
        recording_graph(options)
    assert evaluation_graph(GraphOptions(**SIMULATED, **FOLDERS)).node(
        'sim_node').parameters['judges'] is True


def test_each_of_several_robots_has_its_record_of_judged_episodes():
    graph = finetuning_graph(GraphOptions(
        **SIMULATED, **{**FOLDERS, 'judge': 'judge/model', 'robots': ('left', 'right')}))
    assert [graph.node(f'{robot}/reward_node').parameters['record']
            for robot in ('left', 'right')] == [
        'judge/episodes_left.jsonl', 'judge/episodes_right.jsonl']


def test_the_policy_explores_as_the_settings_of_fine_tuning_say():
    told = dict(contract='arm.yaml', run_id='r1', journal='j', pretrained='p', learner=False)
    with pytest.raises(ValueError, match='finetune needs a copy of the learner.s settings'):
        finetuning_graph(GraphOptions(**told))
    for more in (dict(finetune_config='finetune.yaml'), dict(exploration_scale=0.0)):
        given = finetuning_graph(GraphOptions(**told, **more)).node('policy_node').parameters
        assert {name: given[name] for name in more} == more
    simulated = finetuning_graph(GraphOptions(**SIMULATED, **FOLDERS)).node('policy_node')
    assert simulated.parameters['exploration_scale'] == -1.0
    assert simulated.parameters['finetune_config'] == 'finetune.yaml'


@pytest.mark.parametrize('stage', ['simulate', 'record', 'evaluate', 'finetune'])
def test_a_mock_arm_takes_the_place_of_the_simulation(stage):
    simulated = STAGES[stage](GraphOptions(**SIMULATED, **FOLDERS))
    mocked = STAGES[stage](GraphOptions(
        contract='arm.yaml', run_id='r1', mock_arm=True, **FOLDERS))
    assert names(mocked) == ['mock_arm_node', *names(simulated)[1:]]


@pytest.mark.parametrize('stage', ['record', 'evaluate', 'finetune'])
def test_a_real_robot_has_no_simulation_node(stage):
    graph = STAGES[stage](GraphOptions(contract='arm.yaml', run_id='r1', **FOLDERS))
    assert 'sim_node' not in names(graph)


def test_gazebo_s_scene_takes_the_place_of_the_simulation():
    told = {**SIMULATED, 'lockstep': False}
    graph = evaluation_graph(GraphOptions(**told, gazebo=True, model='m'))
    assert names(graph) == ['gazebo_node', 'actuation_node', 'policy_node']
    assert graph.nodes[0].parameters['simulation'] == 'sim.yaml'


def test_the_learner_may_be_on_another_machine():
    robot = finetuning_graph(GraphOptions(
        contract='arm.yaml', run_id='r1', learner=False, journal='journal', exploration_scale=0.1,
        pretrained='pretrained'))
    assert names(robot) == ['actuation_node', 'policy_node', 'recorder_node']
    both = finetuning_graph(GraphOptions(**SIMULATED, **FOLDERS))
    assert learning_graph(GraphOptions(**SIMULATED, **FOLDERS)).nodes == both.nodes[-1:]


def test_an_external_device_needs_no_node_of_ours():
    options = GraphOptions(contract='arm.yaml', run_id='r1', teleop_device='external', **FOLDERS)
    assert names(recording_graph(options)) == ['actuation_node', 'recorder_node']


@pytest.mark.parametrize('asked', [True, False])
def test_a_person_begins_demonstrations_unless_a_program_does(asked):
    options = GraphOptions(contract='arm.yaml', run_id='r1', **FOLDERS)
    graph = recording_graph(options) if asked else recording_graph(options, person_starts=False)
    assert graph.node('actuation_node').parameters['person_starts'] is asked


def test_several_robots_have_all_nodes_but_the_learner_each_in_its_namespace():
    told = GraphOptions(**SIMULATED, **FOLDERS, namespace='lab', robots=('left', 'right'))
    graph = finetuning_graph(told)
    alone = names(finetuning_graph(GraphOptions(**SIMULATED, **FOLDERS)))
    assert [node.path for node in graph.nodes] == [
        *(f'lab/left/{name}' for name in alone[:-1]),
        *(f'lab/right/{name}' for name in alone[:-1]), 'lab/learner_node']
    for robot in ('left', 'right'):
        assert graph.node(f'lab/{robot}/recorder_node').parameters['journal'] == f'journal/{robot}'
    learner = graph.node('lab/learner_node')
    assert learner.parameters['robots'] == ['left', 'right']
    assert learning_graph(told).nodes == (learner,)
    elsewhere = finetuning_graph(GraphOptions(**{
        **SIMULATED, **FOLDERS, 'learner': False, 'robots': ('left', 'right')}))
    assert 'learner_node' not in names(elsewhere) and len(elsewhere.nodes) == 8


def test_simulations_in_lockstep_each_have_a_clock():
    """The clock of all would be set back by whoever is behind; the learner follows none."""
    graph = finetuning_graph(GraphOptions(**SIMULATED, **FOLDERS, robots=('left', 'right')))
    for node in graph.nodes:
        if node.name == 'learner_node':
            assert not node.parameters['use_sim_time'] and not node.parameters['lockstep']
        else:
            assert node.parameters['use_sim_time'] and node.remappings == {'/clock': 'clock'}
    alone = finetuning_graph(GraphOptions(**SIMULATED, **FOLDERS))
    assert not any(node.remappings for node in alone.nodes)
    assert alone.node('learner_node').parameters['use_sim_time']


@pytest.mark.parametrize('stage', ['simulate', 'record', 'evaluate'])
def test_several_robots_are_for_fine_tuning(stage):
    with pytest.raises(ValueError, match=f'{stage} is for one robot'):
        STAGES[stage](GraphOptions(**SIMULATED, **FOLDERS, robots=('left', 'right')))


def test_only_what_commands_the_arm_is_vital():
    graph = finetuning_graph(GraphOptions(**SIMULATED, **FOLDERS))
    assert [node.name for node in graph.nodes if node.vital] == ['actuation_node']


def test_every_node_is_told_the_same_of_run_and_time():
    graph = finetuning_graph(GraphOptions(**SIMULATED, **FOLDERS, namespace='left'))
    for node in graph.nodes:
        shared = {key: node.parameters[key] for key in
                  ('contract', 'run_id', 'lockstep', 'autostart', 'use_sim_time')}
        assert shared == dict(
            contract='arm.yaml', run_id='r1', lockstep=True, autostart=True, use_sim_time=True)
        assert node.namespace == 'left'


def test_the_recorder_writes_bags_or_a_journal_as_the_stage_asks():
    options = GraphOptions(**SIMULATED, **FOLDERS)
    recording = recording_graph(options).node('recorder_node').parameters
    finetuning = finetuning_graph(options).node('recorder_node').parameters
    assert (recording['demonstrations'], recording['journal']) == ('demos', '')
    assert (finetuning['demonstrations'], finetuning['journal']) == ('', 'journal')


def test_finetuning_starts_from_the_pretrained_model():
    options = GraphOptions(**SIMULATED, **{**FOLDERS, 'model': ''})
    assert finetuning_graph(options).node('policy_node').parameters['model'] == 'pretrained'


def test_only_policy_recorder_and_learner_come_back_after_a_crash():
    graph = finetuning_graph(GraphOptions(**SIMULATED, **FOLDERS, respawn=True))
    assert {node.name for node in graph.nodes if node.respawn} == {
        'policy_node', 'recorder_node', 'learner_node'}
    graph = finetuning_graph(GraphOptions(**SIMULATED, **FOLDERS))
    assert not any(node.respawn for node in graph.nodes)


def test_the_learner_gives_way_to_the_control_loop():
    graph = finetuning_graph(GraphOptions(**SIMULATED, **FOLDERS))
    assert {node.name: node.niceness for node in graph.nodes if node.niceness} == {
        'learner_node': 5}


@pytest.mark.parametrize(('stage', 'missing'), [
    ('simulate', 'simulation'), ('record', 'demonstrations'), ('evaluate', 'model'),
    ('finetune', 'demonstrations, journal, finetune_config, pretrained, run_dir'),
    ('learn', 'demonstrations, finetune_config, pretrained, run_dir')])
def test_a_stage_says_what_it_misses(stage, missing):
    with pytest.raises(ValueError, match=f'needs {missing} in its options'):
        STAGES[stage](GraphOptions(contract='arm.yaml', run_id='r1'))


@pytest.mark.parametrize(('wrong', 'message'), [
    (dict(contract=''), 'contract is empty'),
    (dict(simulation='', lockstep=True), 'a real robot does not wait'),
    (dict(mock_arm=True), 'mock_arm and simulation exclude each other'),
    (dict(use_sim_time=False), 'lockstep needs use_sim_time'),
    (dict(gazebo=True), 'gazebo needs a simulation .* and no lockstep'),
    (dict(namespace='2nd arm'), 'is no ROS name'),
    (dict(robots=('left', '2nd')), "'2nd' is no ROS name"),
    (dict(robots=('left', '')), 'is no ROS name'),
    (dict(robots=('left', 'left')), 'names one twice'),
    (dict(robots=('/left', 'right')), 'leave the leading slash out'),
    (dict(robots=('left', 'right'), synchronous=True), 'synchronous is for one robot'),
    (dict(robots=('left', 'right'), lockstep=False, gazebo=True), 'one arm per world'),
    (dict(log_level='loud'), 'debug, info, warn or error')])
def test_options_that_cannot_be_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        GraphOptions(**{**SIMULATED, **wrong})


def test_a_graph_has_no_two_nodes_of_one_name():
    with pytest.raises(ValueError, match='two nodes of one name'):
        GraphDescription('twice', (NodeDescription('a', 'a'), NodeDescription('b', 'a')))
    GraphDescription('pair', tuple(NodeDescription('a', 'a', each) for each in ('left', 'right')))


def test_an_unknown_node_is_answered_with_those_there_are():
    with pytest.raises(KeyError, match='learner_node.*sim_node'):
        simulation_graph(GraphOptions(**SIMULATED)).node('learner_node')


# What ROS itself can't carry is left out: control characters, integers above 64 bits, subnormals.
text = st.text(st.characters(min_codepoint=32, exclude_categories=('Cs', 'Cc')), max_size=40)
values = st.one_of(text, st.booleans(), st.integers(-2**63, 2**63 - 1),
                   st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False),
                   st.sampled_from(['', 'true', '007', '1.0', '~', 'a b:=c', "it's", 'null']),
                   st.lists(text, min_size=1, max_size=3))


# Two underscores in a row end a name for ROS's reader of overrides.
parameter_names = st.from_regex(r'[a-z](_?[a-z0-9]){0,12}', fullmatch=True)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(parameter_names, values, max_size=5))
def test_ros_reads_each_parameter_with_its_value_and_type(parameters):
    rclpy = pytest.importorskip('rclpy')
    described = NodeDescription(
        'any_node', 'told', namespace='left/arm', parameters=parameters)
    context = rclpy.Context()
    rclpy.init(args=ros_arguments(described), context=context)
    node = rclpy.create_node('untold', context=context, start_parameter_services=False,
                             automatically_declare_parameters_from_overrides=True)
    try:
        got = {name: node.get_parameter(name).value for name in parameters}
        assert got == parameters
        assert {name: type(value) for name, value in got.items()} == {
            name: type(value) for name, value in parameters.items()}
        assert node.get_fully_qualified_name() == '/left/arm/told'
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)
