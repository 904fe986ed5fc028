# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The launch file starts what the description says.

It is run against a few lines that stand for ``launch``, which no Python package index has; where
ROS provides it, the real one reads the file too.
"""

from dataclasses import fields
import importlib.util
from pathlib import Path
import sys
from types import ModuleType

import pytest

from inril_ros.graph.description import finetuning_graph, GraphOptions

LAUNCH_FILE = Path(__file__).parents[2] / 'launch' / 'sim.launch.py'


class Recorded:
    """Keeps what it was made with."""

    def __init__(self, *arguments, **settings):
        self.arguments = arguments
        self.settings = settings


class Configuration(Recorded):
    def perform(self, context):
        return context[self.arguments[0]]


def module(name, **content):
    made = ModuleType(name)
    vars(made).update(content)
    return made


@pytest.fixture
def launch_file(monkeypatch):
    for stub in (
            module('launch', LaunchContext=dict, LaunchDescription=list),
            module('launch.actions', DeclareLaunchArgument=type('Declare', (Recorded,), {}),
                   OpaqueFunction=type('Opaque', (Recorded,), {})),
            module('launch.substitutions', LaunchConfiguration=Configuration),
            module('launch_ros'),
            module('launch_ros.actions', Node=type('Node', (Recorded,), {}))):
        monkeypatch.setitem(sys.modules, stub.__name__, stub)
    return load()


def load():
    specification = importlib.util.spec_from_file_location('sim_launch', LAUNCH_FILE)
    loaded = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(loaded)
    return loaded


def nodes(description, **given):
    """Perform the description as launch would, with some arguments given."""
    *declared, opaque = description
    context = {entry.arguments[0]: entry.settings['default_value'] for entry in declared}
    assert given.keys() <= context.keys()
    return [node.settings for node in opaque.settings['function']({**context, **given})]


def test_by_default_the_arm_alone_starts(launch_file):
    started = nodes(launch_file.generate_launch_description())
    assert [node['executable'] for node in started] == ['sim_node']
    parameters = started[0]['parameters'][0]
    assert Path(parameters['contract']).name == 'metaworld_sawyer.yaml'
    assert parameters['lockstep'] is False and parameters['use_sim_time'] is False


def test_a_stage_starts_with_the_parameters_of_its_description(launch_file):
    paths = dict(demonstrations='demos', journal='journal', finetune_config='finetune.yaml',
                 pretrained='pretrained', run_dir='run')
    started = nodes(launch_file.generate_launch_description(), stage='finetune', task='push',
                    contract='arm.yaml', simulation='sim.yaml', namespace='left', seed='7',
                    lockstep='true', respawn='false', operator_noise='0.5', **paths)
    described = finetuning_graph(GraphOptions(
        contract='arm.yaml', simulation='sim.yaml', task='push', run_id='', namespace='left',
        seed=7, lockstep=True, use_sim_time=True, operator_noise=0.5, **paths))
    assert [node['parameters'][0] for node in started] == [
        dict(node.parameters) for node in described.nodes]
    assert [(node['executable'], node['namespace'], node['respawn']) for node in started] == [
        (node.executable, 'left', False) for node in described.nodes]
    assert [node['prefix'] for node in started] == [None] * 4 + ['nice -n 5']


def test_every_option_is_an_argument_and_every_argument_is_described(launch_file):
    *declared, _ = launch_file.generate_launch_description()
    assert all(entry.settings['description'] for entry in declared)
    options = {field.name for field in fields(GraphOptions)} - {'teleop_device', 'use_sim_time'}
    assert {entry.arguments[0] for entry in declared} == options | {'stage'}


def test_the_configuration_files_are_where_the_defaults_say(launch_file):
    assert Path(launch_file.ARGUMENTS['contract'][0]).is_file()
    assert Path(launch_file.ARGUMENTS['simulation'][0]).is_file()


def test_launch_itself_takes_the_file():
    pytest.importorskip('launch_ros', reason='launch_ros comes with a ROS 2 distribution only')
    from launch import LaunchContext
    description = load().generate_launch_description()
    context = LaunchContext()
    started = [entity for action in description.entities
               for entity in action.visit(context) or []]
    assert [node.node_executable for node in started] == ['sim_node']
