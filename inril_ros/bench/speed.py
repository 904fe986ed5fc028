# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the bench costs beside the simulator, and what updates cost: CPU time on one thread."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
import time
from typing import Any

import numpy as np
import torch

from inril_ros.bench.robots import bench_of, mapping_file
from inril_ros.bench.study import Task
from inril_ros.bench.vectorised import Lane, Lanes
from inril_ros.learning.learners.hosts import HOSTS, POLICY_KIND
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.catalogue import make_policy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig
from inril_ros.sim.mapping import find_task, load_mapping

_STEPS = 150  # of an episode of Meta-World: never its end
_REPEATS = 5
_UPDATES = 300  # of a host: enough for several measurements of alignment at m = 10


@dataclass(frozen=True)
class HostSpeed:
    """CPU milliseconds of the updates of one host, with its default settings.

    Attributes:
        host: Its name.
        rl: Per RL update.
        event: Per imitation event, without measurement of alignment.
        share: Of measuring alignment in all CPU time of learning, at m = 10.
    """

    host: str
    rl: float
    event: float
    share: float


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
    lane = Lane(bench.open(), bench.contract, _STEPS)

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
        with_policy = Lanes(bench.open, bench.contract, _STEPS, number)

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


def measure_hosts(task_id: str, lanes: int) -> Iterator[HostSpeed]:
    """Yield the speed of each host on one task of Meta-World."""
    torch.set_num_threads(1)
    bench = bench_of(Task(task_id))
    many = Lanes(bench.open, bench.contract, bench.time_limit, lanes)
    for host in HOSTS:
        model = ModelConfig(bench.contract.observation_size, bench.contract.action_size,
                            kind=POLICY_KIND.get(host, 'best_of_n'))
        clone = make_policy(model)
        shown = [each.episode() for each in many.play(
            clone, range(lanes), torch.Generator().manual_seed(0))]

        def session(clone: Policy = clone, shown: list = shown, host: str = host,
                    **settings: Any) -> FineTuningSession:
            return FineTuningSession(SessionConfig.from_mapping(
                {'host': host, **settings}), clone, shown, 0, 'cpu')

        # One experience for all measurements.
        experience, watched = [], session(m=None)
        while not watched.updates_due:
            first = len(experience)
            played = many.play(watched.policy, range(first, first + lanes),
                               torch.Generator().manual_seed(first), explore=True)
            for episode in played:
                experience.append(episode.transitions(str(len(experience))))
                for transition in experience[-1]:
                    watched.ingest(transition)

        def seconds(m: int | None, every: int, experience: list = experience,
                    session: Callable[..., FineTuningSession] = session) -> tuple[float, int]:
            measured = session(m=m, alignment_every=every)
            for transition in chain.from_iterable(experience):
                measured.ingest(transition)
            began, count = time.process_time(), 0
            while measured.updates_due and count < _UPDATES:
                measured.update()
                count += 1
            return (time.process_time() - began) / count, count

        rl, _ = seconds(None, 0)
        both, _ = seconds(1, 0)
        plain, _ = seconds(10, 0)
        aligned, _ = seconds(10, 5)
        yield HostSpeed(host, 1e3 * rl, 1e3 * max(both - rl, 0.0),
                        max(1.0 - plain / aligned, 0.0))


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
