#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Compares what is imitated, at equal budget, over several seeds.

Runs the session that the learner node runs, without ROS, as `inril finetune --synchronous` would:
the same scenes, the same operator, learning between episodes. One line of JSON per arm and seed;
those that the file has already are not run again.

    scripts/compare_arms.py docs/studies/arms.jsonl --task pick-place --demos 8 --steps 20000
"""

from collections import deque
import json
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from inril_ros.cli.intervals import success_rate
from inril_ros.cli.resources import find_configuration
from inril_ros.data.record_files import read_json_lines
from inril_ros.learning.experience import Episode, Transition
from inril_ros.learning.exploration import ExplorationConfig, ExplorationNoise
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.pretrain import pretrain, PretrainConfig
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig
from inril_ros.robot.contract import Contract, load_contract
from inril_ros.sim.environment import make_simulation, SimulatedRobot
from inril_ros.sim.rollouts import Rollout, run_episode
from inril_ros.sim.scripted import ScriptedOperator
from inril_ros.sim.seeds import derived_seed

ARMS = {
    'rl-only': {'m': None},
    'demos': {'imitation_source': 'demonstrations'},
    'own-successes': {'imitation_source': 'own_successes'},
    'both': {'imitation_source': 'both'},
}


class Acting:
    """A policy that acts chunk by chunk, as the policy node does."""

    def __init__(self, policy: Policy, contract: Contract, seed: int, explore: bool) -> None:
        self._policy, self._contract = policy, contract
        self._generator = torch.Generator().manual_seed(seed)
        self._noise = ExplorationNoise(
            ExplorationConfig(), contract.action_size, seed) if explore else None
        self._steps: deque[np.ndarray] = deque()
        self._memory = policy.begin(1)

    def __call__(self, observation: np.ndarray, values: dict[str, np.ndarray]) -> np.ndarray:
        """Return the action (A,) of the next tick."""
        if not self._steps:
            with torch.inference_mode():
                decision = self._policy.decide(
                    Observations(torch.from_numpy(observation)[None]), self._memory,
                    self._generator, self._noise is not None)
                chunk = decision.actions[0].numpy()
            if self._noise is not None:
                chunk = np.clip(chunk + self._noise.chunk(len(chunk)), -1.0, 1.0)
            self._steps.extend(self._contract.denormalise_action(chunk))
        return self._steps.popleft()


def episode_of(rollout: Rollout, contract: Contract) -> Episode:
    """Return a rollout as experience."""
    success = rollout.outcome == 'success'
    return Episode(rollout.observations, contract.normalise_action(rollout.actions),
                   rollout.rewards, terminated=success, success=success)


def decisions(name: str, episode: Episode, length: int) -> list[Transition]:
    """Cut an episode into the transitions that the recorder would send."""
    pieces = []
    for first in range(0, episode.steps, length):
        last = min(first + length, episode.steps)
        ends = last == episode.steps
        pieces.append(Transition(
            name, first, episode.observations[first:last + 1], episode.actions[first:last],
            episode.rewards[first:last], np.ones(last - first, np.uint8),
            terminated=ends and episode.terminated, truncated=ends and not episode.terminated,
            success=ends and episode.success))
    return pieces


def demonstrate(
    robot: SimulatedRobot, contract: Contract, task: str, seed: int, wanted: int,
) -> list[Episode]:
    """Return successful demonstrations of the scripted operator."""
    operator, kept, attempt = ScriptedOperator(task, contract), [], 0
    while len(kept) < wanted:
        operator.begin(derived_seed(seed, 'operator', attempt))
        rollout = run_episode(
            robot, contract, lambda _, values: operator.command(values),
            derived_seed(seed, 'scene', 'record', attempt), contract.time_limit_ticks)
        kept += [episode_of(rollout, contract)] if rollout.outcome == 'success' else []
        attempt += 1
    return kept


def evaluate(
    robot: SimulatedRobot, contract: Contract, policy: Policy, episodes: int,
) -> int:
    """Return the successes on the fixed initial states of `inril evaluate`."""
    return sum(run_episode(
        robot, contract,
        Acting(policy, contract, derived_seed('evaluation policy', index), explore=False),
        derived_seed('evaluation', index), contract.time_limit_ticks).outcome == 'success'
        for index in range(episodes))


def fine_tune(
    robot: SimulatedRobot, contract: Contract, session: FineTuningSession, seed: int, steps: int,
) -> None:
    """Let the session act and learn until the environment steps are used up."""
    done = index = 0
    while done < steps:
        acting = Acting(session.policy, contract, derived_seed(seed, 'rollout', index), True)
        episode = episode_of(run_episode(
            robot, contract, acting, derived_seed(seed, 'scene', 'finetune', index),
            contract.time_limit_ticks), contract)
        for transition in decisions(str(index), episode, session.policy.config.chunk_length):
            session.ingest(transition)
        while session.updates_due:
            session.update()
        done += episode.steps
        index += 1


def main(
    output: Annotated[Path, typer.Argument(help='File of the results, one JSON line each.')],
    task: str = 'pick-place', demos: int = 8, steps: int = 20_000, episodes: int = 50,
    seeds: str = '0,1,2', arms: str = ','.join(ARMS),
) -> None:
    """Compare what is imitated, at equal budget, over several seeds."""
    torch.set_num_threads(1)
    contract = load_contract(find_configuration('robots', 'metaworld_sawyer'))
    robot = make_simulation(find_configuration('simulations', 'metaworld'), task, contract)
    output.parent.mkdir(parents=True, exist_ok=True)
    known = {(row['task'], row['demos'], row['steps'], row['seed'], row['arm'])
             for row in read_json_lines(output)}
    for seed in map(int, seeds.split(',')):
        demonstrations = demonstrate(robot, contract, task, seed, demos)
        cloned = pretrain(
            demonstrations, ModelConfig(contract.observation_size, contract.action_size),
            PretrainConfig(), derived_seed(seed, 'pretrain')).policy
        before = evaluate(robot, contract, cloned, episodes)
        for arm in arms.split(','):
            if (task, demos, steps, seed, arm) in known:
                continue
            session = FineTuningSession(
                SessionConfig.from_mapping(ARMS[arm]), cloned, demonstrations, seed, 'cpu')
            fine_tune(robot, contract, session, seed, steps)
            after = success_rate(evaluate(robot, contract, session.policy, episodes), episodes)
            row = {'task': task, 'demos': demos, 'steps': steps, 'seed': seed, 'arm': arm,
                   'cloned': before / episodes, 'success': after.rate, 'low': after.low,
                   'high': after.high, 'n': episodes, 'rl_updates': session.rl_updates,
                   'il_updates': session.il_updates,
                   'heldout_il_loss': session.heldout_il_loss()}
            with output.open('a') as file:
                file.write(json.dumps(row) + '\n')
            typer.echo(row)


if __name__ == '__main__':
    typer.run(main)
