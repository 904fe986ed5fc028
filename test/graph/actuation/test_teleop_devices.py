# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A person's devices drive the mock arm through real nodes: within limits, and only while held."""

import os
import subprocess

from inril_ros.msg import EpisodeEvent, ExecutedAction
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import numpy as np
from played_arm import Player, RUN
import pytest
from sensor_msgs.msg import JointState, Joy
import yaml

from inril_ros.cli.run.resources import find_configuration
from inril_ros.data.demonstrations.demonstration_set import list_demonstrations
from inril_ros.graph.description import GraphOptions, NodeDescription, recording_graph
from inril_ros.graph.domain import domain_environment, reserve_domain
from inril_ros.graph.supervisor import node_command, Supervisor
from inril_ros.nodes.base import qos
from inril_ros.robot.contract.contract import load_contract

JOINT = 'shoulder_pan_joint'
DEADMAN, SUCCESS, START = 4, 0, 8  # of the gamepad, in config/teleoperation/joystick_joints.yaml
AXES = 8
_AT_ONCE = 20  # messages per check: more arrive than the player receives by itself


class Lab:
    """The mock arm, actuation and recorder in a separate domain, and their messages."""

    def __init__(self, player, contract, folder, domain):
        self.player, self.contract, self.folder, self.domain = player, contract, folder, domain
        self.executed, self.joints = [], {}
        self._joys = player.publisher(Joy, 'joy', qos.COMMAND)
        self.stick, self.buttons = 0.0, set()
        player.listen(ExecutedAction, 'executed_action', qos.RECORD, self.executed.append)
        player.listen(JointState, 'joint_states', qos.SENSOR, self._on_joint_states)
        # A gamepad driver repeats its messages; so does this one, while the test waits.
        player._node.create_timer(0.03, self._drive)

    def _on_joint_states(self, message):
        self.joints = dict(zip(message.name, message.position, strict=True))

    def _drive(self):
        if self.buttons is not None:  # unplugged
            self._joys.publish(Joy(axes=[self.stick] + [0.0] * (AXES - 1), buttons=[
                int(index in self.buttons) for index in range(12)]))

    def until(self, condition, what):
        def kept_up():
            for _ in range(_AT_ONCE):
                self.player._executor.spin_once(timeout_sec=0.0)
            return condition()
        self.player.until(kept_up, lambda: f'{what}: {self.joints} {self.executed[-1:]}')

    def event(self, number):
        """The newest event of a kind, once there is one."""
        found = lambda: [one for (_, kind), one in self.player.events.items()  # noqa: E731
                         if kind == number]
        self.until(found, f'event {number}')
        return found()[-1]

    def held(self):
        """Wait until two ticks in a row hold the arm, and return the command."""
        since = len(self.executed)
        self.until(lambda: len(self.executed) > since + 2 and all(
            tick.source == ExecutedAction.HOLD for tick in self.executed[-2:]), 'a hold')
        return np.array(self.executed[-1].executed)

    def deactivate(self, name):
        """Deactivate a node, which has to release the robot."""
        client = self.player._node.create_client(ChangeState, f'{name}/change_state')
        self.until(client.service_is_ready, 'the service')
        done = client.call_async(ChangeState.Request(transition=Transition(
            id=Transition.TRANSITION_DEACTIVATE)))
        self.until(done.done, 'an answer')
        assert done.result().success

    def check_motion(self):
        """Check that each command was within the contract's limits."""
        commands = np.array([tick.executed for tick in self.executed], np.float64)
        assert np.all(commands >= self.contract.action_minimum - 1e-6)
        assert np.all(commands <= self.contract.action_maximum + 1e-6)
        ticks = np.array([tick.tick for tick in self.executed])
        steps = np.abs(np.diff(commands[:, 0]))[np.diff(ticks) == 1]
        fastest = self.contract.actions['arm_position'].max_velocity[0]
        assert steps.max() <= fastest * self.contract.period * 1.001


@pytest.fixture
def lab(tmp_path):
    shipped = find_configuration('robots', 'mock_arm')
    data = yaml.safe_load(shipped.read_text())
    data['episode']['time_limit'] = 300.0  # the person ends it
    data['kinematics']['urdf'] = str(shipped.parent / data['kinematics']['urdf'])
    data['teleoperation']['max_age'] = 1.0  # the test machine may be busy
    data['safety'].update(latch_after=60.0, max_camera_age=60.0, camera_frozen_after=60.0)
    for observation in data['observations'].values():
        observation['max_age'] = 1.0
    path = tmp_path / 'contract.yaml'
    path.write_text(yaml.safe_dump(data))
    pad = yaml.safe_load(find_configuration('teleoperation', 'joystick_joints').read_text())
    settings = tmp_path / 'pad.yaml'
    settings.write_text(yaml.safe_dump({**pad, 'timeout': 1.0}))
    graph = recording_graph(GraphOptions(
        contract=str(path), run_id=RUN, mock_arm=True, demonstrations=str(tmp_path / 'demos'),
        teleop_device='joystick', teleop_settings=str(settings), task='wave'))
    with reserve_domain() as domain, Player(domain) as player, Supervisor(
            graph, tmp_path / 'logs', domain_id=domain, quiet=True) as nodes:
        player.check = nodes.check
        made = Lab(player, load_contract(path), tmp_path, domain)
        for node in ('mock_arm_node', 'actuation_node', 'teleop_node', 'recorder_node'):
            player.call(f'{node}/ready')
        yield made


def test_a_gamepad_and_then_the_keyboard_drive_and_releasing_holds(lab):
    """One graph for both, because its start is slow."""
    looks = 0

    def begun():
        nonlocal looks
        looks += 1  # a button that is already down is no press
        lab.buttons = {START} if looks // 10 % 2 else set()
        return any(kind == EpisodeEvent.STARTED for _, kind in lab.player.events)
    lab.until(begun, 'a start by the button')
    started = lab.event(EpisodeEvent.STARTED)
    assert (started.purpose, started.task) == (1, 'wave')
    lab.buttons, lab.stick = set(), 1.0
    lab.held()
    assert abs(lab.joints[JOINT]) < 0.05, 'without its switch a device moves nothing'
    lab.buttons = {DEADMAN}
    lab.until(lambda: lab.joints[JOINT] > 0.15, 'the way of the stick')
    lab.buttons = set()
    first = lab.held()
    lab.buttons = {DEADMAN}
    lab.until(lambda: lab.joints[JOINT] > first[0] + 0.1, 'more of it')
    lab.buttons = None  # unplugged while held
    lab.held()
    lab.deactivate('teleop_node')  # two devices at once would conflict
    lab.buttons, lab.stick = set(), 0.0

    with keyboard(lab) as (terminal, process):
        since = len(lab.executed)
        at = lab.joints[JOINT]

        def drives():
            os.write(terminal, b'-')  # the first joint is the chosen one
            return lab.joints[JOINT] < at - 0.1
        lab.until(drives, 'the motion by keys')

        def both_ways():
            driven = [tick.executed[0] for tick in lab.executed[since:]
                      if tick.source == ExecutedAction.TELEOP]
            return driven and min(driven) < max(driven) - 0.05
        lab.until(both_ways, 'the executed motion')
        lab.held()
        os.write(terminal, b'y')
        assert lab.event(EpisodeEvent.ENDED).outcome == EpisodeEvent.SUCCESS
        process.terminate()
        process.wait(60)
    lab.event(EpisodeEvent.SAVED)
    lab.check_motion()
    [bag] = list_demonstrations(lab.folder / 'demos')
    assert (bag.state, bag.outcome, bag.task) == ('kept', 'success', 'wave')


class keyboard:  # noqa: N801 a context
    """A teleop node under another name in a terminal."""

    def __init__(self, lab):
        self._lab = lab

    def __enter__(self):
        self._master, slave = os.openpty()
        node = NodeDescription('teleop_node', 'keyboard_node', parameters={
            'contract': str(self._lab.folder / 'contract.yaml'), 'device': 'keyboard'})
        self.process = subprocess.Popen(
            node_command(node), stdin=slave, stdout=subprocess.DEVNULL,
            env={**os.environ, **domain_environment(self._lab.domain)})
        os.close(slave)
        self._lab.player.call('keyboard_node/ready')
        return self._master, self.process

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()
        os.close(self._master)
