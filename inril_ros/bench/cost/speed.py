# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""CPU time of the bench in addition to the simulator's, on one thread."""

from collections.abc import Callable, Iterator
from functools import partial
import time

import numpy as np
import torch

from inril_ros.bench.robots import bench_of, mapping_file
from inril_ros.bench.task import Task
from inril_ros.bench.vectorised import Lanes, RobotLane
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.sim.mapping import find_task, load_mapping

_STEPS = 150  # shorter than any episode of Meta-World
_REPEATS = 5


def measure(task_id: str, lanes: int) -> Iterator[tuple[str, float, str, str]]:
    """Yield (name, value, unit, note) of each measurement for one task of Meta-World.

    The best of some repeats counts: other processes can only slow a measurement down.
    """
    torch.set_num_threads(1)
    task = Task(task_id)
    bench = bench_of(task)
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (_STEPS, 4))
    commands = bench.contract.denormalise_action(actions)
    bare, robot = _bare_environment(task), bench.open()
    # No task succeeds by chance: an episode that ended early would be counted as too long.
    lane = RobotLane(bench.open(), bench.contract, _STEPS, bench.urdf)
    policy = BestOfN(ModelConfig(bench.contract.observation_size, bench.contract.action_size))
    policy.eval()
    observations = Observations(torch.zeros(lanes, bench.contract.observation_size))

    def bare_steps() -> int:
        bare.reset()
        for action in actions:
            bare.step(action)
        return _STEPS

    def robot_steps() -> int:
        robot.reset(0)
        for command in commands:
            robot.step(command)
        return _STEPS

    def lane_steps() -> int:
        lane.begin(0)
        for command in commands:
            lane.execute(command)
            if lane.ended:
                break
        return lane.played.steps

    def policy_steps(with_policy: Lanes) -> int:
        played = with_policy.play(
            policy, range(len(with_policy)), torch.Generator().manual_seed(0))
        return sum(each.steps for each in played)

    def decisions() -> int:
        with torch.inference_mode():
            for _ in range(20):
                policy.decide(observations, policy.begin(lanes), torch.Generator(), False)
        return 20

    works = {'+ units and names, - dense reward': robot_steps,
             '+ observation builder and safety gate': lane_steps}
    for number in (1, lanes):
        works[f'+ diffusion policy, {number} lane{"s" if number > 1 else ""}'] = partial(
            policy_steps, Lanes(bench.open, bench.contract, _STEPS, number, bench.urdf))
    raw = _rate(bare_steps)
    yield 'Meta-World alone', raw, 'steps/s', ''
    for name, work in works.items():
        rate = _rate(work)
        yield name, rate, 'steps/s', f'{100.0 * (raw / rate - 1.0):+.0f} % CPU time'
    yield f'decisions for {lanes} lanes', _rate(decisions), 'calls/s', ''


def _bare_environment(task: Task) -> object:
    from metaworld.env_dict import ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE

    path = mapping_file(task)
    name = find_task(load_mapping(path), task.id, str(path)).environment
    environment = ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE[f'{name}-goal-observable'](seed=0)
    environment._freeze_rand_vec = False
    environment.seeded_rand_vec = True
    return environment


def _rate(work: Callable[[], int]) -> float:
    rates = []
    for _ in range(_REPEATS):
        began = time.process_time()
        count = work()
        rates.append(count / (time.process_time() - began))
    return max(rates)
