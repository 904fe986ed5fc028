# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The parameters that a stage sets are declared by the node, with a meaning and a range."""

import importlib

import pytest
import rclpy
from rclpy.context import Context
from rclpy.exceptions import InvalidParameterValueException
from rclpy.parameter import Parameter as RosParameter

from inril_ros.graph.description import (
    evaluation_graph,
    GraphOptions,
    simulation_graph,
    STAGES,
)
from inril_ros.nodes.base.parameters import COMMON, declare, Parameter

NODES = ('actuation_node', 'conductor_node', 'gazebo_node', 'learner_node', 'mock_arm_node',
         'policy_node', 'recorder_node', 'reward_node', 'sim_node', 'teleop_node')
TABLES = {name: COMMON + importlib.import_module(f'inril_ros.nodes.{name}').PARAMETERS
          for name in NODES}
OPTIONS = GraphOptions(
    contract='arm.yaml', run_id='r1', simulation='sim.yaml', task='reach', lockstep=True,
    use_sim_time=True, demonstrations='demos', journal='journal', pretrained='pretrained',
    finetune_config='finetune.yaml', run_dir='run', model='model', run='run')
STARTED = [pytest.param(node, id=f'{stage}-{node.name}')
           for stage, make in STAGES.items() for node in make(OPTIONS).nodes]
STARTED += [pytest.param(node, id=f'mock-{node.name}') for node in simulation_graph(GraphOptions(
    contract='arm.yaml', run_id='r1', mock_arm=True)).nodes]
STARTED += [pytest.param(node, id=f'gazebo-{node.name}') for node in simulation_graph(GraphOptions(
    contract='arm.yaml', run_id='r1', simulation='sim.yaml', gazebo=True,
    use_sim_time=True)).nodes]
STARTED += [pytest.param(node, id=f'judged-{node.name}') for node in evaluation_graph(GraphOptions(
    contract='arm.yaml', run_id='r1', simulation='sim.yaml', model='model', judge='judge')).nodes]
ENTRIES = [pytest.param(entry, id=f'{name}-{entry.name}')
           for name, table in TABLES.items() for entry in table]


@pytest.fixture(scope='module')
def context():
    context = Context()
    rclpy.init(context=context)
    yield context
    context.try_shutdown()


@pytest.fixture
def node(context):
    node = rclpy.create_node('parameters', context=context, enable_rosout=False,
                             start_parameter_services=False)
    yield node
    node.destroy_node()


def test_the_stages_use_every_node():
    assert {started.values[0].name for started in STARTED} == set(NODES)


@pytest.mark.parametrize('started', STARTED)
def test_a_node_declares_the_parameters_it_is_started_with_and_their_types(started):
    declared = {entry.name: entry.default for entry in TABLES[started.name]}
    declared['use_sim_time'] = False  # every ROS node has it
    for name, value in started.parameters.items():
        assert name in declared, f'{started.name} does not declare {name}'
        assert type(value) is type(declared[name]), f'{started.name}: {name} is {value!r}'


@pytest.mark.parametrize('name', NODES)
def test_no_parameter_is_declared_twice(name):
    names = [entry.name for entry in TABLES[name]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize('entry', ENTRIES)
def test_each_parameter_has_a_meaning_and_each_number_a_range(entry):
    descriptor = entry.descriptor()
    assert len(descriptor.description) > 10
    assert descriptor.read_only == entry.read_only
    ranges = [*descriptor.floating_point_range, *descriptor.integer_range]
    if type(entry.default) in (int, float):
        assert len(ranges) == 1
        assert ranges[0].from_value <= entry.default <= ranges[0].to_value
        assert ranges[0].from_value < ranges[0].to_value
    else:
        assert not ranges


@pytest.mark.parametrize('name', NODES)
def test_a_table_can_be_declared_with_its_defaults(node, name):
    declare(node, TABLES[name])
    for entry in TABLES[name]:
        assert node.get_parameter(entry.name).value == entry.default


def test_a_value_outside_its_range_is_refused_at_the_start(context):
    table = (Parameter('lead', 1, 'ticks to wait', minimum=0, maximum=5),)
    node = rclpy.create_node('parameters', context=context, enable_rosout=False,
                             start_parameter_services=False,
                             parameter_overrides=[RosParameter('lead', value=6)])
    with pytest.raises(InvalidParameterValueException):
        declare(node, table)
    node.destroy_node()


def test_only_parameters_that_are_not_read_only_can_be_set(node):
    declare(node, (Parameter('fixed', 1, 'set at the start', minimum=0, maximum=5),
                   Parameter('open', 1, 'set at any time', read_only=False, minimum=0, maximum=5)))
    fixed, free, large = node.set_parameters([
        RosParameter('fixed', value=2), RosParameter('open', value=2),
        RosParameter('open', value=9)])
    assert (fixed.successful, free.successful, large.successful) == (False, True, False)
    assert [node.get_parameter(name).value for name in ('fixed', 'open')] == [1, 2]
