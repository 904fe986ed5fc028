#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measures the stages of sending weights, from the learner's export to the first inference.

Two processes over real DDS run the code of the nodes (WeightsSender, WeightsReceiver); the
receiver also has a 20 ms timer, whose lateness is the cost for other callbacks. For comparison, a
plain unchecked message of the same size and torch's own serialisation are measured in turn. CPU
time is measured too, because it is also valid on a busy machine.

    benchmarks/timing/weights_benchmark.py                      # 0.5, 5, 20 and 50 MB
    benchmarks/timing/weights_benchmark.py 0.5 5 --repeats 3 --out weights
"""

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
import io
import json
import os
from pathlib import Path
import platform
from statistics import median
import subprocess
import sys
import time

from inril_ros.msg import PolicyStatus
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
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.guarded_node import GuardedNode
from inril_ros.nodes.base.kept_memory import keep_memory
from inril_ros.nodes.dds.shared_memory import keep_bursts
from inril_ros.nodes.weights.receiver import WeightsReceiver
from inril_ros.nodes.weights.sender import WeightsSender
from inril_ros.transport.weights.manifest import Manifest
from inril_ros.transport.weights.outgoing import OutgoingVersion
from inril_ros.transport.weights.tensors import complete, read_tensors, wire_tensors, WireTensor

RUN, CONTRACT = 'benchmark', 'c' * 64
PERIOD = 0.02  # [s] of the timer
PATIENCE = 120.0  # [s]


def model(megabytes: float, observation_size: int = 39, action_size: int = 4) -> ModelConfig:
    """Return the configuration of a policy of about this size."""
    def make(width: int) -> ModelConfig:
        return ModelConfig(
            observation_size=observation_size, action_size=action_size, chunk_length=4,
            denoising_steps=10, sampling_steps=5, actor_width=width, actor_blocks=3,
            critic_width=64)

    def size(width: int) -> int:
        return sum(tensor.nbytes for tensor in BestOfN(make(width)).state_dict().values())

    low, high = 32, 2048
    while high - low > 8:
        middle = (low + high) // 16 * 8
        low, high = (middle, high) if size(middle) < megabytes * 1e6 else (low, middle)
    return make(high)


@dataclass
class Stages:
    """Times [s] for one size, one entry per version."""

    export: list[float] = field(default_factory=list)
    send: list[float] = field(default_factory=list)
    receive: list[float] = field(default_factory=list)
    load: list[float] = field(default_factory=list)
    total: list[float] = field(default_factory=list)
    sender_cpu: list[float] = field(default_factory=list)
    receiver_cpu: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)
    ours_write_cpu: list[float] = field(default_factory=list)
    ours_read_cpu: list[float] = field(default_factory=list)
    torch_write_cpu: list[float] = field(default_factory=list)
    torch_read_cpu: list[float] = field(default_factory=list)


def receive() -> None:
    """Run the acting side until the process is ended."""
    rclpy.init()
    node = GuardedNode('acting')
    answers = node.create_publisher(PolicyStatus, 'policy/status', qos.STATE)
    spent = time.process_time()
    due, worst = time.monotonic() + PERIOD, 0.0

    def plain(message: UInt8MultiArray) -> None:
        nonlocal spent
        answers.publish(PolicyStatus(refusal=f'plain {len(message.data)}'))
        spent = time.process_time()

    def load(manifest: object, received: dict[str, WireTensor]) -> torch.nn.Module:
        policy = build_policy(manifest.model_config, from_raw({
            name: (tensor.dtype, tensor.shape, tensor.data)
            for name, tensor in received.items()}), take=True)
        actions_on(policy, blank_frame(policy.config))
        return policy

    def tick() -> None:
        nonlocal due, worst
        now = time.monotonic()
        worst, due = max(worst, now - due), now + PERIOD

    def exchange() -> None:
        nonlocal worst
        loaded = receiver.pop_loaded()
        if loaded is None:
            return
        actions_on(loaded.product, blank_frame(loaded.product.config))  # the first inference
        receiver.note_acting(loaded, [loaded.manifest.version])
        answers.publish(PolicyStatus(
            run_id=RUN, ready=True, weights_version=loaded.manifest.version,
            receive_seconds=loaded.receive_seconds, verify_seconds=loaded.verify_seconds,
            inference_seconds=time.process_time() - spent, inference_seconds_worst=worst))
        worst = 0.0

    node.create_subscription(UInt8MultiArray, 'plain', plain, qos.EVENT)
    receiver = WeightsReceiver(
        node, RUN, CONTRACT, load, lambda reason: node.get_logger().error(reason),
        lambda status: None, exchange)
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
            link.get_subscription_count() for link in (*self._sender.endpoints, self._plain)))

    def measure(self, config: ModelConfig, repeats: int) -> tuple[float, Stages]:
        """Send versions of a policy; return its size [MB] and the times."""
        policy, stages = BestOfN(config).eval(), Stages()
        for turn in range(repeats + 1):
            with torch.no_grad():  # change every tensor, so that none is left out
                for parameter in policy.parameters():
                    parameter.add_(1e-3 * torch.randn_like(parameter))
            self._send_plain(1)  # from here the other side counts its CPU time
            began, spent = time.monotonic(), time.process_time()
            tensors = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
            exported = time.monotonic()
            self._sender.send(
                wire_tensors(to_raw(tensors)), config.to_json(), schema_hash(tensors), turn)
            sent, spent = time.monotonic(), time.process_time() - spent
            self._until(lambda: self._status.weights_version == self._sender.version)
            done, status = time.monotonic(), self._status
            size = sum(tensor.nbytes for tensor in tensors.values())
            plain = self._send_plain(size)
            if turn:  # the first one warms up
                for name, value in {
                        'export': exported - began, 'send': sent - exported,
                        'receive': status.receive_seconds, 'load': status.verify_seconds,
                        'total': done - began, 'sender_cpu': spent, 'plain': plain,
                        'receiver_cpu': status.inference_seconds,
                        'lateness': status.inference_seconds_worst,
                        **serialisations(tensors)}.items():
                    getattr(stages, name).append(value)
        return size / 1e6, stages

    def _send_plain(self, size: int) -> float:
        message = UInt8MultiArray()
        message.data.frombytes(bytes(size))
        began = time.monotonic()
        self._plain.publish(message)
        self._until(lambda: self._status.refusal == f'plain {size}')
        return time.monotonic() - began

    def _hear(self, status: PolicyStatus) -> None:
        self._status = status
        self._sender.on_policy_status(status)

    def _until(self, condition: object) -> None:
        limit = time.monotonic() + PATIENCE
        while not condition():
            self._executor.spin_once(timeout_sec=0.05)
            if time.monotonic() > limit:
                raise SystemExit(f'no answer in {PATIENCE:.0f} s: {self._status}')


def serialisations(tensors: dict[str, torch.Tensor]) -> dict[str, float]:
    """Return the CPU time [s] to write and read tensors; ours includes the hashes."""
    def spent(work: Callable[[], object]) -> tuple[float, object]:
        began = time.process_time()
        made = work()
        return time.process_time() - began, made

    def written() -> bytes:
        file = io.BytesIO()
        torch.save(tensors, file)
        return file.getvalue()

    def ours_written() -> tuple[Manifest, bytes]:
        outgoing = OutgoingVersion(
            wire_tensors(to_raw(tensors)), (), version=1, run_id=RUN, parent_version=0,
            learner_step=0, model_config='{}', schema_hash='', contract_hash=CONTRACT)
        content = b''.join(part for _, _, parts in outgoing.pieces(range(outgoing.chunk_count))
                           for part in parts)
        return outgoing.manifest(), content

    ours_write, version = spent(ours_written)
    ours_read, _ = spent(lambda: from_raw({
        name: (tensor.dtype, tensor.shape, tensor.data)
        for name, tensor in complete(
            version[0], read_tensors(version[1]), {}).items()}))
    torch_write, content = spent(written)
    torch_read, _ = spent(lambda: torch.load(io.BytesIO(content), weights_only=True))
    return {'ours_write_cpu': ours_write, 'ours_read_cpu': ours_read,
            'torch_write_cpu': torch_write, 'torch_read_cpu': torch_read}


TABLES = {
    'From export to first inference': {
        'export': 'export (a copy)', 'send': 'hash and send', 'receive': 'on the wire',
        'load': 'verify, load, probe', 'total': 'export to first inference',
        'plain': 'plain message, unchecked'},
    'On the processor': {
        'sender_cpu': 'sender', 'receiver_cpu': 'receiver', 'ours_write_cpu': 'write, with hashes',
        'ours_read_cpu': 'read, with hashes', 'torch_write_cpu': 'torch.save',
        'torch_read_cpu': 'torch.load (weights only)'}}


def report(results: dict[float, Stages], load: float) -> str:
    """Return the tables in Markdown."""
    lines = ['# Weights from export to first inference', '',
             f'`benchmarks/timing/weights_benchmark.py` on {len(os.sched_getaffinity(0))} '
             f'{platform.machine()} processors, two processes over DDS, '
             f'{len(next(iter(results.values())).total)} versions per size, all tensors changed. '
             f'Load average meanwhile: up to {load:.1f}. Median (least) in ms.']
    for title, columns in TABLES.items():
        lines += ['', f'## {title}', '', f'| MB | {" | ".join(columns.values())} |',
                  '|---' * (1 + len(columns)) + '|']
        for size, stages in results.items():
            cells = [f'{1e3 * median(getattr(stages, name)):.1f} '
                     f'({1e3 * min(getattr(stages, name)):.1f})' for name in columns]
            lines.append(f'| {size:.1f} | {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


def main() -> None:
    """Measure, write and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('megabytes', nargs='*', type=float, default=[0.5, 5.0, 20.0, 50.0])
    parser.add_argument('--repeats', type=int, default=7)
    parser.add_argument('--out', type=Path, help='folder for weights.json and weights.md')
    parser.add_argument('--receive', action='store_true', help='be the other process')
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()  # as every node does
    if options.receive:
        receive()
        return
    with reserve_domain() as domain:
        process = subprocess.Popen(
            [sys.executable, Path(__file__).resolve(), '--receive'],
            env={**os.environ, **domain_environment(domain)})
        keep_bursts()  # as learner_node does
        rclpy.init(domain_id=domain)
        try:
            learner = Learner()
            results, load = {}, 0.0
            for megabytes in options.megabytes:
                size, results_of_size = learner.measure(model(megabytes), options.repeats)
                results[round(size, 1)] = results_of_size
                load = max(load, os.getloadavg()[0])
            text = report(results, load)
            print(text)
            if options.out:
                options.out.mkdir(parents=True, exist_ok=True)
                (options.out / 'weights.md').write_text(text, encoding='utf-8')
                (options.out / 'weights.json').write_text(json.dumps({
                    'highest_load_average': round(load, 1), 'unit': 's',
                    'sizes_mb': {str(size): {
                        name: [round(value, 6) for value in values]
                        for name, values in asdict(stages).items()}
                        for size, stages in results.items()}}, indent=1) + '\n')
        finally:
            process.kill()
            process.wait()


if __name__ == '__main__':
    main()
