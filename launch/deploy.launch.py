# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs a policy on a robot; nothing is recorded or learned.

    ros2 launch inril_ros deploy.launch.py contract:=arm.yaml model:=runs/a/finetune/model
    ros2 launch inril_ros deploy.launch.py run:=runs/a episodes:=50

By the second of these a conductor node evaluates the best model of a run, as ``inril evaluate``.
Start the robot's driver, controllers and cameras before (docs/how_to/bring_up.md). The arm doesn't
move before it is enabled: ``ros2 service call /actuation_node/enable std_srvs/srv/SetBool '{data:
true}'``. All arguments of robot.launch.py can be given as well.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Include robot.launch.py with the stage."""
    return LaunchDescription([
        DeclareLaunchArgument(
            'run', default_value='', description='folder of the run whose model is evaluated; '
                                                 'without it the next two must be given'),
        DeclareLaunchArgument(
            'contract', default_value='', description='robot contract (YAML)'),
        DeclareLaunchArgument('model', default_value='', description='folder of the policy'),
        DeclareLaunchArgument(
            'exploration_scale', default_value='0.0',
            description='noise on the actions [standard deviation]'),
        IncludeLaunchDescription(
            str(Path(__file__).with_name('robot.launch.py')),
            launch_arguments={'stage': 'evaluate'}.items()),
    ])
