# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs the built-in simulated arm, or a mock arm, and the nodes of one stage.

    ros2 launch inril_ros sim.launch.py stage:=record task:=push demonstrations:=demos
    ros2 launch inril_ros sim.launch.py mock_arm:=true contract:=config/robots/mock_arm.yaml

In real time the simulated arm uses the computer's clock like a robot; in lockstep it sends /clock.
All arguments of robot.launch.py can be given as well.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.substitutions import LaunchConfiguration

CONFIG = Path(__file__).parents[1] / 'config'  # in the sources and in share/inril_ros


def generate_launch_description() -> LaunchDescription:
    """Include robot.launch.py with the simulation."""
    return LaunchDescription([
        DeclareLaunchArgument(
            'stage', default_value='simulate',
            description='nodes to run: the arm alone, or a whole stage'),
        DeclareLaunchArgument(
            'task', default_value='pick-place',
            description='task of the simulation mapping'),
        DeclareLaunchArgument(
            'contract', default_value=str(CONFIG / 'robots' / 'metaworld_sawyer.yaml'),
            description='robot contract (YAML)'),
        DeclareLaunchArgument(
            'simulation', default_value=str(CONFIG / 'simulations' / 'metaworld.yaml'),
            description='simulation mapping (YAML)'),
        DeclareLaunchArgument(
            'lockstep', default_value='false', choices=['true', 'false'],
            description='simulated time waits for the nodes and runs as fast as they can'),
        IncludeLaunchDescription(
            str(Path(__file__).with_name('robot.launch.py')),
            launch_arguments={'use_sim_time': LaunchConfiguration('lockstep')}.items()),
    ])
