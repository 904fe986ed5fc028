# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A simulated robot that gets no more commands keeps its position."""

from pathlib import Path

from configured_node import configured
import numpy as np
import pytest
from rclpy.lifecycle import TransitionCallbackReturn

from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.sim_node import SimNode
from inril_ros.robot.messages.commands import encode_command

CONFIG = Path(__file__).parents[2] / 'config'


@pytest.fixture
def node():
    with configured(SimNode, CONFIG / 'robots' / 'gazebo_arm.yaml', task='lift',
                    simulation=str(CONFIG / 'simulations' / 'gazebo_arm.yaml')) as made:
        assert made.trigger_activate() is TransitionCallbackReturn.SUCCESS
        yield made


def test_positions_are_kept_when_commands_are_too_old(node, monkeypatch):
    applied, step = [], node._robot.step
    monkeypatch.setattr(node._robot, 'step', lambda action: applied.append(action) or step(action))
    wanted = np.array([0.2, -0.1, 0.1, 0.0, 0.1, 0.3, 0.03])
    for topic, message in encode_command(node.contract, wanted, 1, message_type):
        node._on_command(topic, message)
    node._step_in_real_time()
    np.testing.assert_allclose(applied[-1], wanted, atol=1e-6)
    node._received = {topic: (at - 10**9, message)
                      for topic, (at, message) in node._received.items()}
    for _ in range(3):
        node._step_in_real_time()
        np.testing.assert_allclose(applied[-1], wanted, atol=1e-6)


def test_after_a_reset_the_robot_stays_at_home(node, monkeypatch):
    applied, step = [], node._robot.step
    monkeypatch.setattr(node._robot, 'step', lambda action: applied.append(action) or step(action))
    node._step_in_real_time()
    home = node.contract.episode.home
    np.testing.assert_allclose(applied[-1], [
        home[joint] for action in node.contract.actions.values() for joint in action.joints],
        atol=1e-6)
