# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two simulated robots with all their nodes, each in its namespace, and one learner for both."""

from contextlib import contextmanager
from dataclasses import replace
import os
import signal
from uuid import uuid4

from inril_ros.msg import (
    EpisodeEvent,
    EpisodeRequest,
    LearnerStatus,
    PolicyStatus,
    RecorderStatus,
    Transition,
    TransitionAck,
)
import numpy as np
from played_arm import CHUNK, Player, RUN
from rclpy.serialization import deserialize_message
from recorder_learner_lab import SETTINGS
from running_command import ROOT
import torch
import yaml

from inril_ros.data.bags.bags import EpisodeBag
from inril_ros.data.raw.messages import blank_message, message_class, serialised
from inril_ros.graph.description import finetuning_graph, GraphOptions
from inril_ros.graph.domain import reserve_domain
from inril_ros.graph.supervisor import Supervisor
from inril_ros.learning.policies.artifact import save_policy
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.nodes.base import qos
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.messages.codecs import encode_observations, put_stamp, stamp_ns
from inril_ros.transport.journal.journal import read_journal

ROBOTS = ('arm_1', 'arm_2')
TICKS = 32  # of an episode that ends at its time limit


class Robot:
    """One robot, observed through the topics of its namespace."""

    def __init__(self, name, player, journal):
        self.name, self._player, self._journal = name, player, journal
        self.learner, self.policy = LearnerStatus(), PolicyStatus()
        self.recorder, self.learners = RecorderStatus(), set()
        self.versions, self.acknowledged, self._events = set(), [], {}
        self._requests = player.publisher(EpisodeRequest, f'{name}/episode/request', qos.EVENT)
        self.transitions = player.publisher(Transition, f'{name}/transition', qos.EXPERIENCE)
        for kind, topic, profile, take in (
                (LearnerStatus, 'learner/status', qos.STATE, self._on_learner_status),
                (PolicyStatus, 'policy/status', qos.STATE, self._on_policy_status),
                (RecorderStatus, 'recorder/status', qos.STATE, self._on_recorder_status),
                (TransitionAck, 'transition_ack', qos.EXPERIENCE,
                 lambda message: self.acknowledged.append(message.sequence)),
                (EpisodeEvent, 'episode/event', qos.EVENT, self._on_event)):
            player.listen(kind, f'{name}/{topic}', profile, take)

    def _on_learner_status(self, status):
        if not self.learners or status.learner_id not in self.learners - {
                self.learner.learner_id}:  # not the last message of a learner that is gone
            self.learner = status
            self.learners.add(status.learner_id)

    def _on_policy_status(self, status):
        self.policy = status
        if status.run_id == RUN:
            self.versions.add(status.weights_version)

    def _on_recorder_status(self, status):
        self.recorder = status

    def _on_event(self, event):
        self._events[event.episode_id, event.event] = event

    def ask(self):
        """Request an episode; return its id."""
        episode = str(uuid4())
        self._requests.publish(EpisodeRequest(
            run_id=RUN, episode_id=episode, purpose=EpisodeRequest.ROLLOUT, seed=1))
        return episode

    def finish(self, episode):
        """Wait until an episode is saved; run another one if a new recorder joined too late."""
        def received(event):
            return self._events.get((episode, event))
        self._player.until(
            lambda: any(map(received, (EpisodeEvent.SAVED, EpisodeEvent.DISCARDED,
                                       EpisodeEvent.REFUSED))),
            lambda: f'{self.name}: {episode} to be saved: {self.recorder}')
        assert not received(EpisodeEvent.REFUSED), received(EpisodeEvent.REFUSED).reason
        if received(EpisodeEvent.DISCARDED):
            assert 'beginning was not seen' in received(EpisodeEvent.DISCARDED).reason
            self.finish(self.ask())

    def journal(self):
        """Return the transitions in its journal; their numbers have no gaps."""
        records = [deserialize_message(raw, Transition) for _, raw in read_journal(self._journal)]
        assert [record.sequence for record in records] == list(range(1, len(records) + 1))
        return records


class Pair:
    """Both robots, the learner, and the processes."""

    def __init__(self, supervisor, player, folder, contract):
        self.supervisor, self.player, self.contract = supervisor, player, contract
        self.robots = [Robot(name, player, folder / 'journal' / name) for name in ROBOTS]
        player.check = supervisor.check

    def wait_ready(self):
        # Connections between the nodes don't matter here: ~/ready checks them.
        for node in self.supervisor.graph.nodes:
            self.player.call(f'{node.path}/ready')

    def run(self, *numbers):
        """Run a number of episodes on each robot, at the same time."""
        for index in range(max(numbers)):
            asked = [(robot, robot.ask()) for robot, number in zip(
                self.robots, numbers, strict=True) if index < number]
            for robot, episode in asked:
                robot.finish(episode)

    def wait_learner_has_all(self):
        """Wait until the learner has both journals, and each recorder knows it of its own."""
        lengths = [len(robot.journal()) for robot in self.robots]
        total = sum(lengths)
        self.player.until(
            lambda: all(
                (robot.learner.sequence, robot.recorder.acknowledged,
                 robot.learner.transitions) == (length, length, total)
                for robot, length in zip(self.robots, lengths, strict=True)),
            lambda: f'{lengths}: {[(robot.learner, robot.recorder) for robot in self.robots]}')
        return lengths

    def check_once(self):
        """Check that the learner counts each transition of either journal once."""
        lengths = self.wait_learner_has_all()
        records = [record for robot in self.robots for record in robot.journal()]
        assert not [record for record in records if record.outcome == EpisodeEvent.ABORTED]
        for robot in self.robots:
            assert robot.learner.transitions == len(records)
            assert robot.learner.env_steps == sum(record.steps for record in records)
        return lengths

    def kill(self, node):
        self.player.check = None
        os.kill(self.supervisor.process_id(node), signal.SIGKILL)

    def restart(self, *nodes):
        """Restart nodes; wait for messages of the recorders among them."""
        for node in nodes:
            self.supervisor.restart(node)
        self.player.check = self.supervisor.check
        for robot in self.robots:
            if f'{robot.name}/recorder_node' in nodes:  # its numbers start at 0 again
                self.player.until(lambda robot=robot: robot.recorder.saved == 0, 'the recorder')


def short_contract(folder):
    """Write the contract of the simulated arm with episodes of TICKS ticks; return its path."""
    data = yaml.safe_load((ROOT / 'config/robots/metaworld_sawyer.yaml').read_text())
    data['episode']['time_limit'] = TICKS / data['control_rate']
    path = folder / 'contract.yaml'
    path.write_text(yaml.safe_dump(data))
    return path


def demonstration(folder, contract, ticks=12):
    """Write the bag of a demonstration in which nothing moves."""
    values = {name: np.array([0.1, 0.15, 0.2, 0.0, 0.0, 0.0, 1.0]) if entry.is_pose
              else np.linspace(0.1, 0.2, entry.length)
              for name, entry in contract.observations.items()}
    middle = 0.5 * (contract.action_minimum + contract.action_maximum)
    bag, start = EpisodeBag(folder, '0000'), 10 ** 10

    def write(topic, message, stamp):
        put_stamp(message, stamp, '')
        bag.write(topic, message.__msgtype__, stamp, serialised(message))

    def event(kind, stamp, tick=0):
        message = blank_message('inril_ros/msg/EpisodeEvent')
        message.episode_id, message.event, message.purpose = 'e', kind, 1
        message.tick, message.contract_hash = tick, contract.hash
        message.outcome = EpisodeEvent.SUCCESS if kind == EpisodeEvent.ENDED else 0
        write('episode/event', message, stamp)

    event(EpisodeEvent.STARTED, start)
    for tick in range(ticks + 1):
        stamp = start + tick * contract.period_ns
        for topic, message in encode_observations(contract, values, stamp, message_class):
            bag.write(topic, message.__msgtype__, stamp_ns(message), serialised(message))
        verdict = blank_message('inril_ros/msg/Outcome')
        verdict.reward = float(tick == ticks)
        write('outcome', verdict, stamp)
        if tick < ticks:
            executed = blank_message('inril_ros/msg/ExecutedAction')
            executed.episode_id, executed.tick, executed.source = 'e', tick, 2
            executed.executed.extend(map(float, middle))
            write('executed_action', executed, stamp)
    event(EpisodeEvent.ENDED, start + ticks * contract.period_ns, ticks)
    bag.close({'outcome': 'success'}, keep=True)


@contextmanager
def robot_pair(folder):
    """Yield two running robots and their learner."""
    path = short_contract(folder)
    contract = load_contract(path)
    demonstration(folder / 'demonstrations', contract)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_policy(folder / 'pretrained', BestOfN(ModelConfig(
            observation_size=contract.observation_size, action_size=contract.action_size,
            chunk_length=CHUNK, denoising_steps=4, sampling_steps=2, actor_width=8,
            critic_width=8, critic_layers=1)))
    (folder / 'settings.yaml').write_text(yaml.safe_dump(SETTINGS), encoding='utf-8')
    graph = finetuning_graph(GraphOptions(
        contract=str(path), run_id=RUN, robots=ROBOTS, lockstep=True, use_sim_time=True,
        simulation=str(ROOT / 'config/simulations/metaworld.yaml'), task='push',
        demonstrations=str(folder / 'demonstrations'), journal=str(folder / 'journal'),
        pretrained=str(folder / 'pretrained'), finetune_config=str(folder / 'settings.yaml'),
        run_dir=str(folder / 'run'), device='cpu'))
    # This policy is untrained: any version of it is far from the previous one.
    more = {'policy_node': {'probe_limit': 0.0}, 'learner_node': {'publish_every': 4}}
    graph = replace(graph, nodes=tuple(
        replace(node, parameters={**node.parameters, **more.get(node.executable, {})})
        for node in graph.nodes))
    with reserve_domain() as domain, Player(domain) as player, Supervisor(
            graph, folder / 'logs', domain_id=domain, quiet=True) as supervisor:
        pair = Pair(supervisor, player, folder, contract)
        pair.wait_ready()
        yield pair
