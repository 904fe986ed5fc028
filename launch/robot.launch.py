# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs the nodes of one stage beside a robot, as ``inril`` does; the other files include this one.

    ros2 launch inril_ros robot.launch.py stage:=evaluate contract:=arm.yaml model:=model

With ``run:=runs/a`` a conductor node asks for the episodes and notes them in the folder of the
run, as ``inril`` does; without it somebody else asks.

``inril_ros.graph.description`` lists the nodes of a stage. It is Python and needs the arguments'
values, hence the OpaqueFunction. With ``autostart`` each node configures and activates itself as
soon as it has what it needs, also after a respawn; without it a person or a lifecycle manager must
do so. Policy, recorder, learner and conductor start again after a crash; all nodes end if one of
these can't start, as with a wrong model, or crashes a fourth time within five minutes. The
actuation node is never started again, and when it ends all others end too: no arm must begin to
move again unattended.
"""

from collections.abc import Callable
from dataclasses import fields
import time
from typing import Any

from ament_index_python.packages import get_package_prefix, PackageNotFoundError
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from inril_ros.graph.description import GraphOptions, NodeDescription, STAGES
from inril_ros.graph.respawn_limit import RespawnLimit
from inril_ros.graph.run_options import completed
from inril_ros.sim.mock_arm.viewed_model import viewed_model

TRUTH = ('true', 'false')
# Name: default (empty if not given), description, allowed values.
ARGUMENTS = {
    'stage': ('simulate', 'stage, whose nodes are run', tuple(STAGES)),
    'contract': ('', 'robot contract (YAML); must be given', ()),
    'namespace': ('', 'namespace of the robot', ()),
    'robots': ('', 'namespaces of several robots that feed one learner, separated by commas; '
                   'empty for one robot (finetune, learn)', ()),
    'use_sim_time': ('false', 'use simulated time, from /clock', TRUTH),
    'autostart': ('true', 'the nodes configure and activate themselves', TRUTH),
    'respawn': ('true', 'start policy, recorder and learner again after a crash', TRUTH),
    'params_file': ('', 'parameters of the nodes: a ROS parameter file (YAML), or a name in '
                        'config/parameters', ()),
    'log_level': ('info', 'log level of the nodes', ('debug', 'info', 'warn', 'error')),
    'dry_run': ('false', 'compute and report everything, send no commands', TRUTH),
    'run_id': ('', 'UUID of the run; empty for any run', ()),
    'simulation': ('', 'simulation mapping (YAML); empty for a real robot', ()),
    'gazebo': ('false', "Gazebo simulates the mapping's world", TRUTH),
    'mock_arm': ('false', 'run a mock arm that the contract describes', TRUTH),
    'lockstep': ('false', 'simulated time waits for the nodes, as fast as they can go', TRUTH),
    'task': ('', 'task of the simulation mapping', ()),
    'camera': ('false', 'render the cameras of the contract', TRUTH),
    'teleop_device': ('scripted', 'teleop device of demonstrations (record)', ()),
    'teleop_settings': ('', 'settings of the teleop device (YAML); empty for the defaults', ()),
    'operator_noise': ('0.3', 'noise of the scripted operator [standard deviation]', ()),
    'demonstrations': ('', 'folder of demonstration bags (record, finetune, learn)', ()),
    'judge': ('', 'folder of the classifier that judges, instead of the simulator or a person '
                  '(evaluate, finetune)', ()),
    'model': ('', 'folder of the policy; empty for the pretrained one in finetune', ()),
    'attempts': ('', 'folder for bags of evaluation episodes, from which a classifier of success '
                     'learns; empty: none (evaluate)', ()),
    'pretrained': ('', 'folder of the cloned model (finetune, learn)', ()),
    'journal': ('', 'folder of the rollout journal (finetune)', ()),
    'exploration_scale': ('-1.0', 'noise on the actions while learning [standard deviation]; '
                                  'negative: as in finetune_config', ()),
    'longest_rollout': ('0', 'ticks after which an episode of learning is cut; 0: at the time '
                             'limit (finetune)', ()),
    'reset_seconds': ('10.0', 'time of a person per reset [s], for the minutes of robot and '
                              'person (finetune, learn)', ()),
    'learner': ('true', 'run the learner on this machine (finetune)', TRUTH),
    'finetune_config': ('', 'settings of the fine-tuning session (YAML) (finetune, learn)', ()),
    'run_dir': ('', 'folder that the learner writes to (finetune, learn)', ()),
    'hold_first': ('false', 'the first model acts until ~/hold_version releases it or a rollout '
                            'begins: it is evaluated (finetune)', TRUTH),
    'held_versions': ('', 'folder for the models that ~/hold_version holds (finetune)', ()),
    'seed': ('0', 'seed of the learner (finetune, learn)', ()),
    'device': ('auto', 'device of the learner (finetune, learn)', ('auto', 'cpu', 'cuda')),
    'run': ('', 'folder of the run whose episodes conductor_node asks for; what else is not given '
                'is taken from it (record, evaluate, finetune)', ()),
    'episodes': ('0', 'demonstrations to record, or episodes of the evaluation; 0: as the run '
                      'has noted, else 5 and 50', ()),
    'env_steps': ('0', 'environment steps of fine-tuning; 0: as the run has noted, else 10000',
                  ()),
    'evaluation_every': ('0', 'environment steps between two blocks of evaluation that judge '
                              'versions; 0: as in the settings of the run (finetune)', ()),
    'evaluation_episodes': ('10', 'episodes of such a block (finetune)', ()),
    'synchronous': ('false', 'learn only between episodes: repeatable (finetune, learn)', TRUTH),
}
# How the text of an argument is converted to the type of its option.
READ = {'bool': lambda text: text == 'true', 'int': int, 'float': float, 'str': str,
        'tuple': lambda text: tuple(part.strip() for part in text.split(',') if part.strip())}


def start_stage(context: LaunchContext) -> list[Node | LogInfo]:
    """Start the nodes of the stage, and what publishes the model of a mock arm for viewers."""
    given = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    if given['mock_arm'] == 'true':  # it has no simulation, whatever the default
        given['simulation'] = ''
    kinds = {field.name: getattr(field.type, '__name__', field.type)
             for field in fields(GraphOptions)}
    stage = given.pop('stage')
    graph = STAGES[stage](GraphOptions(**completed(stage, {
        name: READ[kinds[name]](text) for name, text in given.items()})))
    return [
        Node(
            package='inril_ros',
            executable=node.executable,
            name=node.name,
            exec_name=node.path.replace('/', '_'),  # not that of the prefix
            namespace=node.namespace,
            parameters=[dict(node.parameters)],
            remappings=list(node.remappings.items()),
            arguments=['--ros-args', '--enclave', f'/inril/{node.path}', '--log-level',
                       graph.log_level],
            prefix=f'nice -n {node.niceness}' if node.niceness else None,
            respawn=node.respawn,
            respawn_delay=2.0,
            # Time for the arm to come to rest, and for the last checkpoint.
            sigterm_timeout='10',
            sigkill_timeout='20',
            on_exit=_on_exit(node),
            output=node.output,
        )
        for node in graph.nodes
    ] + [_model_of(node) for node in graph.nodes if node.executable == 'mock_arm_node']


def _model_of(node: NodeDescription) -> Node | LogInfo:
    """Return what publishes robot_description and the frames of a mock arm, as a driver does."""
    try:
        get_package_prefix('robot_state_publisher')
    except PackageNotFoundError:
        return LogInfo(msg='viewers get no model of the mock arm and no frames: install '
                           'ros-$ROS_DISTRO-robot-state-publisher')
    return Node(
        package='robot_state_publisher',
        executable='robot_state_publisher',
        namespace=node.namespace,
        parameters=[{'robot_description': ParameterValue(
                         viewed_model(str(node.parameters['contract'])), value_type=str),
                     'frame_prefix': f'{node.namespace.strip("/")}/' if node.namespace else ''}],
        output='both',
    )


def _on_exit(node: NodeDescription) -> Shutdown | Callable[[Any, LaunchContext], Any] | None:
    """Return what follows the end of a node."""
    if node.vital:
        return Shutdown(reason=f'{node.path} ended')
    limit = RespawnLimit()

    def ended(event: Any, context: LaunchContext) -> list[LogInfo | Shutdown]:
        reason = limit.why_not(event.returncode, time.monotonic())
        told = f'{node.path} {reason}'
        return [LogInfo(msg=told), Shutdown(reason=told)] if reason else []

    return ended if node.respawn else None


def generate_launch_description() -> LaunchDescription:
    """List the arguments, then the nodes of the stage."""
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=description,
                              choices=choices or None)
        for name, (default, description, choices) in ARGUMENTS.items()]
    return LaunchDescription([*arguments, OpaqueFunction(function=start_stage)])
