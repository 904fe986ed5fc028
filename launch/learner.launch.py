# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs the learner alone, on another machine than the robot's nodes.

    ros2 launch inril_ros learner.launch.py contract:=arm.yaml pretrained:=runs/a/pretrained \
        demonstrations:=runs/a/demonstrations finetune_config:=config/finetune.yaml \
        run_dir:=runs/a/finetune device:=cuda

    ros2 launch inril_ros learner.launch.py run:=runs/a device:=cuda

The robot's side is finetune.launch.py with ``learner:=false``, in the same namespace and with the
same ``run_id``; or, for several robots, one finetune.launch.py per ``namespace:=`` and here
``robots:=left,right``. All arguments of robot.launch.py can be given as well.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Include robot.launch.py with the stage."""
    return LaunchDescription([
        DeclareLaunchArgument(
            'run', default_value='', description='folder of the run; without it the others must '
                                                 'be given'),
        DeclareLaunchArgument(
            'contract', default_value='', description='robot contract (YAML)'),
        DeclareLaunchArgument(
            'pretrained', default_value='', description='folder of the cloned model'),
        DeclareLaunchArgument(
            'demonstrations', default_value='', description='folder of the demonstration bags'),
        DeclareLaunchArgument(
            'finetune_config', default_value='',
            description='settings of the fine-tuning session (YAML)'),
        DeclareLaunchArgument(
            'robots', default_value='',
            description='namespaces of several robots, separated by commas'),
        DeclareLaunchArgument(
            'run_dir', default_value='', description='folder that the learner writes to'),
        IncludeLaunchDescription(
            str(Path(__file__).with_name('robot.launch.py')),
            launch_arguments={'stage': 'learn'}.items()),
    ])
