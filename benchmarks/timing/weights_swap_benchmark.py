#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measures the effect of a new version of the weights on the commands to the arm.

The mock arm, the policy and the actuation node run an episode, while another process sends
versions of a large policy. The lateness of the latest command while a version is sent, verified,
loaded and swapped is compared with the lateness in the same time just before.

    benchmarks/timing/weights_swap_benchmark.py --megabytes 20 --seconds 120 --out weights
"""

import argparse
import json
import os
from pathlib import Path
from statistics import median
import subprocess
import sys
import tempfile
import time
from uuid import uuid4

import numpy as np
import rclpy
from timing_blocks import Blocks, may_use_fifo
from timing_report import Block
import torch
from weights_benchmark import model

from inril_ros.graph.domain import domain_environment, reserve_domain
from inril_ros.learning.policies.artifact import load_policy, save_policy, schema_hash, to_raw
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.nodes.dds.shared_memory import keep_bursts
from inril_ros.nodes.weights.sender import WeightsSender
from inril_ros.robot.contract.contract import load_contract
from inril_ros.transport.weights.tensors import wire_tensors

RATE = 50.0  # [Hz]
EVERY = 4.0  # [s] between two versions
BEFORE, AFTER = 0.5, 1.0  # [s] around a manifest, which is sent last: the time of a version


def push(contract: Path, folder: Path, run_id: str) -> None:
    """Send versions with new tensors until the process is ended."""
    keep_bursts()  # as learner_node does
    rclpy.init()
    sender = WeightsSender(rclpy.create_node('learning'), run_id, str(uuid4()),
                           load_contract(contract).hash, half=False)
    policy = load_policy(folder)
    while True:
        time.sleep(EVERY)
        with torch.no_grad():
            for parameter in policy.parameters():
                parameter.mul_(1.0 + 1e-5)
        tensors = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
        sender.send(
            wire_tensors(to_raw(tensors)), policy.config.to_json(), schema_hash(tensors), 1)


def pairs(block: Block) -> list[tuple[float, float]]:
    """Return the lateness of the latest command [s] before and during each version."""
    stamps = np.sort(block.sent.stamps) / 1e9

    def latest(begin: float, end: float) -> float:
        inside = stamps[(stamps >= begin) & (stamps < end)]
        return float(np.max(np.diff(inside)) - 1.0 / RATE) if len(inside) > 2 else float('nan')

    length = BEFORE + AFTER
    found = [(latest(sent - BEFORE - length, sent - BEFORE), latest(sent - BEFORE, sent + AFTER))
             for sent in np.array(block.weights) / 1e9]
    return [pair for pair in found if np.isfinite(pair).all()]


def measure(way: str, megabytes: float, seconds: float) -> list[tuple[float, float]]:
    """Run one episode with versions, and return its pairs."""
    with reserve_domain() as domain, tempfile.TemporaryDirectory(prefix='swap_') as folder:
        blocks = Blocks(Path(folder), domain, 0.0)
        contract = blocks.contract(RATE, seconds)
        robot = load_contract(contract)
        sizes = model(megabytes, robot.observation_size, robot.action_size)
        save_policy(blocks.model, BestOfN(sizes), replace=True)
        pusher = subprocess.Popen(
            [sys.executable, Path(__file__).resolve(), '--push', contract, blocks.model,
             blocks.run_id], env={**os.environ, **domain_environment(domain)})
        try:
            return pairs(blocks.block(way, RATE, seconds))
        finally:
            pusher.kill()
            pusher.wait()


def main() -> None:
    """Measure, and write swap.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--megabytes', type=float, default=20.0)
    parser.add_argument('--seconds', type=float, default=120.0, help='of each episode')
    parser.add_argument('--out', type=Path, default=Path('weights'))
    parser.add_argument('--push', nargs=3, help='be the process that sends')
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.push:
        push(*map(Path, options.push[:2]), options.push[2])
        return
    ways = ['actuation'] + ['actuation_fifo'] * may_use_fifo()
    result: dict[str, object] = {'megabytes': options.megabytes, 'rate_hz': RATE, 'unit': 'ms'}
    for way in ways:
        found = 1e3 * np.array(measure(way, options.megabytes, options.seconds)).reshape(-1, 2)
        result[way] = {
            'versions': len(found), 'idle_worst': found[:, 0].round(3).tolist(),
            'swap_worst': found[:, 1].round(3).tolist(),
            'median_of_differences': round(median(found[:, 1] - found[:, 0]), 3)}
        result['load_average'] = round(os.getloadavg()[0], 1)
        print(f'{way}: {len(found)} versions, worst delay idle {median(found[:, 0]):.2f} ms, '
              f'with a version {median(found[:, 1]):.2f} ms, median of the differences '
              f'{median(found[:, 1] - found[:, 0]):+.2f} ms', flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / 'swap.json').write_text(json.dumps(result, indent=1) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
