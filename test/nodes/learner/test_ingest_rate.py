# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""While updates are due the learner takes all transitions that wait between two bursts of them."""

from pathlib import Path
from statistics import median
import time

from inril_ros.msg import Transition, TransitionAck
import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from inril_ros.learning.experience import Episode
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig
from inril_ros.nodes.base import qos
from inril_ros.nodes.learner import robot_connection
from inril_ros.nodes.learner_node import LearnerNode, PARAMETERS
from inril_ros.robot.contract.contract import load_contract

PATH = Path(__file__).parents[3] / 'config' / 'robots' / 'metaworld_sawyer.yaml'
CONTRACT, RUN = load_contract(PATH), 'this-run'
BURST = next(each.default for each in PARAMETERS if each.name == 'burst')
SEEN, MOVED, STEPS, NUMBER = CONTRACT.observation_size, CONTRACT.action_size, 8, 200


class Busy(FineTuningSession):
    """A session that always has updates to do, and counts them."""

    updates = 0
    updates_due = 10 ** 9

    def update(self):
        self.updates += 1
        return {}


def transition(number):
    return Transition(
        run_id=RUN, contract_hash=CONTRACT.hash, sequence=number, previous_sequence=number - 1,
        episode_id=f'e{(number - 1) // 10}', first_tick=STEPS * ((number - 1) % 10), steps=STEPS,
        observation_size=SEEN, action_size=MOVED, observations=[0.0] * (STEPS + 1) * SEEN,
        executed=[0.0] * STEPS * MOVED, rewards=[0.0] * STEPS, source=[1] * STEPS,
        terminated=number % 10 == 0)


class Pair:
    """A learner node and the end of the recorder, in one process."""

    def __init__(self, folder, monkeypatch, kind=Busy, burst=0.001, **model):
        shown = Episode(np.zeros((81, SEEN)), np.zeros((80, MOVED)), np.zeros(80), True, True)
        self.session = kind(
            SessionConfig(), BestOfN(ModelConfig(SEEN, MOVED, **model)), [shown, shown], 0, 'cpu')
        monkeypatch.setattr(LearnerNode, '_build_session', lambda node, store: (self.session, []))
        self.bursts, learn = 0, LearnerNode._learn

        def counted(node):
            self.bursts += 1
            learn(node)
        monkeypatch.setattr(LearnerNode, '_learn', counted)
        self.context, self.acknowledged = Context(), []
        rclpy.init(context=self.context)
        self.node = LearnerNode(context=self.context, parameter_overrides=[
            Parameter(name, value=value) for name, value in {
                'contract': str(PATH), 'run_dir': str(folder), 'run_id': RUN, 'burst': burst,
                'checkpoint_seconds': 1000.0}.items()])
        assert self.node.trigger_configure() is TransitionCallbackReturn.SUCCESS
        self.outside = rclpy.create_node('recorder', context=self.context)
        self.transitions = self.outside.create_publisher(Transition, 'transition', qos.EXPERIENCE)
        self.outside.create_subscription(
            TransitionAck, 'transition_ack',
            lambda message: self.acknowledged.append(message.sequence), qos.EXPERIENCE)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.executor.add_node(self.outside)
        self.until(lambda: self.transitions.get_subscription_count()
                   and self.outside.count_publishers('transition_ack'))

    def send(self, number):
        """Send so many transitions more, and wait until the session has them."""
        first = self.session.intake.transitions + 1
        for each in range(first, first + number):
            self.transitions.publish(transition(each))
        self.until(lambda: self.session.intake.transitions == first + number - 1)

    def until(self, reached):
        deadline = time.monotonic() + 60.0
        while not reached():
            assert time.monotonic() < deadline
            self.executor.spin_once(timeout_sec=0.02)

    def close(self):
        self.executor.shutdown()
        self.node.trigger_shutdown()
        self.node.destroy_node()
        self.outside.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def pair(tmp_path, monkeypatch):
    made = Pair(tmp_path, monkeypatch, actor_width=8, critic_width=8)
    yield made
    made.close()


def test_a_queue_of_transitions_waits_for_few_bursts_of_updates(pair, monkeypatch):
    monkeypatch.setattr(robot_connection, '_BATCH', 100.0)  # however slow the machine is
    for number in range(1, NUMBER + 1):
        pair.transitions.publish(transition(number))
    before, updates = pair.bursts, pair.session.updates
    pair.until(lambda: pair.session.intake.transitions == NUMBER)
    assert pair.bursts - before < NUMBER / 10  # it was one burst for each transition
    pair.until(lambda: NUMBER in pair.acknowledged)
    assert len(set(pair.acknowledged)) > 2  # in between too, so that the recorder sends on
    assert pair.session.updates > updates  # and updates went on


def test_a_batch_that_takes_too_long_leaves_turns_to_the_updates(pair, monkeypatch):
    monkeypatch.setattr(robot_connection, '_BATCH', 0.0)  # any message takes longer
    for number in range(1, 41):
        pair.transitions.publish(transition(number))
    before = pair.bursts
    pair.until(lambda: pair.session.intake.transitions == 40)
    assert pair.bursts - before >= 30


class Idle(FineTuningSession):
    """A session that never has updates to do."""

    updates_due = 0


class Learning(FineTuningSession):
    """A session that always has updates to do once there is an episode, and takes them."""

    @property
    def updates_due(self):
        return 10 ** 9 if self.intake.episodes else 0


def per_cpu_second(folder, kind):
    """Return the transitions per second of CPU time of a queue of them, updates included."""
    with pytest.MonkeyPatch.context() as patch:
        pair = Pair(folder, patch, kind, BURST)
        try:
            pair.send(20)
            if kind is Learning:
                pair.until(lambda: pair.session.rl_updates > 2)
            began, updates = time.process_time(), pair.session.rl_updates
            for _ in range(20):
                pair.send(100)
            assert (pair.session.rl_updates > updates) is (kind is Learning)
            return 2000 / (time.process_time() - began)
        finally:
            pair.close()


@pytest.mark.long
def test_the_updates_that_are_due_cost_a_queue_of_transitions_a_fifth_at_most(tmp_path):
    ratios = [per_cpu_second(tmp_path / f'{number}a', Learning)
              / per_cpu_second(tmp_path / f'{number}b', Idle) for number in range(3)]
    print('ingestion while updates are due, compared with without:', ratios)
    assert median(ratios) > 0.8
