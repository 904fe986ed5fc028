# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A simulated robot behind a robot's topics.

In lockstep the simulation waits for the command for its present observation before each step: time
passes as fast as the graph can act, and the same inputs give the same trajectory. In real time it
steps at the control rate and applies the newest command, as a robot would; the hold replaces a
command that is too old.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
from rosgraph_msgs.msg import Clock as ClockMessage
from std_srvs.srv import Trigger

from inril_ros.msg import Outcome
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.base.node_process import run
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.nodes.base.scene_seeds import NEXT_SEED, SceneSeeds
from inril_ros.nodes.base.verdicts import JUDGES, simulator_topic
from inril_ros.robot.messages.codecs import CodecError, encode_observations, stamp_ns
from inril_ros.robot.messages.commands import decode_command
from inril_ros.robot.messages.images import encode_image
from inril_ros.robot.motion.kinematics import urdf_of
from inril_ros.robot.motion.safety import SafetyGate
from inril_ros.sim.environment import make_simulation
from inril_ros.sim.simulated_robot import SimulatedState

PARAMETERS = (
    Parameter('simulation', '', 'path of the simulation mapping (YAML)'),
    Parameter('task', '', 'task of the simulation; empty: its first one'),
    Parameter('camera', False, 'render and publish all cameras of the contract, not only '
              "the policy's"),
    NEXT_SEED,
    JUDGES,
    Parameter('command_timeout', 0.1, '[s] age beyond which the hold replaces a command, in real '
              'time', minimum=0.001, maximum=10.0),
)
_RESET_PAUSE_NS = 1_000_000_000
_OUTCOMES = {'none': Outcome.RUNNING, 'success': Outcome.SUCCESS, 'failure': Outcome.FAILURE}


class SimNode(ManagedNode):
    """The robot, its objects, its cameras and the judge of the task."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__('sim_node', PARAMETERS, **arguments)

    def setup(self) -> None:
        """Build the simulation, and make publishers and subscriptions."""
        contract = self.contract
        self._robot = make_simulation(
            Path(self.value('simulation')), self.value('task'), contract)
        self._gate = SafetyGate(contract, urdf_of(contract, self.value('contract')))
        self._stamp = _RESET_PAUSE_NS
        self._seeds = SceneSeeds(self)
        self._over = True
        self._received: dict[str, tuple[int, Any]] = {}
        self._tick = 0
        self._clock_topic = self.create_publisher(ClockMessage, '/clock', qos.COMMAND)
        self._judges = self.value('judges')
        self._outcome = self.create_publisher(
            Outcome, simulator_topic(contract, self._judges), qos.LOCKSTEP)
        profile = qos.observations(self.lockstep)
        self._observations = {
            topic: self.create_publisher(message_type(kind), topic, profile)
            for topic, kind in contract.observation_topics().items()}
        # The policy's images are observations too: none may be lost in lockstep.
        seen = contract.policy_cameras
        shown = contract.cameras if self.value('camera') else seen
        self._images = {
            name: self.create_publisher(message_type(camera.type), camera.topic,
                                        profile if name in seen else qos.SENSOR)
            for name, camera in shown.items()}
        for topic, kind in contract.action_topics().items():
            if self.lockstep and not hasattr(message_type(kind)(), 'header'):
                raise ValueError(f'{topic}: {kind} has no header; lockstep needs its stamp')
            self.require(self.create_subscription(
                message_type(kind), topic,
                lambda message, topic=topic: self._on_command(topic, message),
                qos.commands(self.lockstep)))
        self.require(self._outcome, *self._observations.values(),
                  *(self._images[name] for name in seen))
        self.create_service(Trigger, contract.episode.reset_service, self._reset)
        if not self.lockstep:
            self._stamp = self._wall_time()
            self.create_timer(
                contract.period, self._step_in_real_time,
                clock=Clock(clock_type=ClockType.STEADY_TIME))

    def start(self) -> None:
        """Reset the scene once, so that there are observations."""
        state = self._robot.reset(self._seeds.draw())
        self._gate.reset(state.values)
        self._applied = self._gate.hold().action
        self._publish(state)

    def teardown(self) -> None:
        """Close the simulation."""
        if hasattr(self, '_robot'):
            self._robot.close()

    def _reset(self, _: Any, response: Any) -> Any:
        seed = self._seeds.draw()
        self._received.clear()
        self._stamp = self._stamp + _RESET_PAUSE_NS if self.lockstep else self._wall_time()
        state = self._robot.reset(seed)
        self._tick = 0
        self._gate.reset(state.values)
        self._applied = self._gate.hold().action
        response.success = True
        response.message = f'reset with seed {seed}'
        self._over = False
        self._publish(state)
        return response

    def _on_command(self, topic: str, message: Any) -> None:
        if not self.lockstep:
            self._received[topic] = (self._wall_time(), message)
            return
        stamp = stamp_ns(message)
        if self._over or stamp != self._stamp:
            return
        self._received[topic] = (stamp, message)
        if len(self._received) == len(self.contract.action_topics()):
            self._step(self._action())

    def _step_in_real_time(self) -> None:
        now = self._wall_time()
        limit = self.value('command_timeout') * 1e9
        fresh = len(self._received) == len(self.contract.action_topics()) and all(
            now - at <= limit for at, _ in self._received.values())
        self._step(self._action() if fresh else self._held())

    def _held(self) -> np.ndarray:
        """Return a robot's action without commands: it keeps positions, and rests otherwise."""
        action = self._applied.copy()
        for name, entry in self.contract.actions.items():
            if entry.hold == 'zero':
                action[self.contract.action_slice(name)] = 0.0
        return action

    def _action(self) -> np.ndarray:
        action = self._gate.hold().action.copy()
        try:
            for name, entry in self.contract.actions.items():
                action[self.contract.action_slice(name)] = decode_command(
                    self._received[entry.topic][1], entry)
        except CodecError as error:
            self.get_logger().error(str(error), throttle_duration_sec=1.0)
        return action

    def _step(self, action: np.ndarray) -> None:
        if self.lockstep:
            self._received.clear()
            self._stamp += self.contract.period_ns
        else:
            self._stamp = self._wall_time()
        state = self._robot.step(action)
        self._applied = action
        self._tick += 1
        judged = self._judges and state.outcome != 'none'
        self._publish(state, silent=self._over)
        self._over = self._over or judged

    def _publish(self, state: SimulatedState, silent: bool = False) -> None:
        """Publish the clock, the verdict, then the observations."""
        if self.lockstep:
            header = self.header(self._stamp)
            self._clock_topic.publish(ClockMessage(clock=header.stamp))
        if not self._judges:
            self._outcome.publish(Outcome(
                header=self.header(self._stamp),
                outcome=Outcome.SUCCESS if state.done else Outcome.RUNNING))
        elif self.lockstep or (state.outcome != 'none' and not silent):
            self._outcome.publish(Outcome(
                header=self.header(self._stamp), outcome=_OUTCOMES[state.outcome],
                reward=float(state.reward)))
        for topic, message in encode_observations(
                self.contract, state.values, self._stamp, message_type):
            self._observations[topic].publish(message)
        for name, publisher in self._images.items():
            if self._tick % self.contract.ticks_per_image(name) == 0:
                publisher.publish(encode_image(
                    self.contract.cameras[name], self._robot.image(name), self._stamp,
                    message_type))

    def _wall_time(self) -> int:
        return Clock(clock_type=ClockType.SYSTEM_TIME).now().nanoseconds


main = partial(run, SimNode, PARAMETERS, __doc__)

if __name__ == '__main__':
    raise SystemExit(main())
