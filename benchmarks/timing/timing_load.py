# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A learner that never stops: a fine-tuning session that updates in a loop on one core.

    timing_load.py CONTRACT MODEL RUN_ID PUSH_EVERY READY

Its experience is made up, its updates and weights are real. Every PUSH_EVERY seconds it sends its
weights as the learner node does; 0: never. Once it learns, it creates the file READY.
"""

from collections.abc import Iterator
from pathlib import Path
import sys
import time
from uuid import uuid4

import numpy as np
import rclpy
import torch

from inril_ros.learning.experience import Episode, Transition
from inril_ros.learning.policies.artifact import load_policy, schema_hash, to_raw
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig
from inril_ros.nodes.weights.sender import WeightsSender
from inril_ros.robot.contract.contract import load_contract
from inril_ros.transport.weights.tensors import wire_tensors

_EPISODES, _STEPS = 8, 160


def _episode(model: ModelConfig, number: int) -> Episode:
    """Return an episode of random content."""
    random = np.random.default_rng(number)
    rewards = np.zeros(_STEPS)
    rewards[-1] = number % 2
    return Episode(random.normal(size=(_STEPS + 1, model.observation_size)),
                   random.uniform(-1.0, 1.0, (_STEPS, model.action_size)), rewards,
                   terminated=bool(number % 2), success=bool(number % 2))


def _transitions(model: ModelConfig, number: int) -> Iterator[Transition]:
    whole, size = _episode(model, number), model.chunk_length
    for first in range(0, _STEPS, size):
        after = min(first + size, _STEPS)
        last = after == _STEPS
        yield Transition(
            f'episode {number}', first, whole.observations[first:after + 1],
            whole.actions[first:after], whole.rewards[first:after], np.zeros(after - first),
            last and whole.terminated, last and not whole.terminated, last and whole.success)


def main() -> None:
    """Update until the process is ended."""
    contract_path, model_path, run_id, push_every, ready = sys.argv[1:]
    torch.set_num_threads(1)
    policy = load_policy(Path(model_path))
    demonstrations = [_episode(policy.config, number) for number in range(1, 2 * _EPISODES, 2)]
    session = FineTuningSession(SessionConfig(), policy, demonstrations, seed=0, device='cpu')
    for number in range(100, 100 + _EPISODES):
        for transition in _transitions(policy.config, number):
            session.ingest(transition)
    rclpy.init(args=[])
    node = rclpy.create_node('load')
    sender = WeightsSender(node, run_id, str(uuid4()), load_contract(contract_path).hash, False)
    session.update()
    Path(ready).touch()
    pushed = time.monotonic()
    while True:
        session.update()
        rclpy.spin_once(node, timeout_sec=0.0)
        if float(push_every) and time.monotonic() - pushed > float(push_every):
            pushed = time.monotonic()
            tensors, config, step = session.export()
            sender.send(wire_tensors(to_raw(tensors)), config, schema_hash(tensors), step)


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
