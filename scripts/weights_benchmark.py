#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measures weights on their way: from the learner's export to the first inference, by stage.

Two processes over real DDS with the code that the nodes run (WeightsSender, WeightsReceiver); the
receiving one also keeps a 20 ms timer, whose lateness says what the weights cost a control loop
beside them. A plain message of the same size is sent for comparison.

    scripts/weights_benchmark.py                      # 0.5, 5, 20 and 50 MB
    scripts/weights_benchmark.py 0.5 5 --repeats 3
"""

import argparse
from dataclasses import dataclass, field
import os
from pathlib import Path
from statistics import median
import subprocess
import sys
import time

from inril_ros.msg import PolicyStatus
import numpy as np
import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import UInt8MultiArray
import torch

from inril_ros.graph.domain import domain_environment, reserve_domain
from inril_ros.learning.policies.artifact import (
    build_policy,
    from_raw,
    schema_hash,
    to_raw,
)
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.trial import actions_on, blank_frame
from inril_ros.nodes import qos
from inril_ros.nodes.weights_receiver import WeightsReceiver
from inril_ros.nodes.weights_sender import WeightsSender

RUN, CONTRACT = 'benchmark', 'c' * 64
PERIOD = 0.02  # [s] of the timer beside
PATIENCE = 120.0  # [s]


def model(megabytes: float) -> ModelConfig:
    """Return the configuration of a policy of about that size."""
    def make(width: int) -> ModelConfig:
        return ModelConfig(observation_size=39, action_size=4, chunk_length=4, denoising_steps=10,
                           sampling_steps=5, actor_width=width, actor_blocks=3, critic_width=64)

    def size(width: int) -> int:
        return sum(tensor.nbytes for tensor in BestOfN(make(width)).state_dict().values())

    low, high = 32, 2048
    while high - low > 8:
        middle = (low + high) // 16 * 8
        low, high = (middle, high) if size(middle) < megabytes * 1e6 else (low, middle)
    return make(high)


@dataclass
class Stages:
    """Times [s] of one size, one entry per version."""

    export: list[float] = field(default_factory=list)
    serialise: list[float] = field(default_factory=list)
    send: list[float] = field(default_factory=list)
    receive: list[float] = field(default_factory=list)
    verify: list[float] = field(default_factory=list)
    total: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)


def receive() -> None:
    """Be the acting side until the process is ended."""
    rclpy.init()
    node = rclpy.create_node('acting')
    answers = node.create_publisher(PolicyStatus, 'policy/status', qos.STATE)
    node.create_subscription(
        UInt8MultiArray, 'plain', lambda message: answers.publish(
            PolicyStatus(refusal=f'plain {len(message.data)}')), qos.EVENT)

    def load(manifest: object, content: bytes) -> torch.nn.Module:
        policy = build_policy(manifest.model_config, from_bytes(content))
        actions_on(policy, blank_frame(policy.config))
        return policy

    receiver = WeightsReceiver(
        node, RUN, CONTRACT, load, lambda reason: node.get_logger().error(reason),
        lambda status: None)
    due, worst = time.monotonic() + PERIOD, 0.0

    def tick() -> None:
        nonlocal due, worst
        now = time.monotonic()
        worst, due = max(worst, now - due), now + PERIOD
        loaded = receiver.take()
        if loaded is None:
            return
        actions_on(loaded.product, blank_frame(loaded.product.config))  # the first inference
        receiver.applied(loaded, [loaded.manifest.version])
        answers.publish(PolicyStatus(
            run_id=RUN, ready=True, weights_version=loaded.manifest.version,
            receive_seconds=loaded.receive_seconds, verify_seconds=loaded.verify_seconds,
            inference_seconds_worst=worst))
        worst = 0.0

    node.create_timer(PERIOD, tick, clock=Clock(clock_type=ClockType.STEADY_TIME))
    answers.publish(PolicyStatus(refusal='here'))
    rclpy.spin(node)


class Learner:
    """The sending side."""

    def __init__(self) -> None:
        self._node = rclpy.create_node('learning')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._status = PolicyStatus()
        self._plain = self._node.create_publisher(UInt8MultiArray, 'plain', qos.EVENT)
        self._node.create_subscription(
            PolicyStatus, 'policy/status', self._hear, qos.STATE)
        self._sender = WeightsSender(self._node, RUN, 'learner', CONTRACT, half=False)
        self._until(lambda: self._status.refusal == 'here' and all(
            link.get_subscription_count() for link in (*self._sender.links, self._plain)))

    def measure(self, config: ModelConfig, repeats: int) -> tuple[float, Stages]:
        """Send so many versions of a policy; return its size [MB] and the times."""
        policy, stages = BestOfN(config).eval(), Stages()
        for turn in range(repeats + 1):
            with torch.no_grad():  # every tensor is another one: nothing is left out
                for parameter in policy.parameters():
                    parameter.add_(1e-3 * torch.randn_like(parameter))
            times = [time.monotonic()]
            tensors = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
            times.append(time.monotonic())
            content = to_bytes(tensors)
            times.append(time.monotonic())
            self._sender.send(content, config.to_json(), schema_hash(tensors), turn)
            times.append(time.monotonic())
            self._until(lambda: self._status.weights_version == self._sender.version)
            done = time.monotonic()
            if turn:  # the first one warms up
                for name, before, after in zip(
                        ('export', 'serialise', 'send'), times, times[1:]):
                    getattr(stages, name).append(after - before)
                stages.receive.append(self._status.receive_seconds)
                stages.verify.append(self._status.verify_seconds)
                stages.lateness.append(self._status.inference_seconds_worst)
                stages.total.append(done - times[0])
                stages.plain.append(self._send_plain(len(content)))
        return len(content) / 1e6, stages

    def _send_plain(self, size: int) -> float:
        message = UInt8MultiArray()
        message.data.frombytes(bytes(size))
        began = time.monotonic()
        self._plain.publish(message)
        self._until(lambda: self._status.refusal == f'plain {size}')
        return time.monotonic() - began

    def _hear(self, status: PolicyStatus) -> None:
        self._status = status
        self._sender.heard(status)

    def _until(self, condition: object) -> None:
        limit = time.monotonic() + PATIENCE
        while not condition():
            self._executor.spin_once(timeout_sec=0.05)
            if time.monotonic() > limit:
                raise SystemExit(f'no answer in {PATIENCE:.0f} s: {self._status}')


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('megabytes', nargs='*', type=float, default=[0.5, 5.0, 20.0, 50.0])
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument('--receive', action='store_true', help='be the other process')
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.receive:
        receive()
        return
    with reserve_domain() as domain:
        rclpy.init(domain_id=domain)

        process = subprocess.Popen(
            [sys.executable, Path(__file__).resolve(), '--receive'],
            env={**os.environ, **domain_environment(domain)})
        try:
            learner = Learner()
            print('| MB | export | serialise | hash and send | on the wire | hash, load, probe | '
                  'export to first inference | plain message | timer beside, worst |\n'
                  + '|---' * 9 + '|')
            for megabytes in options.megabytes:
                size, stages = learner.measure(model(megabytes), options.repeats)
                cells = ' | '.join(f'{1e3 * median(getattr(stages, name)):.1f}' for name in (
                    'export', 'serialise', 'send', 'receive', 'verify', 'total', 'plain'))
                worst = 1e3 * np.max(stages.lateness)
                print(f'| {size:.1f} | {cells} | {worst:.1f} |', flush=True)
            print('\nMedians in ms, the last column the worst of all.')
        finally:
            process.kill()
            process.wait()


if __name__ == '__main__':
    main()
