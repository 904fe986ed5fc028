# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""No message ends a node: every subscription gets bytes and values that nobody should send.

The messages come as the middleware gives them, serialised, and timers run in between. With
`--long` this goes on for an hour, which the surfaces share.
"""

from contextlib import nullcontext
from functools import partial
import os
from pathlib import Path
import random
import resource
import time

from builtin_interfaces.msg import Time
from hostile_messages import HostileMessages
from inril_ros.msg import ActionChunk, EpisodeEvent, EpisodeRequest, Outcome
import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.serialization import serialize_message
import run_length
import yaml

from inril_ros.learning.policies.artifact import model_document, write_folder
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.nodes.actuation_node import ActuationNode
from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.mock_arm_node import MockArmNode
from inril_ros.nodes.policy_node import PolicyNode
from inril_ros.nodes.recorder_node import RecorderNode
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.messages.codecs import encode_observations

ROBOTS = Path(__file__).parents[3] / 'config' / 'robots'
RUN = 'this-run'
SECONDS = 3600.0  # of a long run, for all surfaces together
INPUTS = 300
MEMORY = 300  # [MB] that hostile messages may cost, at most
LINE = 3000  # characters of a line in the log, at most
#: A robot that a person resets.
HAND = {
    'name': 'hand', 'control_rate': 10,
    'observations': {
        'hand': {'topic': 'hand', 'type': 'geometry_msgs/msg/PointStamped', 'field': 'point'},
        'angle': {'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
                  'joints': ['j']}},
    'policy_observations': ['hand', 'angle'],
    'actions': {'velocity': {
        'topic': 'command', 'type': 'geometry_msgs/msg/TwistStamped', 'field': 'twist.linear',
        'minimum': [-2, -2, -2], 'maximum': [2, 2, 2]}},
    'teleoperation': {'twist_action': 'velocity'},
    'episode': {'time_limit': 60, 'reset_service': '', 'ready': 'person'}}


def policy_parameters(folder, contract):
    model = BestOfN(ModelConfig(contract.observation_size, contract.action_size,
                                actor_width=8, critic_width=8))
    write_folder(folder / 'model', model.state_dict(), model_document(model.config.to_json()))
    return {'model': str(folder / 'model')}


def recorder_parameters(folder, contract):
    return {'journal': str(folder / 'journal'), 'demonstrations': str(folder / 'demonstrations')}


def no_parameters(folder, contract):
    return {}


#: By surface: the node, its robot, and what makes its other parameters.
SURFACES = {
    'actuation, real time': (ActuationNode, '', lambda *_: {'enable_on_activate': True}),
    'actuation, lockstep': (ActuationNode, '', lambda *_: {'enable_on_activate': True}),
    'actuation that resets': (ActuationNode, 'mock_arm', no_parameters),
    'policy, real time': (PolicyNode, 'mock_arm', policy_parameters),
    'policy, lockstep': (PolicyNode, 'metaworld_sawyer', policy_parameters),
    'recorder, real time': (RecorderNode, 'mock_arm', recorder_parameters),
    'recorder, lockstep': (RecorderNode, 'metaworld_sawyer', recorder_parameters),
    'mock arm': (MockArmNode, 'mock_arm', no_parameters),
}


class Surface:
    """A node of a graph that runs, and what its messages are made of."""

    def __init__(self, node, seed):
        self.node, self.contract = node, node.contract
        self._random = random.Random(seed)
        joints = [*dict.fromkeys(joint for entry in (
            *self.contract.observations.values(), *self.contract.actions.values())
            for joint in entry.joints)]
        size = self.contract.action_size
        self._known = {
            'run_id': [RUN], 'episode_id': ['first', 'second'],
            'contract_hash': [self.contract.hash], 'event': range(1, 9), 'purpose': [1, 2, 3],
            'outcome': range(5), 'name[]': [joints], 'position[]': [[0.0] * len(joints)],
            'steps': [1, 4], 'size': [size], 'actions[]': [[0.0] * size, [0.0] * 4 * size],
            'executed[]': [[0.0] * size], 'requested[]': [[], [0.0] * size], 'reasons[]': [[]],
            'first_tick': range(4), 'tick': range(4), 'chunk_first_tick': range(4),
            'source': range(3), 'w': [1.0], 'learner_id': ['learner'], 'version': [1, 2, 3],
            'chunk_index': [0, 1], 'offset': [0, 1_000_000]}
        self._messages = HostileMessages(self._random, self._known)
        self._inputs = 0

    def give(self, topic, message):
        """Give a sound message to the node."""
        for each in self.node.all_subscriptions:
            if each.topic_name == f'/{topic}':
                each.callback(serialize_message(message))

    def observe(self):
        """Give present observations, a verdict and a chunk: what a tick needs."""
        stamp = self.node.now()
        values = {name: np.eye(entry.length)[-1]  # a quaternion that is one, among others
                  for name, entry in self.contract.observations.items()}
        for topic, message in encode_observations(self.contract, values, stamp, message_type):
            self.give(topic, message)
        header, size = self.node.header(stamp), self.contract.action_size
        self.give('outcome', Outcome(header=header))
        self.give('action_chunk', ActionChunk(
            header=header, episode_id=self._known['episode_id'][-1], period=self.contract.period,
            first_tick=self._random.randrange(4), steps=4, size=size, actions=[0.0] * 4 * size))

    def begin(self):
        """Let an episode begin as far as sound messages can do that."""
        self.observe()
        header = self.node.header(self.node.now())
        if not self.node.active and not self.node.why_not_activatable():
            assert self.node.trigger_activate() is TransitionCallbackReturn.SUCCESS
        episode = {'run_id': RUN, 'episode_id': f'{self._inputs}', 'header': header,
                   'purpose': self._random.choice([1, 2, 3])}
        self._known['episode_id'] = ['first', episode['episode_id']]
        self.give('episode/request', EpisodeRequest(**episode))
        if isinstance(self.node, ActuationNode):
            self.node._life.reset.scene_ready()  # as a person says by a service
        for event in (EpisodeEvent.RESETTING, EpisodeEvent.STARTED):
            self.give('episode/event', EpisodeEvent(
                **episode, event=event, contract_hash=self.contract.hash))

    def receive(self):
        """Receive one hostile message, and sometimes run the timers."""
        if self._inputs % 50 == 0:
            self.begin()
        elif self._inputs % 5 == 0:
            self.observe()
        self._inputs += 1
        now = self.node.now()
        self._known['stamp'] = [Time(sec=now // 10 ** 9, nanosec=now % 10 ** 9), Time(sec=1)]
        subscription = self._random.choice(list(self.node.all_subscriptions))
        refused = self.node.refused.count(subscription.topic_name.lstrip('/'))
        raw = self._messages.raw(subscription.msg_type)
        subscription.callback(raw)
        if self._random.random() < 0.05:
            for timer in list(self.node.timers):
                timer.callback()
        if self._inputs % 5 == 0 and isinstance(self.node, ActuationNode) \
                and not self.node.lockstep:
            self.node._tick(1)  # its timer is no timer of ROS
        if self._inputs % 5 == 0 and isinstance(self.node, MockArmNode):
            self.node._publish_state()
        return self.node.refused.count(subscription.topic_name.lstrip('/')) - refused


@pytest.fixture
def surface(request, tmp_path):
    kind, robot, parameters = SURFACES[request.param]
    path = ROBOTS / f'{robot}.yaml' if robot else tmp_path / 'hand.yaml'
    (tmp_path / 'hand.yaml').write_text(yaml.safe_dump(HAND), encoding='utf-8')
    context = Context()
    rclpy.init(context=context)
    node = kind(context=context, parameter_overrides=[
        Parameter(name, value=value) for name, value in {
            'contract': str(path), 'run_id': RUN, 'lockstep': 'lockstep' in request.param,
            **parameters(tmp_path, load_contract(path))}.items()])
    assert node.trigger_configure() is TransitionCallbackReturn.SUCCESS
    yield partial(Surface, node)
    node.trigger_shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)


def memory():
    """Return the most memory [MB] that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize('surface', SURFACES, indirect=True)
def test_no_message_ends_a_node(surface, request, capfd):
    seed = 0 if 'CI' in os.environ else random.randrange(2 ** 32)
    print(f'seed {seed}')
    made, before = surface(seed), memory()
    until = time.monotonic() + SECONDS / len(SURFACES) if run_length.LONG else 0.0
    inputs = refused = 0
    while inputs < INPUTS or time.monotonic() < until:
        refused += made.receive()
        inputs += 1
    logged = max(map(len, capfd.readouterr().err.splitlines()), default=0)
    with capfd.disabled() if run_length.LONG else nullcontext():
        print(f'{request.node.name}, seed {seed}: {inputs} messages, {refused} refused')
    assert logged < LINE
    assert 0 < refused < inputs
    assert made.node.refused.details()['last refusal'].strip()
    assert memory() - before < MEMORY
