# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A job meets its robot where it is: a simulation of its own, Gazebo, or a real arm."""

from pathlib import Path

import pytest

from inril_ros.cli.run.progress import Reporter
from inril_ros.cli.stages.job import Job, JobOptions
from inril_ros.data.run.run_directory import new_settings, RunDirectory
from inril_ros.graph.description import recording_graph
from inril_ros.graph.domain import reserve_domain

CONFIG = Path(__file__).parents[2] / 'config'
MAPPING = str(CONFIG / 'simulations' / 'gazebo_arm.yaml')


@pytest.fixture
def run(tmp_path):
    return RunDirectory.create(tmp_path / 'run', new_settings(
        'lift', 0, CONFIG / 'robots' / 'gazebo_arm.yaml'), resume=False)


def job(run, **options):
    return Job(run, JobOptions(**options), Reporter(json_output=True))


@pytest.mark.parametrize(('options', 'lockstep', 'simulated_time', 'nodes'), [
    (dict(simulation=MAPPING), True, True, ['sim_node', 'actuation_node', 'recorder_node',
                                            'teleop_node']),
    (dict(simulation=MAPPING, gazebo=True), False, True,
     ['gazebo_node', 'actuation_node', 'recorder_node', 'teleop_node']),
    (dict(simulation=''), False, False, ['actuation_node', 'recorder_node'])])
def test_time_and_nodes_are_those_of_the_robot(run, options, lockstep, simulated_time, nodes):
    told = job(run, **options).graph_options(demonstrations='demos')
    assert (told.lockstep, told.use_sim_time) == (lockstep, simulated_time)
    assert [node.name for node in recording_graph(told).nodes] == nodes


@pytest.mark.parametrize(('options', 'own'), [
    (dict(simulation=MAPPING), True), (dict(simulation=MAPPING, gazebo=True), False),
    (dict(simulation=''), False)])
def test_a_robot_outside_is_met_in_its_own_domain(run, options, own, monkeypatch):
    with reserve_domain() as free:
        monkeypatch.setenv('ROS_DOMAIN_ID', str(free))
    with job(run, **options)._domain() as domain:
        assert (domain is not None) is own


def test_gazebo_s_scene_has_seeds_and_a_real_one_has_none(run):
    assert job(run, simulation=MAPPING, gazebo=True).scene_seed('a') == job(
        run, simulation=MAPPING).scene_seed('a') is not None
    assert job(run, simulation='').scene_seed('a') is None
