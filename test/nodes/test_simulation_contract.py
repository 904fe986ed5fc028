# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A simulation reads all of its contract: the URDF of guarded links, the limits of lockstep."""

from contextlib import contextmanager
from pathlib import Path

import pytest
import rclpy
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
import yaml

from inril_ros.bench.robots import bench_of
from inril_ros.bench.task import Task
from inril_ros.bench.vectorised import RobotLane
from inril_ros.nodes.sim_node import SimNode

CONFIG = Path(__file__).parents[2] / 'config'


def written(folder, **changes):
    """Write the shipped contract of Gazebo's arm with changes, and the files it names."""
    data = yaml.safe_load((CONFIG / 'robots' / 'gazebo_arm.yaml').read_text())
    data['kinematics']['urdf'] = str(CONFIG / 'robots' / data['kinematics']['urdf'])
    path = folder / 'robots' / 'gazebo_arm.yaml'
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump({**data, **changes}))
    return path


@contextmanager
def simulation(contract, lockstep=True):
    """Yield a simulation node in this process."""
    context = Context()
    rclpy.init(context=context)
    node = SimNode(context=context, parameter_overrides=[
        Parameter(name, value=value) for name, value in {
            'contract': str(contract), 'lockstep': lockstep, 'task': 'lift', 'autostart': False,
            'simulation': str(CONFIG / 'simulations' / 'gazebo_arm.yaml')}.items()])
    try:
        yield node
    finally:
        node.trigger_shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)


GUARDED = {'links': ['tool0'], 'minimum': [-1.0, -1.0, 0.05], 'maximum': [1.0, 1.0, 1.0]}


def test_guarded_links_have_their_urdf_in_the_simulation_node(tmp_path):
    with simulation(written(tmp_path, workspace=GUARDED)) as node:
        assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
        assert node.trigger_activate() is TransitionCallbackReturn.SUCCESS


def test_guarded_links_have_their_urdf_in_a_study(tmp_path):
    written(tmp_path, workspace=GUARDED)
    mapping = yaml.safe_load((CONFIG / 'simulations' / 'gazebo_arm.yaml').read_text())
    mapping['world'] = str(CONFIG / 'gazebo' / 'arm_world.sdf')
    (tmp_path / 'simulations').mkdir()
    (tmp_path / 'simulations' / 'fenced.yaml').write_text(yaml.safe_dump(mapping))
    bench = bench_of(Task(id='lift', simulation=str(tmp_path / 'simulations' / 'fenced.yaml')))
    lane = RobotLane(bench.open(), bench.contract, bench.time_limit, bench.urdf)
    lane.begin(0)
    lane.execute(0.5 * (bench.contract.action_minimum + bench.contract.action_maximum))
    assert lane.played.steps == 1
    lane.close()


@pytest.mark.parametrize('lockstep', [True, False])
def test_lockstep_with_a_delay_is_refused_when_the_contract_is_read(tmp_path, capfd, lockstep):
    contract = written(tmp_path, observation_delay=0.02)
    with simulation(contract, lockstep) as node:
        ended = node.trigger_configure()
    assert (ended is TransitionCallbackReturn.SUCCESS) is not lockstep
    refused = f'{contract}: observation_delay is 0.02 s, which is not possible in lockstep'
    assert (refused in capfd.readouterr().err) is lockstep
