# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`inril teleop check` beside the real graph, with a mock arm whose delay is known."""

import json
import math
import os
import subprocess
import sys
import time

from contract_files import with_keys
from inril_ros.msg import EpisodeEvent, EpisodeRequest
from played_arm import Player, RUN
import pytest
from sensor_msgs.msg import JointState, Joy
from std_msgs.msg import Header

from inril_ros.graph.description import GraphDescription, GraphOptions, recording_graph
from inril_ros.graph.domain import domain_environment, reserve_domain
from inril_ros.graph.supervisor import Supervisor
from inril_ros.nodes.base import qos
from inril_ros.robot.contract.contract import load_contract

LATENCY = 0.2  # [s] of the mock arm, from its controllers to its motors
AS_WELL = 0.12  # [s] that controller, servo and a busy machine add, at most
DEADMAN = 1


@pytest.fixture
def contract(tmp_path):
    return with_keys('mock_arm', tmp_path / 'contract.yaml', **{
        'episode.time_limit': 300.0, 'safety.latch_after': 60.0, 'cameras': {},
        'teleoperation.max_age': 1.0, 'actions.arm_position.max_lead': 1.0,
        'observations.joint_positions.max_age': 0.5, 'observations.joint_velocities.max_age': 0.5,
        'observations.gripper_position.max_age': 0.5})


def driven(contract, logs, seconds):
    """Drive the arm to and fro as a leader would; return what the command printed."""
    whole = recording_graph(GraphOptions(
        contract=str(contract), run_id=RUN, mock_arm=True, demonstrations='none'))
    arm = whole.node('mock_arm_node')
    arm.parameters['latency'] = LATENCY
    graph = GraphDescription('mock', (arm, whole.node('actuation_node')))
    joints = list(load_contract(contract).actions['arm_position'].joints)
    with reserve_domain() as domain, Player(domain) as player, Supervisor(
            graph, logs, domain_id=domain, quiet=True) as nodes:
        player.check = nodes.check
        leader = player.publisher(JointState, 'teleop/joint_states', qos.COMMAND)
        switch = player.publisher(Joy, 'teleop/joy', qos.COMMAND)
        requests = player.publisher(EpisodeRequest, 'episode/request', qos.EVENT)
        began = time.monotonic()

        def move():
            now, stamp = time.monotonic() - began, player._node.get_clock().now().to_msg()
            header = Header(stamp=stamp)
            leader.publish(JointState(header=header, name=joints, position=[
                0.2 * math.sin((0.8 + 0.3 * index) * now) for index in range(len(joints))]))
            switch.publish(Joy(header=header, axes=[0.0], buttons=[DEADMAN, 0, 0, 0, 0, 0]))
        player._node.create_timer(0.02, move)
        player.wait_ready('mock_arm_node', 'actuation_node')
        command = subprocess.Popen(
            [sys.executable, '-m', 'inril_ros.cli.main', 'teleop', 'check', '--contract',
             str(contract), '--seconds', str(seconds), '--json'],
            env={**os.environ, **domain_environment(domain)}, stdout=subprocess.PIPE, text=True)
        requests.publish(EpisodeRequest(
            run_id=RUN, episode_id='drive', purpose=EpisodeRequest.DEMONSTRATION))
        player.until(lambda: ('drive', EpisodeEvent.STARTED) in player.events, 'the start')
        player.until(lambda: command.poll() is not None, 'the verdict')
        return command.returncode, json.loads(command.stdout.read())


def test_it_measures_the_delay_of_the_arm_and_says_that_it_is_driven_with_it(contract, tmp_path):
    status, told = driven(contract, tmp_path / 'logs', 8.0)
    measured = told['measured']
    assert LATENCY - 0.02 < measured['to_motion'] < LATENCY + AS_WELL, told
    # A command says where to be one period later, so it may be ahead of the device.
    assert -0.03 <= measured['to_command'] < 0.15, told
    assert 5.0 < measured['seconds'] < 10.0
    assert measured['beside'] < 0.5 * measured['tracking'], told  # the delay explains most of it
    assert any('ms from device to motion' in finding['what'] for finding in told['findings'])
    assert told['findings'][-1]['what'].startswith('verdict: ')
    assert told['verdict'] != 'ok' and status == (told['verdict'] == 'error')
