# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Gazebo with the arm of config/gazebo, and the nodes of one stage; see docs/how_to/gazebo.md.

    ros2 launch inril_ros gazebo.launch.py
    ros2 launch inril_ros gazebo.launch.py stage:=record demonstrations:=demos headless:=true
    ros2 launch inril_ros gazebo.launch.py ros2_control:=true

The topics are those of sim.launch.py with simulation:=config/simulations/gazebo_arm.yaml. With
ros2_control the arm is a robot whose controllers run in Gazebo, otherwise a model that the bridge
commands. All nodes use simulated time. All arguments of robot.launch.py can be given as well.

Gazebo sends the time and the joints at each of its steps, a thousand times a second, which takes
half a core of each node. topic_tools thins them out, if it is installed.
"""

from pathlib import Path
import shlex
import tempfile

from ament_index_python.packages import get_package_prefix, PackageNotFoundError
from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
)
from launch.conditions import IfCondition
from launch.substitutions import (
    Command,
    LaunchConfiguration,
    NotEqualsSubstitution,
    PathJoinSubstitution,
)
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from inril_ros.sim.gazebo.sdf_scene import without

CONFIG = Path(__file__).parents[1] / 'config'  # in the sources and in share/inril_ros
WORLD = CONFIG / 'gazebo' / 'arm_world.sdf'
SERVICES = ['/world/inril_arm/set_pose@ros_gz_interfaces/srv/SetEntityPose',
            '/world/inril_arm/control@ros_gz_interfaces/srv/ControlWorld']


def start_gazebo(context: LaunchContext) -> list[IncludeLaunchDescription]:
    """Start Gazebo with the world, less the arm if that is spawned and an unwanted camera."""
    left_out, world = [], WORLD
    if _is_true(context, 'ros2_control'):
        left_out += [('model', 'arm')]
    if not _is_true(context, 'camera'):
        left_out += [('model', 'front_camera'), ('plugin', 'gz::sim::systems::Sensors')]
    if left_out:
        world = Path(tempfile.mkdtemp(prefix='inril_ros_')) / 'part_of_arm_world.sdf'
        world.write_text(without(WORLD.read_text(encoding='utf-8'), *left_out), encoding='utf-8')
    server = '-s ' if _is_true(context, 'headless') else ''
    if server and _is_true(context, 'camera'):
        server += '--headless-rendering '
    return [IncludeLaunchDescription(
        PathJoinSubstitution([FindPackageShare('ros_gz_sim'), 'launch', 'gz_sim.launch.py']),
        launch_arguments={
            'gz_args': f'-r -v 3 {server}{shlex.quote(str(world))}',  # for a shell
            'on_exit_shutdown': 'true'}.items())]


def start_bridge(context: LaunchContext) -> list[Node | LogInfo]:
    """Start the bridge, and what thins out the topics that come at each step of Gazebo."""
    ros2_control = _is_true(context, 'ros2_control')
    rate = float(LaunchConfiguration('highest_rate').perform(context))
    topics = ['/clock'] if ros2_control else ['/clock', 'joint_states']
    actions, thinned = [], {}
    if rate > 0.0 and not _is_installed('topic_tools'):
        actions += [LogInfo(msg=(
            f'{", ".join(topics)} come at 1000 Hz, which takes half a core of each node: install '
            'ros-$ROS_DISTRO-topic-tools, or say highest_rate:=0'))]
    elif rate > 0.0:
        thinned = {topic: f'{"/" if topic[0] == "/" else ""}gazebo/{topic.strip("/")}'
                   for topic in topics}
    config = CONFIG / 'gazebo' / ('ros2_control' if ros2_control else '') / 'bridge.yaml'
    namespace = LaunchConfiguration('namespace')
    return [
        *actions,
        Node(
            package='ros_gz_bridge',
            executable='parameter_bridge',
            name='gazebo_bridge',
            namespace=namespace,
            arguments=SERVICES,
            remappings=list(thinned.items()),
            parameters=[{'config_file': str(config), 'use_sim_time': True}],
            output='both',
        ),
        *(Node(
            package='topic_tools',
            executable='throttle',
            name=f'throttle_{topic.strip("/")}',
            namespace=namespace,
            parameters=[{
                'input_topic': full, 'output_topic': topic, 'throttle_type': 'messages',
                'msgs_per_sec': rate, 'use_sim_time': False}],  # what it throttles is the time
            output='both',
        ) for topic, full in thinned.items())]


def _is_true(context: LaunchContext, argument: str) -> bool:
    return LaunchConfiguration(argument).perform(context) == 'true'


def _is_installed(package: str) -> bool:
    try:
        get_package_prefix(package)
    except PackageNotFoundError:
        return False
    return True


def generate_launch_description() -> LaunchDescription:
    """List the arguments, then Gazebo, the bridge, the arm as a robot, and the stage."""
    namespace = LaunchConfiguration('namespace')
    ros2_control = LaunchConfiguration('ros2_control')
    robot_description = ParameterValue(
        Command(['xacro ', shlex.quote(str(CONFIG / 'gazebo' / 'ros2_control' / 'arm.urdf.xacro')),
                 f' config:={shlex.quote(str(CONFIG))}', ' namespace:=/', namespace]),
        value_type=str)
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
        DeclareLaunchArgument(
            'camera', default_value='true', choices=['true', 'false'],
            description='render the camera and watch it; false for a machine without EGL'),
        DeclareLaunchArgument(
            'highest_rate', default_value='200',
            description='[Hz] highest rate at which /clock and joint_states reach the nodes, by '
                        'topic_tools; 0: as Gazebo sends them, at each of its steps'),
        OpaqueFunction(function=start_gazebo),
        OpaqueFunction(function=start_bridge),
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
