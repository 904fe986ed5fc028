# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Between episodes observations are not read one by one, and nothing of them is missing after."""

from pathlib import Path
import time

from inril_ros.msg import EpisodeEvent, EpisodeRequest
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState

from inril_ros.nodes.actuation.episode_life import EpisodeLife
from inril_ros.nodes.actuation_node import ActuationNode
from inril_ros.nodes.base import node_executor, qos
from inril_ros.nodes.base.node_executor import executor_for
from inril_ros.nodes.policy_node import PolicyNode
from inril_ros.nodes.recorder_node import RecorderNode
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.episode import Phase
from inril_ros.robot.motion.safety import SafetyGate

ROBOT = Path(__file__).parents[3] / 'config' / 'robots' / 'mock_arm.yaml'
CONTRACT = load_contract(ROBOT)
JOINTS = [joint for action in CONTRACT.actions.values() for joint in action.joints]
[TOPIC] = CONTRACT.observation_topics()


class Lab:
    """A node, a robot that publishes joint states, and the node's executor."""

    def __init__(self, kind, **parameters):
        self.context = Context()
        rclpy.init(context=self.context)
        self.node = kind(context=self.context, parameter_overrides=[
            Parameter(name, value=value)
            for name, value in {'contract': str(ROBOT), **parameters}.items()])
        assert self.node.trigger_configure() is TransitionCallbackReturn.SUCCESS
        self.robot = rclpy.create_node('robot', context=self.context, enable_rosout=False)
        self.states = self.robot.create_publisher(JointState, TOPIC, qos.observations(False))
        self.executor = executor_for(self.node)
        self.until(self.states.get_subscription_count)
        if kind is ActuationNode:
            self.publish()
            self.until(lambda: not self.node.why_not_activatable())
        assert self.node.trigger_activate() is TransitionCallbackReturn.SUCCESS
        self.heard = []
        add = self.node._aligner.add
        self.node._aligner.add = lambda *given: self.heard.append(given) or add(*given)

    def close(self):
        self.node.trigger_shutdown()
        self.executor.shutdown()
        self.node.destroy_node()
        self.robot.destroy_node()
        rclpy.shutdown(context=self.context)

    def until(self, reached):
        end = time.monotonic() + 20.0
        while not reached():
            assert time.monotonic() < end
            self.executor.spin_once(timeout_sec=0.02)

    def publish(self):
        still = [0.0] * len(JOINTS)
        message = JointState(name=JOINTS, position=still, velocity=still)
        message.header = self.node.header(self.node.now())
        self.states.publish(message)

    def event(self, event, purpose=EpisodeRequest.ROLLOUT):
        self.node._on_event(EpisodeEvent(
            header=self.node.header(self.node.now()), event=event, purpose=purpose,
            outcome=EpisodeEvent.SUCCESS * (event == EpisodeEvent.ENDED),
            episode_id='0' * 32, contract_hash=CONTRACT.hash, tick=2))

    @property
    def stream(self):
        [found] = [each for each in self.node.all_subscriptions
                   if each.topic_name == f'/{TOPIC}']
        return found

    @property
    def served(self):
        return self.stream in list(self.node.subscriptions)


@pytest.fixture(params=['events', 'usual'])
def lab(request, monkeypatch, tmp_path):
    """The function that makes a lab with one of the executors."""
    if request.param == 'usual':
        monkeypatch.setattr(node_executor, '_events_executor', lambda node: None)
    made = []

    def make(kind, **parameters):
        made.append(Lab(kind, **parameters))
        assert isinstance(made[0].executor, SingleThreadedExecutor) is (request.param == 'usual')
        return made[0]

    yield make
    made[0].close()


def test_the_policy_hears_nothing_at_rest_and_everything_in_an_episode(lab):
    lab = lab(PolicyNode)
    assert not lab.served
    for _ in range(3):
        lab.publish()
        lab.executor.spin_once(timeout_sec=0.02)
    assert not lab.heard
    lab.event(EpisodeEvent.RESETTING)
    assert lab.served
    lab.until(lambda: len(lab.heard) == 3)
    lab.publish()
    lab.until(lambda: len(lab.heard) == 4)
    lab.event(EpisodeEvent.ENDED)
    assert not lab.served


def test_the_policy_acts_at_once_on_what_came_while_it_rested(lab):
    lab = lab(PolicyNode)
    acted = []
    lab.node._infer_if_due = lambda frame, observation: acted.append(frame)
    for _ in range(3):
        lab.publish()
    lab.until(lambda: lab.stream.handle.get_publisher_count() == 1)
    time.sleep(0.05)  # until the middleware has the messages
    lab.event(EpisodeEvent.STARTED)
    assert len(lab.heard) == 3
    assert len(acted) == 1


def test_the_policy_ticks_in_episodes_only(lab):
    lab, ticks = lab(PolicyNode), []
    lab.node._streams._ticks.callback = lambda: ticks.append(lab.node.now())
    for _ in range(5):
        lab.executor.spin_once(timeout_sec=CONTRACT.period)
    assert not ticks
    lab.event(EpisodeEvent.STARTED)
    lab.until(lambda: len(ticks) > 2)
    lab.event(EpisodeEvent.ENDED)
    ticks.clear()
    for _ in range(5):
        lab.executor.spin_once(timeout_sec=CONTRACT.period)
    assert not ticks


def test_wrong_observations_are_told_at_rest_too(lab):
    lab = lab(PolicyNode)
    lab.states.publish(JointState(name=JOINTS))
    lab.until(lambda: lab.node._aligner.rejections.counts.get(TOPIC))


def test_the_arm_at_rest_is_observed_at_each_tick(lab):
    lab = lab(ActuationNode)
    assert lab.served, 'before the first tick'
    lab.node._tick(1)
    assert not lab.served
    for number in range(3):
        lab.publish()
        time.sleep(0.05)
        assert len(lab.heard) == number
        lab.node._tick(1)
        assert len(lab.heard) == number + 1


@pytest.mark.parametrize('motion', ['episode', 'braking'])
def test_an_arm_in_motion_is_observed_as_it_moves(lab, monkeypatch, motion):
    lab = lab(ActuationNode)
    if motion == 'episode':
        lab.node._tick(1)
        lab.publish()
        time.sleep(0.05)
        monkeypatch.setattr(EpisodeLife, 'phase', Phase.RESETTING)
    else:  # of an episode that has ended
        monkeypatch.setattr(SafetyGate, 'moving', True)
    lab.node._tick(1)
    assert lab.served
    before = len(lab.heard)
    assert before == (motion == 'episode')
    lab.publish()
    lab.until(lambda: len(lab.heard) == before + 1)


def test_a_stopped_node_observes_as_before_its_start(lab):
    lab = lab(ActuationNode)
    lab.node._tick(1)
    assert lab.node.trigger_deactivate() is TransitionCallbackReturn.SUCCESS
    assert lab.served


def test_in_lockstep_nothing_rests():
    context = Context()
    rclpy.init(context=context)
    node = PolicyNode(context=context, parameter_overrides=[
        Parameter('contract', value=str(ROBOT.with_name('metaworld_sawyer.yaml'))),
        Parameter('lockstep', value=True)])
    assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
    assert set(node.subscriptions) == set(node.all_subscriptions)
    node.trigger_shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_the_recorder_has_all_messages_and_when_they_came(lab, tmp_path):
    lab = lab(RecorderNode, demonstrations=str(tmp_path))
    assert not lab.served
    before = []
    for _ in range(20):
        before.append(lab.node.now())
        lab.publish()
        time.sleep(0.002)
    time.sleep(0.05)
    after = lab.node.now()
    assert not lab.heard
    lab.event(EpisodeEvent.RESETTING, EpisodeRequest.DEMONSTRATION)
    assert lab.served
    came = [received for _, _, received in lab.heard]
    assert len(came) == 20
    assert all(low <= time <= after for low, time in zip(before, came, strict=True))
    lab.publish()
    lab.until(lambda: len(lab.heard) == 21)


def test_the_recorder_takes_what_waits_a_few_times_a_second(lab, tmp_path):
    lab = lab(RecorderNode, demonstrations=str(tmp_path))
    lab.publish()
    lab.until(lambda: len(lab.heard) == 1)
    assert not lab.served
