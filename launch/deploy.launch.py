# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A policy on a robot, as it is: nothing is recorded, nothing is learned.

    ros2 launch inril_ros deploy.launch.py contract:=arm.yaml model:=runs/a/finetune/model

The driver of the robot, its controllers and cameras are started before
(docs/how_to/bring_up.md). The arm doesn't move before somebody says so: ``ros2 service call
/actuation_node/enable std_srvs/srv/SetBool '{data: true}'``. All arguments of robot.launch.py can
be given as well.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

HERE = Path(__file__).parent


def generate_launch_description() -> LaunchDescription:
    """Include the robot's launch file with the stage."""
    return LaunchDescription([
        DeclareLaunchArgument('contract', description='robot contract (YAML)'),
        DeclareLaunchArgument('model', description='folder of the policy'),
        DeclareLaunchArgument(
            'exploration_scale', default_value='0.0',
            description='noise on the actions [standard deviation]'),
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(str(HERE / 'robot.launch.py')),
            launch_arguments={'stage': 'evaluate'}.items(),
        ),
    ])
