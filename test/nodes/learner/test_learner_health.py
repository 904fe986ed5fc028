# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The learner's diagnostics say what learning has cost a robot and a person."""

from pathlib import Path

import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from inril_ros.learning.experience import Episode, Transition
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig
from inril_ros.nodes.learner_node import LearnerNode

PATH = Path(__file__).parents[3] / 'config' / 'robots' / 'metaworld_sawyer.yaml'  # 80 Hz
STEPS = 40


def session():
    """Return a session after one episode, of which a person commanded a part."""
    shown = Episode(np.zeros((STEPS + 1, 3)), np.zeros((STEPS, 2)), np.zeros(STEPS), True, True)
    made = FineTuningSession(
        SessionConfig(episode_cut=1.5), BestOfN(ModelConfig(3, 2, actor_width=8, critic_width=8)),
        [shown, shown], 0, 'cpu')
    made.ingest(Transition(
        'e', 0, np.zeros((STEPS + 1, 3)), np.zeros((STEPS, 2)), np.zeros(STEPS), np.zeros(STEPS),
        False, True, False, intervened=np.arange(STEPS) < 16))
    return made


@pytest.fixture
def node(tmp_path, monkeypatch):
    monkeypatch.setattr(LearnerNode, '_build_session', lambda node, store: (session(), []))
    context = Context()
    rclpy.init(context=context)
    made = LearnerNode(context=context, parameter_overrides=[
        Parameter(name, value=value) for name, value in {
            'contract': str(PATH), 'run_dir': str(tmp_path), 'reset_seconds': 30.0}.items()])
    yield made
    made.trigger_shutdown()
    made.destroy_node()
    rclpy.shutdown(context=context)


def test_it_reports_minutes_and_what_they_rest_on(node):
    assert 'robot minutes' not in node.health().details
    assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
    details = node.health().details
    assert float(details['robot minutes']) == pytest.approx((40 / 80 + 30) / 60, abs=0.01)
    assert float(details['person minutes']) == pytest.approx(
        (3 * 30 + (16 + 80) / 80) / 60, abs=0.01)
    assert details['time spent'].endswith('at 80 steps per second and 30 s per reset')
    assert details['longest episode of learning [ticks]'] == '60'
