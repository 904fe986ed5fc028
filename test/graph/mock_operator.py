# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Plays policy and conductor of a mock arm that runs with its actuation node as processes."""

from contextlib import contextmanager
from uuid import uuid4

from inril_ros.msg import (
    ActionChunk,
    ActuationStatus,
    EpisodeEvent,
    EpisodeRequest,
    ExecutedAction,
    Outcome,
)
import numpy as np
from played_arm import Player, RUN
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from inril_ros.graph.description import GraphDescription, GraphOptions, recording_graph
from inril_ros.graph.domain import reserve_domain
from inril_ros.graph.supervisor import Supervisor
from inril_ros.nodes.base import qos
from inril_ros.robot.contract.contract import load_contract

AHEAD, CHUNK = 3, 25  # ticks
_AT_ONCE = 20  # messages per check: more arrive than the player receives by itself


class Operator:
    """Plays the policy node and the conductor, and keeps the messages that they would receive."""

    def __init__(self, player, contract):
        self.player, self.contract = player, contract
        self.executed, self.joints, self.status = [], {}, None
        self._chunks = player.publisher(ActionChunk, 'action_chunk', qos.RECORD)
        self._requests = player.publisher(EpisodeRequest, 'episode/request', qos.EVENT)
        self._verdicts = player.publisher(Outcome, 'outcome', qos.LOCKSTEP)
        player.listen(ExecutedAction, 'executed_action', qos.RECORD, self._tick)
        player.listen(JointState, 'joint_states', qos.SENSOR, self._on_joint_states)
        player.listen(ActuationStatus, 'actuation/status', qos.STATE, self._on_status)
        self._home = np.array([contract.episode.home[joint] for entry in contract.actions.values()
                               for joint in entry.joints], np.float32)
        self.goal = self._home.copy()
        self._faults = player._node.create_client(SetParameters, 'mock_arm_node/set_parameters')

    def _on_status(self, message):
        self.status = message

    def _on_joint_states(self, message):
        self.joints = dict(zip(message.name, message.position, strict=True))

    def _tick(self, message):
        self.executed.append(message)
        if message.tick % 10 == 0:
            self._send_chunk(message.episode_id, message.tick + AHEAD)

    def _send_chunk(self, episode, first):
        """Send steps that move the first joint to the goal at 0.4 rad/s, from home at tick 0."""
        ticks = np.arange(first, first + CHUNK)[:, None] * self.contract.period
        way = self.goal - self._home
        actions = self._home + np.sign(way) * np.minimum(np.abs(way), 0.4 * ticks)
        self._chunks.publish(ActionChunk(
            header=Header(), episode_id=episode, first_tick=first, steps=CHUNK,
            period=self.contract.period, size=len(way), actions=actions.ravel().tolist(),
            weights_version=1))

    def begin(self):
        """Request an episode and send its first chunk; return its id."""
        episode = str(uuid4())
        self._requests.publish(EpisodeRequest(
            run_id=RUN, episode_id=episode, purpose=EpisodeRequest.EVALUATION))
        self.wait(episode, EpisodeEvent.STARTED)
        self._send_chunk(episode, 0)
        return episode

    def wait(self, episode, event):
        def found():
            refused = self.player.events.get((episode, EpisodeEvent.REFUSED))
            assert refused is None, refused.reason
            return self.player.events.get((episode, event))
        self.wait_until(found, f'event {event}')
        return found()

    def wait_until(self, condition, what):
        def kept_up():
            for _ in range(_AT_ONCE):
                self.player._executor.spin_once(timeout_sec=0.0)
            return condition()
        self.player.until(kept_up, lambda: f'{what}: {self.joints} {self.status}')

    def end(self, episode):
        """Judge an episode a success, which ends it."""
        stamp = self.of(episode)[-1].header.stamp
        self._verdicts.publish(Outcome(header=Header(stamp=stamp), outcome=Outcome.SUCCESS))
        assert self.wait(episode, EpisodeEvent.ENDED).outcome == EpisodeEvent.SUCCESS

    def fail(self, fault):
        """Set the arm's fault; empty: none."""
        asked = self._faults.call_async(SetParameters.Request(parameters=[
            Parameter('fault', value=fault).to_parameter_msg()]))
        self.player.until(asked.done, f'an answer to fault {fault!r}')
        assert asked.result().results[0].successful

    def ask(self, kind, service):
        """Call a service without arguments; return its answer."""
        client = self.player._node.create_client(kind, service)
        self.player.until(client.service_is_ready, service)
        asked = client.call_async(kind.Request())
        self.player.until(asked.done, f'an answer of {service}')
        return asked.result()

    def of(self, episode):
        return [message for message in self.executed if message.episode_id == episode]

    def sources(self, episode):
        return [message.source for message in self.of(episode)]


@contextmanager
def operating(contract, logs):
    """Run the mock arm of a contract with its actuation node; yield their operator."""
    whole = recording_graph(GraphOptions(
        contract=str(contract), run_id=RUN, mock_arm=True, demonstrations='none'))
    graph = GraphDescription('mock', tuple(
        whole.node(name) for name in ('mock_arm_node', 'actuation_node')))
    with reserve_domain() as domain, Player(domain) as player, Supervisor(
            graph, logs, domain_id=domain, quiet=True) as nodes:
        player.check = nodes.check
        made = Operator(player, load_contract(contract))
        player.wait_ready('mock_arm_node', 'actuation_node')
        yield made
