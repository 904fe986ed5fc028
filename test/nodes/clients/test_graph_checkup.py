# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril doctor`` examines a running robot, played by a few publishers."""

from contextlib import nullcontext, suppress
import json
from pathlib import Path
import threading

from geometry_msgs.msg import PoseStamped
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from sensor_msgs.msg import Image, JointState, Joy
from trajectory_msgs.msg import JointTrajectory
from typer import Exit
from typer.testing import CliRunner

from inril_ros.cli.doctor import doctor
from inril_ros.cli.main import app
from inril_ros.doctor.teleoperation import check_teleoperation
from inril_ros.nodes.base import qos
from inril_ros.nodes.clients.graph_checkup import look_at_graph, send_large_message
from inril_ros.robot.contract.contract import load_contract

PATH = Path(__file__).parents[3] / 'config' / 'robots' / 'gazebo_arm.yaml'
CONTRACT = load_contract(PATH)
JOINTS = [joint for action in CONTRACT.actions.values() for joint in action.joints]


class Robot:
    """Publishes the contract's observations at 50 Hz and subscribes to its commands."""

    def __init__(self, joints=JOINTS, demanding=False):
        self.context, self.joints = Context(), joints
        rclpy.init(context=self.context)
        self.node = rclpy.create_node('robot', namespace='left', context=self.context)
        self.publishers = {
            topic: self.node.create_publisher(kind, topic, qos.SENSOR) for topic, kind in (
                ('joint_states', JointState), ('cube_pose', PoseStamped), ('front/image', Image))}
        for topic in CONTRACT.action_topics():
            self.node.create_subscription(JointTrajectory, topic, lambda _: None, qos.COMMAND)
        if demanding:  # requests a better QoS than is offered
            self.node.create_subscription(
                JointState, 'joint_states', lambda _: None, qos.LOCKSTEP)
        self.node.create_timer(0.02, self.publish)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.thread = threading.Thread(target=self.spin)

    def publish(self):
        now = self.node.get_clock().now().to_msg()
        state = JointState(name=self.joints, position=[0.0] * len(self.joints))
        pose, image = PoseStamped(), Image(height=1, width=1)
        for topic, message in zip(self.publishers, (state, pose, image), strict=True):
            message.header.stamp = now
            self.publishers[topic].publish(message)

    def spin(self):
        with suppress(ExternalShutdownException):
            self.executor.spin()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        rclpy.shutdown(context=self.context)
        self.thread.join()
        self.node.destroy_node()  # rclpy 7 (Jazzy) doesn't do it when its context shuts down


def test_bytes_that_are_no_message_are_an_error_of_their_topic():
    def garble():
        for topic, publisher in robot.publishers.items():
            publisher.publish(b'\0\1\0\0abc' if topic == 'joint_states' else b'\0\0\0\1' * 9)

    robot = Robot()
    robot.publish = garble
    robot.node.create_timer(0.02, garble)
    with robot:
        records = look_at_graph(CONTRACT, 'left', 3.0, simulated=False).records
    assert any('bytes are no JointState' in error for error in records['joint_states'].errors)
    assert any('bytes are no PoseStamped' in error for error in records['cube_pose'].errors)


def test_topics_are_received_in_the_robot_s_namespace():
    with Robot():
        records = look_at_graph(CONTRACT, 'left', 3.0, simulated=False).records
    assert set(records) == {*CONTRACT.observation_topics(), 'front/image',
                            *CONTRACT.action_topics()}
    for topic, kind in CONTRACT.observation_topics().items():
        assert records[topic].types == (kind,) and records[topic].publishers == 1
        assert len(records[topic].received) > 10 and not records[topic].errors
        assert all(0.0 <= came - stamp < 5.0 for came, stamp in zip(
            records[topic].received, records[topic].stamps))
    assert all(records[topic].subscribers == 1 for topic in CONTRACT.action_topics())


def test_a_missing_joint_and_incompatible_qos_are_found():
    with Robot(joints=JOINTS[1:], demanding=True):
        seen = look_at_graph(CONTRACT, 'left', 2.0, simulated=False)
    assert any('joint_1' in error for error in seen.records['joint_states'].errors)
    wrong = [pair for pair in seen.pairs if pair[3]]
    assert [pair[:3] for pair in wrong] == [('/left/joint_states', 'robot', 'robot')]
    assert 'reliab' in wrong[0][3].lower()


def test_teleop_devices_are_told_apart_with_their_rates():
    robot = Robot()
    rules = CONTRACT.teleoperation
    joy = robot.node.create_publisher(Joy, rules.joy_topic, qos.COMMAND)
    robot.node.create_publisher(JointState, rules.joint_topic, qos.COMMAND)

    def press(frame, buttons):
        message = Joy(buttons=[0] * buttons, axes=[0.0] * 8)
        message.header.frame_id = frame
        joy.publish(message)

    robot.node.create_timer(0.02, lambda: press('teleop:joystick:/left/teleop_node:1', 16))
    robot.node.create_timer(0.25, lambda: press('pedal', rules.deadman_button))
    left = []
    with robot:
        seen = look_at_graph(CONTRACT, 'left', 3.0, False, left.append).teleop
    assert left[0] > left[-1] >= 0.0
    record = seen[rules.joy_topic]
    assert set(record.received) == {'joystick:/left/teleop_node:1', 'other'}
    assert len(record.received['joystick:/left/teleop_node:1']) > 3 * len(
        record.received['other'])
    assert record.errors == (f'has {rules.deadman_button} buttons, and '
                             f'teleoperation.deadman_button is {rules.deadman_button}',)
    found = {finding.what.partition(',')[0]: finding.level
             for finding in check_teleoperation(CONTRACT, seen, 3.0)}
    assert found[f'{rules.joy_topic}: other'] == 'warning'
    assert f'{rules.joy_topic}: joystick of /left/teleop_node' in found
    assert found[f'{rules.joint_topic}: a device is there'] == 'warning'


def test_a_large_message_reaches_another_process_that_ends_quietly(capfd):
    assert send_large_message(1_000_000) is not None
    assert 'Traceback' not in capfd.readouterr().err


@pytest.mark.parametrize('there', [True, False])
def test_the_command_notices_whether_a_robot_is_running(there, monkeypatch):
    monkeypatch.setattr(
        'inril_ros.nodes.clients.graph_checkup.send_large_message', lambda size: 0.01)
    arguments = ['doctor', '--contract', str(PATH), '--namespace', 'left', '--seconds', '3',
                 '--json']
    with Robot() if there else nullcontext():
        result = CliRunner().invoke(app, arguments)
    report = json.loads(result.stdout)
    missing = [each for each in report['findings'] if 'nobody publishes it' in each['what']]
    assert len(missing) == (0 if there else 3)
    assert all(each['advice'] for each in missing)
    topics = {each['level'] for each in report['findings'] if each['area'] == 'topics'}
    assert ('error' in topics) is not there
    assert result.exit_code == (1 if report['verdict'] == 'error' else 0)


def test_it_says_what_it_looks_at_and_shows_each_finding_at_once(monkeypatch):
    written = []

    class Stream:
        encoding, isatty = 'utf-8', staticmethod(lambda: False)
        flush = staticmethod(lambda: None)

        def __init__(self, name):
            self._name = name

        def write(self, text):
            written.append((self._name, text))

    def send(size):
        told = [text for name, text in written if name == 'err']
        assert any('a message of 1 MB to another process' in text for text in told)
        assert any('GB free' in text for name, text in written if name == 'out')
        return 0.01

    monkeypatch.setattr('inril_ros.nodes.clients.graph_checkup.send_large_message', send)
    monkeypatch.setattr('sys.stdout', Stream('out'))
    monkeypatch.setattr('sys.stderr', Stream('err'))
    with suppress(Exit):  # what this machine lacks is not the matter here
        doctor(contract='', folder=Path('/tmp'), json_output=False, namespace='/', seconds=1.0,
               simulated=False)
    steps = [text for name, text in written if name == 'err' and text.startswith('looking at ')]
    assert [step.split()[2] for step in steps] == ['this', 'PyTorch,', 'DDS:']
