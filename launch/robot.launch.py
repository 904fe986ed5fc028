# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The nodes of one stage beside a robot, as ``inril`` runs them; the other launch files share it.

    ros2 launch inril_ros robot.launch.py stage:=evaluate contract:=arm.yaml model:=model

What a stage runs is written in ``inril_ros.graph.description``. That is Python, and needs the
arguments' values: hence the OpaqueFunction. With ``autostart`` each node configures and activates
itself as soon as it has what it needs, after a respawn too; without it, a person or a lifecycle
manager does. Policy, recorder and learner come back after a crash. The actuation node doesn't, and
ends everything when it ends: no arm begins to move again with nobody watching.
"""

from dataclasses import fields

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from inril_ros.graph.description import GraphOptions, STAGES

TRUTH = ('true', 'false')
# Name: default (empty: not given), meaning, allowed values.
ARGUMENTS = {
    'stage': ('simulate', 'nodes to run', tuple(STAGES)),
    'contract': ('', 'robot contract (YAML); must be given', ()),
    'namespace': ('', 'namespace of the robot', ()),
    'robots': ('', 'namespaces of several robots that feed one learner, with commas between them; '
                   'empty: one robot (finetune, learn)', ()),
    'use_sim_time': ('false', 'nodes follow /clock', TRUTH),
    'autostart': ('true', 'the nodes configure and activate themselves', TRUTH),
    'respawn': ('true', 'policy, recorder and learner come back after a crash', TRUTH),
    'log_level': ('info', 'log level of the nodes', ('debug', 'info', 'warn', 'error')),
    'dry_run': ('false', 'compute and tell everything, command nothing', TRUTH),
    'run_id': ('', 'UUID of the run; empty: any run', ()),
    'simulation': ('', 'simulation mapping (YAML); empty: a real robot', ()),
    'gazebo': ('false', "Gazebo simulates the mapping's world", TRUTH),
    'mock_arm': ('false', 'an arm that is not there answers to the contract', TRUTH),
    'lockstep': ('false', 'simulated time waits for the nodes, as fast as they go', TRUTH),
    'task': ('', 'task of the simulation mapping', ()),
    'camera': ('false', 'render the cameras of the contract', TRUTH),
    'teleop_device': ('scripted', 'what drives demonstrations (record)', ()),
    'teleop_settings': ('', 'settings of the teleop device, YAML; empty: its defaults', ()),
    'operator_noise': ('0.3', 'errors of the scripted operator [standard deviation]', ()),
    'demonstrations': ('', 'folder of demonstration bags (record, finetune, learn)', ()),
    'model': ('', 'folder of the policy; empty in finetune: the pretrained one', ()),
    'pretrained': ('', 'folder of the cloned model (finetune, learn)', ()),
    'journal': ('', 'folder of the rollout journal (finetune)', ()),
    'exploration_scale': ('0.1', 'noise on the actions while learning [standard deviation]', ()),
    'learner': ('true', 'the learner runs on this machine (finetune)', TRUTH),
    'finetune_config': ('', 'settings of the fine-tuning session, YAML (finetune, learn)', ()),
    'run_dir': ('', 'folder the learner writes to (finetune, learn)', ()),
    'seed': ('0', 'seed of the learner (finetune, learn)', ()),
    'device': ('auto', 'device of the learner (finetune, learn)', ('auto', 'cpu', 'cuda')),
    'synchronous': ('false', 'learn between episodes only: repeatable (finetune, learn)', TRUTH),
}
# How the text of an argument becomes the value of an option.
READ = {'bool': lambda text: text == 'true', 'int': int, 'float': float, 'str': str,
        'tuple': lambda text: tuple(part.strip() for part in text.split(',') if part.strip())}


def start_stage(context: LaunchContext) -> list[Node]:
    given = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    if given['mock_arm'] == 'true':  # it has no simulation, whatever the default of one is
        given['simulation'] = ''
    kinds = {field.name: getattr(field.type, '__name__', field.type)
             for field in fields(GraphOptions)}
    graph = STAGES[given.pop('stage')](GraphOptions(**{
        name: READ[kinds[name]](text) for name, text in given.items()}))
    return [
        Node(
            package='inril_ros',
            executable=node.executable,
            name=node.name,
            namespace=node.namespace,
            parameters=[dict(node.parameters)],
            remappings=list(node.remappings.items()),
            arguments=['--ros-args', '--enclave', f'/inril/{node.path}', '--log-level',
                       graph.log_level],
            prefix=f'nice -n {node.niceness}' if node.niceness else None,
            respawn=node.respawn,
            respawn_delay=2.0,
            # Until the arm has come to rest, and the last checkpoint is on the disk.
            sigterm_timeout='10',
            sigkill_timeout='20',
            on_exit=Shutdown(reason=f'{node.path} ended') if node.vital else None,
            output=node.output,
        )
        for node in graph.nodes
    ]


def generate_launch_description() -> LaunchDescription:
    """List the arguments, then the nodes of the stage."""
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=description,
                              choices=choices or None)
        for name, (default, description, choices) in ARGUMENTS.items()]
    return LaunchDescription([*arguments, OpaqueFunction(function=start_stage)])
