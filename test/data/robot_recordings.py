# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recordings of arms as their public drivers publish them: names, types, orders, rates.

The motions are made up: each joint has its own.
"""

from functools import cache

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg, get_typestore, Stores

from inril_ros.data.raw.messages import blank_message, with_numpy
from inril_ros.robot.draft.image_look import image_size
from inril_ros.robot.draft.topic_seen import TopicSeen
from inril_ros.robot.messages.codecs import put_stamp
from inril_ros.robot.messages.images import encode_jpeg

SECOND = 1_000_000_000
BEGIN = 1_764_000_000 * SECOND
JOINT_STATE, TRAJECTORY = 'sensor_msgs/msg/JointState', 'trajectory_msgs/msg/JointTrajectory'
MULTI_ARRAY, IMAGE = 'std_msgs/msg/Float64MultiArray', 'sensor_msgs/msg/CompressedImage'
GROUP, SINGLE = 'interbotix_xs_msgs/msg/JointGroupCommand', (
    'interbotix_xs_msgs/msg/JointSingleCommand')

# https://github.com/UniversalRobots/Universal_Robots_ROS_Driver/issues/619: the joint states come
# in alphabetical order, the controllers have that of the arm.
UR = ['shoulder_pan_joint', 'shoulder_lift_joint', 'elbow_joint', 'wrist_1_joint',
      'wrist_2_joint', 'wrist_3_joint']
# xarm_ros2: xarm_controller/config/xarm6_controllers.yaml, xarm_driver.cpp (the gripper's states).
XARM = [f'joint{number}' for number in range(1, 7)]
XARM_GRIPPER = ['drive_joint', 'left_finger_joint', 'left_inner_knuckle_joint',
                'right_outer_knuckle_joint', 'right_finger_joint', 'right_inner_knuckle_joint']
# Interbotix: interbotix_xsarm_control/config/aloha_vx300s.yaml.
ALOHA = ['waist', 'shoulder', 'elbow', 'forearm_roll', 'wrist_angle', 'wrist_rotate']
SIDES, CAMERAS = ('left', 'right'), ('cam_high', 'cam_left_wrist', 'cam_right_wrist')


def motion(number, at):
    """The position of a joint at a time [s], and after it."""
    return (0.3 * np.sin(0.11 * number) + 0.4 * (1 + 0.1 * number)
            * np.sin((0.9 + 0.23 * number) * at + number))


def at_times(seconds, rate, first=0.0):
    return [first + index / rate for index in range(int(seconds * rate))]


def stamped(message, at):
    put_stamp(message, BEGIN + round(at * SECOND), 'base')
    return message


def joint_state(names, positions, at, velocities=()):
    message = stamped(blank_message(JOINT_STATE), at)
    message.name.extend(names)
    message.position.extend(map(float, positions))
    message.velocity.extend(map(float, velocities))
    return message


def trajectory(names, positions):
    message = blank_message(TRAJECTORY)
    message.joint_names.extend(names)
    point = blank_message('trajectory_msgs/msg/JointTrajectoryPoint')
    point.positions.extend(map(float, positions))
    message.points.append(point)
    return message


def multi_array(values):
    message = blank_message(MULTI_ARRAY)
    message.data.extend(map(float, values))
    return message


def picture(at):
    message = stamped(blank_message(IMAGE), at)
    message.format = 'jpeg'
    shade = np.full((48, 64, 3), int(40 * at) % 200, np.uint8)
    message.data.frombytes(encode_jpeg(shade))
    return message


def stream(topic, seconds, rate, make, delay=0.001, first=0.0):
    """Rows (topic, time [ns], message) of messages that ``make`` makes of times [s]."""
    return [(topic, BEGIN + round((at + delay) * SECOND), make(at))
            for at in at_times(seconds, rate, first)]


def ordered(*streams):
    return sorted((row for rows in streams for row in rows), key=lambda row: row[1])


def written(path, rows, plugin=StoragePlugin.MCAP):
    """Write rows into a bag; its MCAP file holds the definitions of all types."""
    store = types()
    bag, connections = Writer(path, version=9, storage_plugin=plugin), {}
    with bag:
        for topic, time, message in rows:
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = bag.add_connection(topic, kind, typestore=store)
            bag.write(connections[topic], time,
                      bytes(store.serialize_cdr(with_numpy(message), kind)))
    return path


def seen(rows, **more):
    """Return the topics of rows, as a survey of their bag finds them."""
    topics = {}
    for topic, time, message in rows:
        topics.setdefault(topic, []).append(((time - BEGIN) / SECOND, message))
    span = (rows[-1][1] - rows[0][1]) / SECOND
    return [TopicSeen(name, messages[0][1].__msgtype__, tuple(messages),
                      rate=len(messages) / span, size=image_size(messages[0][1]), **more)
            for name, messages in sorted(topics.items())]


@cache
def types():
    """The types of ROS and those of interbotix_xs_msgs."""
    store = get_typestore(Stores.ROS2_KILTED)
    new = {**get_types_from_msg('string name\nfloat32[] cmd\n', GROUP),
           **get_types_from_msg('string name\nfloat32 cmd\n', SINGLE)}
    store.register(new)
    return store


def ur_forward(seconds=3.0, lag=0.1):
    """A UR arm driven by forward_position_controller; a Robotiq gripper stands still."""
    gripper = ['robotiq_85_left_knuckle_joint', 'robotiq_85_right_knuckle_joint']
    names = sorted(UR) + gripper

    def states(at):
        values = {name: motion(number, at - lag) for number, name in enumerate(UR)}
        return joint_state(names, [*(values[name] for name in sorted(UR)), 0.3, -0.3], at)

    return ordered(
        stream('/joint_states', seconds, 125, states),
        stream('/forward_position_controller/commands', seconds, 50, lambda at: multi_array(
            motion(number, at) for number in range(6)), delay=0.0))


def xarm6(seconds=4.0, lag=0.1):
    """An xArm6 with gripper; the arm's and the gripper's states come from two publishers.

    The driver sends the gripper's only while it moves (xarm_driver.cpp).
    """
    def grip(at):
        return 0.4 + 0.3 * np.sin(1.7 * min(at, max(1.2, at - 1.2)))

    return ordered(
        stream('/joint_states', seconds, 100, lambda at: joint_state(
            XARM, [motion(number, at - lag) for number in range(6)], at)),
        [row for row in stream('/joint_states', seconds, 10, lambda at: joint_state(
            XARM_GRIPPER, [grip(at)] * 6, at), first=0.002)
         if not 1.2 < (row[1] - BEGIN) / SECOND < 2.4],
        stream('/xarm6_traj_controller/joint_trajectory', seconds, 30, lambda at: trajectory(
            XARM, [motion(number, at) for number in range(6)]), delay=0.0),
        stream('/camera/color/image_raw/compressed', seconds, 30, picture, delay=0.003))


def aloha(seconds=4.0, lag=0.06):
    """ALOHA: four arms of equal joint names, three cameras, commands of Interbotix' own types."""
    store = types()
    rows = []
    for place, side in enumerate(SIDES):
        def share(at, place=place):  # of the gripper's opening
            return 0.4 + 0.3 * np.sin((1.1 + 0.4 * place) * at)

        def joints(at, place=place):
            return [motion(7 * place + number, at) for number in range(6)]

        def follower(at, share=share, joints=joints):
            # Ranges of both grippers: aloha/constants.py. The fingers turn with the horn.
            angle = 0.6197 + share(at - lag) * (1.6214 - 0.6197)
            finger = 0.022 * np.sin(angle) + np.sqrt(0.036 ** 2 - (0.022 * np.cos(angle)) ** 2)
            return joint_state([*ALOHA, 'gripper', 'left_finger', 'right_finger'],
                               [*joints(at - lag), angle, finger, -finger], at, [0.0] * 9)

        def leader(at, share=share, joints=joints):
            angle = -0.0552 + share(at) * (0.8298 + 0.0552)
            return joint_state([*ALOHA, 'gripper', 'left_finger', 'right_finger'],
                               [*joints(at), angle, 0.02, -0.02], at, [0.0] * 9)

        def group(at, joints=joints):
            return store.types[GROUP](name='arm', cmd=np.array(joints(at), np.float32))

        def single(at, share=share):
            return store.types[SINGLE](
                name='gripper', cmd=float(np.float32(0.6197 + share(at) * 1.0017)))

        rows += [stream(f'/follower_{side}/joint_states', seconds, 50, follower),
                 stream(f'/leader_{side}/joint_states', seconds, 50, leader),
                 stream(f'/follower_{side}/commands/joint_group', seconds, 50, group, 0.002),
                 stream(f'/follower_{side}/commands/joint_single', seconds, 50, single, 0.002)]
    rows += [stream(f'/{camera}/camera/color/image_rect_raw/compressed', seconds, 30, picture,
                    0.003) for camera in CAMERAS]
    return ordered(*rows)
