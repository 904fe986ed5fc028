# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Gazebo with the arm of config/gazebo, and the nodes of one stage; see docs/how_to/gazebo.md.

    ros2 launch inril_ros gazebo.launch.py
    ros2 launch inril_ros gazebo.launch.py stage:=record demonstrations:=demos headless:=true
    ros2 launch inril_ros gazebo.launch.py ros2_control:=true

The topics are those of sim.launch.py with simulation:=config/simulations/gazebo_arm.yaml. With
ros2_control the arm is a robot whose controllers run in Gazebo, otherwise a model that the bridge
commands. All nodes use simulated time. All arguments of robot.launch.py can be given as well.
"""

from pathlib import Path
import tempfile

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import (
    Command,
    IfElseSubstitution,
    LaunchConfiguration,
    NotEqualsSubstitution,
    PathJoinSubstitution,
)
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from inril_ros.sim.gazebo.sdf_scene import without_model

CONFIG = Path(__file__).parents[1] / 'config'  # in the sources and in share/inril_ros
WORLD = CONFIG / 'gazebo' / 'arm_world.sdf'
SERVICES = ['/world/inril_arm/set_pose@ros_gz_interfaces/srv/SetEntityPose',
            '/world/inril_arm/control@ros_gz_interfaces/srv/ControlWorld']


def start_gazebo(context: LaunchContext) -> list[IncludeLaunchDescription]:
    """Start Gazebo with the whole world, or without the arm if that is spawned as a robot."""
    world = WORLD
    if LaunchConfiguration('ros2_control').perform(context) == 'true':
        world = Path(tempfile.mkdtemp(prefix='inril_ros_')) / 'world_without_arm.sdf'
        world.write_text(without_model(WORLD.read_text(encoding='utf-8'), 'arm'), encoding='utf-8')
    headless = LaunchConfiguration('headless').perform(context) == 'true'
    return [IncludeLaunchDescription(
        PathJoinSubstitution([FindPackageShare('ros_gz_sim'), 'launch', 'gz_sim.launch.py']),
        launch_arguments={
            'gz_args': f'-r -v 3 {"-s --headless-rendering " if headless else ""}{world}',
            'on_exit_shutdown': 'true'}.items())]


def generate_launch_description() -> LaunchDescription:
    """List the arguments, then Gazebo, the bridge, the arm as a robot, and the stage."""
    namespace = LaunchConfiguration('namespace')
    ros2_control = LaunchConfiguration('ros2_control')
    robot_description = ParameterValue(
        Command(['xacro ', str(CONFIG / 'gazebo' / 'ros2_control' / 'arm.urdf.xacro'),
                 f' config:={CONFIG}', ' namespace:=/', namespace]), value_type=str)
    bridge = IfElseSubstitution(
        ros2_control, if_value=str(CONFIG / 'gazebo' / 'ros2_control' / 'bridge.yaml'),
        else_value=str(CONFIG / 'gazebo' / 'bridge.yaml'))
    return LaunchDescription([
        DeclareLaunchArgument(
            'stage', default_value='simulate',
            description='nodes to run: the scene alone, or a whole stage; none if they are '
                        'started elsewhere (inril ... --gazebo)'),
        DeclareLaunchArgument('task', default_value='lift', description='task of the mapping'),
        DeclareLaunchArgument(
            'contract', default_value=str(CONFIG / 'robots' / 'gazebo_arm.yaml'),
            description='robot contract (YAML)'),
        DeclareLaunchArgument(
            'simulation', default_value=str(CONFIG / 'simulations' / 'gazebo_arm.yaml'),
            description='simulation mapping (YAML) with the task'),
        DeclareLaunchArgument('namespace', default_value='', description='namespace of the robot'),
        DeclareLaunchArgument(
            'headless', default_value='false', choices=['true', 'false'],
            description='run Gazebo without a window'),
        DeclareLaunchArgument(
            'ros2_control', default_value='false', choices=['true', 'false'],
            description='drive the arm by gz_ros2_control'),
        OpaqueFunction(function=start_gazebo),
        Node(
            package='ros_gz_bridge',
            executable='parameter_bridge',
            name='gazebo_bridge',
            namespace=namespace,
            arguments=SERVICES,
            parameters=[{'config_file': bridge, 'use_sim_time': True}],
            output='both',
        ),
        Node(
            package='robot_state_publisher',
            executable='robot_state_publisher',
            namespace=namespace,
            parameters=[{'robot_description': robot_description, 'use_sim_time': True}],
            output='both',
        ),
        Node(
            package='ros_gz_sim',
            executable='create',
            namespace=namespace,
            arguments=['-topic', 'robot_description', '-name', 'arm'],
            condition=IfCondition(ros2_control),
            output='both',
        ),
        Node(
            package='controller_manager',
            executable='spawner',
            namespace=namespace,
            arguments=['joint_state_broadcaster', 'joint_trajectory_controller',
                       'gripper_controller', '--controller-manager', 'controller_manager'],
            parameters=[{'use_sim_time': True}],
            condition=IfCondition(ros2_control),
            output='both',
        ),
        IncludeLaunchDescription(
            str(Path(__file__).with_name('robot.launch.py')),
            launch_arguments={'gazebo': 'true', 'use_sim_time': 'true'}.items(),
            condition=IfCondition(NotEqualsSubstitution(LaunchConfiguration('stage'), 'none')),
        ),
    ])
