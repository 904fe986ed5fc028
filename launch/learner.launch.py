# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The learner alone, on a machine with a GPU beside the robot's.

    ros2 launch inril_ros learner.launch.py contract:=arm.yaml pretrained:=runs/a/pretrained \
        demonstrations:=runs/a/demonstrations finetune_config:=config/finetune.yaml \
        run_dir:=runs/a/finetune device:=cuda

The robot's side is finetune.launch.py with ``learner:=false``, in the same namespace and with the
same ``run_id``; or, for several robots, one finetune.launch.py per ``namespace:=`` and here
``robots:=left,right``. All arguments of robot.launch.py can be given as well.
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
        DeclareLaunchArgument('pretrained', description='folder of the cloned model'),
        DeclareLaunchArgument('demonstrations', description='folder of the demonstration bags'),
        DeclareLaunchArgument(
            'finetune_config', description='settings of the fine-tuning session (YAML)'),
        DeclareLaunchArgument(
            'robots', default_value='',
            description='namespaces of several robots, with commas between them'),
        DeclareLaunchArgument('run_dir', description='folder the learner writes to'),
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(str(HERE / 'robot.launch.py')),
            launch_arguments={'stage': 'learn'}.items(),
        ),
    ])
