# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Fine-tunes a policy on a robot: it drives, a person may take over, the learner improves it.

    ros2 launch inril_ros finetune.launch.py run:=runs/a
    ros2 launch inril_ros finetune.launch.py contract:=arm.yaml pretrained:=runs/a/pretrained \
        journal:=runs/a/finetune/journal demonstrations:=runs/a/demonstrations \
        finetune_config:=config/finetune.yaml run_dir:=runs/a/finetune

By the first of these the run has all that follows, and a conductor node asks for the episodes.

With ``learner:=false`` the learner runs elsewhere (learner.launch.py), and of the last three only
``finetune_config`` is needed here: it says how the policy explores. With ``robots:=left,right``
several arms of one contract feed one learner; each has its nodes in its namespace, and its journal
in a folder of its name. The driver of the robot, its controllers and cameras are started before
(docs/how_to/bring_up.md). All arguments of robot.launch.py can be given as well.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Include robot.launch.py with the stage."""
    return LaunchDescription([
        DeclareLaunchArgument(
            'run', default_value='', description='folder of the run whose episodes are asked '
                                                 'for; without it the next three must be given'),
        DeclareLaunchArgument(
            'contract', default_value='', description='robot contract (YAML)'),
        DeclareLaunchArgument(
            'pretrained', default_value='', description='folder of the cloned model'),
        DeclareLaunchArgument(
            'journal', default_value='', description='folder of the rollout journal'),
        DeclareLaunchArgument(
            'robots', default_value='',
            description='namespaces of several robots, separated by commas'),
        DeclareLaunchArgument(
            'learner', default_value='true', choices=['true', 'false'],
            description='run the learner on this machine'),
        IncludeLaunchDescription(
            str(Path(__file__).with_name('robot.launch.py')),
            launch_arguments={'stage': 'finetune'}.items()),
    ])
