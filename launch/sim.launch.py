# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The built-in simulated arm and the nodes of one stage, as ``inril`` runs them.

    ros2 launch inril_ros sim.launch.py stage:=record task:=push demonstrations:=demos

What a stage runs is written in ``inril_ros.graph.description``. That is Python, and needs the
arguments' values: hence the OpaqueFunction.
"""

from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from inril_ros.graph.description import GraphOptions, STAGES

# Beside this file, both in the sources and in share/inril_ros.
CONFIG = Path(__file__).parent.parent / 'config'

TRUTH = ('true', 'false')
ARGUMENTS = {
    'stage': ('simulate', 'nodes to run: the arm alone, or a whole stage', tuple(STAGES)),
    'task': ('pick-place', 'task, one of those in the simulation mapping', None),
    'contract': (str(CONFIG / 'robots' / 'metaworld_sawyer.yaml'), 'robot contract', None),
    'simulation': (str(CONFIG / 'simulations' / 'metaworld.yaml'), 'simulation mapping', None),
    'run_id': ('', 'UUID of the run; empty: any run', None),
    'namespace': ('', 'namespace of the robot', None),
    'lockstep': ('false', 'simulated time waits for the nodes, as fast as they go', TRUTH),
    'autostart': ('true', 'configure and activate the nodes', TRUTH),
    'respawn': ('true', 'bring recorder and learner back after a crash', TRUTH),
    'log_level': ('info', 'log level of the nodes', ('debug', 'info', 'warn', 'error')),
    'camera': ('false', 'render the cameras of the contract', TRUTH),
    'operator_noise': ('0.3', 'errors of the scripted operator [standard deviation]', None),
    'exploration_scale': ('0.1', 'noise on the actions while learning [standard deviation]', None),
    'model': ('', 'folder of the policy; empty in finetune: the pretrained one', None),
    'demonstrations': ('', 'folder of demonstration bags (record, finetune)', None),
    'journal': ('', 'folder of the rollout journal (finetune)', None),
    'finetune_config': ('', 'settings of the fine-tuning session, YAML (finetune)', None),
    'pretrained': ('', 'folder of the cloned model (finetune)', None),
    'run_dir': ('', 'folder the learner writes to (finetune)', None),
    'seed': ('0', 'seed of the learner (finetune)', None),
    'synchronous': ('false', 'learn between episodes only: repeatable (finetune)', TRUTH),
    'device': ('auto', 'device of the learner (finetune)', ('auto', 'cpu', 'cuda')),
}


def start_stage(context: LaunchContext) -> list[Node]:
    given = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    stage = given.pop('stage')
    typed = {name: value == 'true' if ARGUMENTS[name][2] == TRUTH else value
             for name, value in given.items()}
    typed |= {'seed': int(given['seed']), 'operator_noise': float(given['operator_noise']),
              'exploration_scale': float(given['exploration_scale']),
              'use_sim_time': typed['lockstep']}  # in real time the arm has the computer's clock
    graph = STAGES[stage](GraphOptions(**typed))
    return [
        Node(
            package='inril_ros',
            executable=node.executable,
            name=node.name,
            namespace=node.namespace,
            parameters=[dict(node.parameters)],
            remappings=list(node.remappings.items()),
            arguments=['--ros-args', '--log-level', graph.log_level],
            prefix=f'nice -n {node.niceness}' if node.niceness else None,
            respawn=node.respawn,
            respawn_delay=2.0,
            output=node.output,
        )
        for node in graph.nodes
    ]


def generate_launch_description() -> LaunchDescription:
    """List the arguments, then the nodes of the stage."""
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=description,
                              **({'choices': list(choices)} if choices else {}))
        for name, (default, description, choices) in ARGUMENTS.items()]
    return LaunchDescription([*arguments, OpaqueFunction(function=start_stage)])
