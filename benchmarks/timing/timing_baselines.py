# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The two common ways to run a policy on a robot, for comparison: one node does everything.

``timer``: an rclpy timer, with the inference in its callback. ``sleep``: a loop that works, then
sleeps for a period. Both read the same observations, infer the same chunks with the same network,
load the same weights (in a callback) and send the same messages as the graph of this package.
They have no safety gate, which would be more work in the same thread.
"""

from functools import partial
from pathlib import Path
import signal
import sys
import time
from typing import Any

from inril_ros.msg import PolicyWeights, WeightsManifest
import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
import torch

from inril_ros.data.frames.observation_builder import ObservationBuilder
from inril_ros.data.frames.sync import FrameAligner, FrameError
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.artifact import build_policy, from_bytes, load_policy
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.message_types import message_type
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.messages.commands import encode_command
from inril_ros.transport.weights.incoming import IncomingVersions
from inril_ros.transport.weights.manifest import Manifest, WeightsRefused


class Commander(Node):
    """Observations and weights in, commands out, one per call of ``tick``."""

    def __init__(self) -> None:
        super().__init__('commander')
        torch.set_num_threads(1)
        values = {name: self.declare_parameter(name, '').value for name in (
            'contract', 'model', 'run_id', 'way')}
        self.way = values['way']
        self.contract = load_contract(values['contract'])
        self._policy = load_policy(Path(values['model']))
        self._generator = torch.Generator().manual_seed(0)
        self._memory = self._policy.begin(1)
        self._aligner = FrameAligner(self.contract)
        self._builder = ObservationBuilder(self.contract)
        self._steps: list[np.ndarray] = []
        self._incoming = IncomingVersions(values['run_id'], self.contract.hash)
        self._commands = {
            topic: self.create_publisher(message_type(kind), topic, qos.commands(False))
            for topic, kind in self.contract.action_topics().items()}
        for topic, kind in self.contract.observation_topics().items():
            self.create_subscription(message_type(kind), topic, partial(self._aligner.add, topic),
                                     qos.observations(False))
        self.create_subscription(WeightsManifest, 'weights/manifest', self._offer, qos.MANIFEST)
        self.create_subscription(PolicyWeights, 'weights/pieces', self._piece, qos.WEIGHTS)

    def tick(self) -> None:
        """Send the next step of the chunk; infer a chunk if there is none."""
        stamp = self.get_clock().now().nanoseconds
        try:
            observation = self._builder.build(self._aligner.frame(stamp).values)
        except FrameError:
            return
        if not self._steps:
            with torch.inference_mode():
                decision = self._policy.decide(
                    Observations(torch.from_numpy(observation)[None]), self._memory,
                    self._generator, explore=False)
            self._steps = list(self.contract.denormalise_action(decision.actions[0].numpy()))
        for topic, message in encode_command(
                self.contract, self._steps.pop(0), stamp, message_type):
            self._commands[topic].publish(message)

    def _offer(self, message: WeightsManifest) -> None:
        try:
            self._incoming.offer(Manifest(**{
                name: getattr(message, name) for name in Manifest.__dataclass_fields__}))
        except WeightsRefused as error:
            self.get_logger().error(str(error))
        self._load_complete()

    def _piece(self, message: PolicyWeights) -> None:
        self._incoming.add(message.run_id, message.version, message.chunk_index, message.offset,
                            memoryview(message.data).tobytes())
        self._load_complete()

    def _load_complete(self) -> None:
        assembled = self._incoming.pop_complete()
        if assembled is not None:
            assembled.check_hash()
            self._policy = build_policy(assembled.manifest.model_config,
                                        from_bytes(b''.join(assembled.pieces)))
            self._memory = self._policy.begin(1)
            self._incoming.note_acting(assembled.manifest)


def main(arguments: list[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM."""
    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    node = Commander()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        if node.way == 'timer':
            node.create_timer(node.contract.period, node.tick)
            executor.spin()
        while True:
            for _ in range(8):  # messages that have arrived meanwhile
                executor.spin_once(timeout_sec=0.0)
            node.tick()
            time.sleep(node.contract.period)
    except KeyboardInterrupt:
        return 0


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


if __name__ == '__main__':
    sys.exit(main())
