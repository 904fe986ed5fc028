# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Records demonstrations on a robot: a person drives, each episode becomes a bag.

    ros2 launch inril_ros record.launch.py run:=runs/a contract:=arm.yaml task:=lift episodes:=20
    ros2 launch inril_ros record.launch.py contract:=arm.yaml demonstrations:=demos

By the first of these a run begins or goes on, and a conductor node asks for its episodes; by the
second the person begins them.

The driver of the robot, its controllers, cameras and the teleop device's own driver are started
before (docs/how_to/bring_up.md). All arguments of robot.launch.py can be given as well.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Include robot.launch.py with the stage."""
    return LaunchDescription([
        DeclareLaunchArgument(
            'run', default_value='', description='folder of the run whose demonstrations these '
                                                 'are; without it the next two must be given'),
        DeclareLaunchArgument(
            'contract', default_value='', description='robot contract (YAML); a run that is '
                                                      'there has its own'),
        DeclareLaunchArgument(
            'demonstrations', default_value='',
            description='folder that the bags are written to'),
        DeclareLaunchArgument(
            'teleop_device', default_value='external',
            description='joystick, spacemouse, leader or joint_jog; external for another '
                        'publisher of the teleop topics; scripted for the operator of a '
                        'simulation'),
        IncludeLaunchDescription(
            str(Path(__file__).with_name('robot.launch.py')),
            launch_arguments={'stage': 'record'}.items()),
    ])
