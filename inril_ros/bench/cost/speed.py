# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the bench costs beside the simulator: CPU time on one thread."""

from collections.abc import Callable, Iterator
import time

import numpy as np
import torch

from inril_ros.bench.robots import bench_of, mapping_file
from inril_ros.bench.task import Task
from inril_ros.bench.vectorised import Lane, Lanes
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.sim.mapping import find_task, load_mapping

_STEPS = 150  # of an episode of Meta-World: never its end
_REPEATS = 5


def measure(task_id: str, lanes: int) -> Iterator[tuple[str, float, str, str]]:
    """Yield (what, value, unit, note) for one task of Meta-World.

    The best of some repeats counts: other processes only ever make it slower.
    """
    torch.set_num_threads(1)
    task = Task(task_id)
    bench = bench_of(task)
    generator = np.random.default_rng(0)
    actions = generator.uniform(-1.0, 1.0, (_STEPS, 4))
    commands = bench.contract.denormalise_action(actions)

    bare = _bare_environment(task)

    def bare_steps() -> int:
        bare.reset()
        for action in actions:
            bare.step(action)
        return _STEPS

    raw = _rate(bare_steps)
    yield 'Meta-World alone', raw, 'steps/s', ''

    robot = bench.open()

    def robot_steps() -> int:
        robot.reset(0)
        for command in commands:
            robot.step(command)
        return _STEPS

    value = _rate(robot_steps)
    yield '+ units and names of the contract', value, 'steps/s', _share(value, raw)

    # No task succeeds by chance: an episode that ended early would be counted too long.
    lane = Lane(bench.open(), bench.contract, _STEPS, bench.urdf)

    def lane_steps() -> int:
        lane.begin(0)
        for command in commands:
            lane.execute(command)
            if lane.ended:
                break
        return lane.played.steps

    value = _rate(lane_steps)
    yield '+ observation builder and safety gate', value, 'steps/s', _share(value, raw)

    policy = BestOfN(ModelConfig(bench.contract.observation_size, bench.contract.action_size))
    policy.eval()
    for number in (1, lanes):
        with_policy = Lanes(bench.open, bench.contract, _STEPS, number, bench.urdf)

        def policy_steps(with_policy: Lanes = with_policy, number: int = number) -> int:
            played = with_policy.play(policy, range(number), torch.Generator().manual_seed(0))
            return sum(each.steps for each in played)

        value = _rate(policy_steps)
        yield (f'+ diffusion policy, {number} lane{"s" if number > 1 else ""}', value, 'steps/s',
               _share(value, raw))
    observations = Observations(torch.zeros(lanes, bench.contract.observation_size))

    def decisions() -> int:
        with torch.inference_mode():
            for _ in range(20):
                policy.decide(observations, policy.begin(lanes), torch.Generator(), False)
        return 20

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


def _share(value: float, raw: float) -> str:
    return f'{100.0 * (raw / value - 1.0):+.0f} % CPU time'
