# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Demonstrations for a study, of the quality that it asks for.

Clean demonstrations of a scripted expert leave nothing to fine-tune, and say little about a
person's. A study sets their number, noise, labels, part of the initial states and whether failures
are included; or it takes the episodes of another policy, or recorded ones.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inril_ros.bench.robots import Bench, mapping_file
from inril_ros.bench.task import StudyError, Task
from inril_ros.bench.vectorised import Lanes, RobotLane
from inril_ros.data.demonstrations.edit_file import bag_content
from inril_ros.data.demonstrations.pieces import find_pieces, read_piece
from inril_ros.learning.datasets.checked import DatasetError
from inril_ros.learning.datasets.d4rl import read_d4rl
from inril_ros.learning.datasets.minari import read_minari
from inril_ros.learning.datasets.robomimic import read_robomimic
from inril_ros.learning.experience import Episode
from inril_ros.learning.library.demonstrations import (
    ActionBounds,
    Demonstration,
    learning_episodes,
)
from inril_ros.learning.library.playing import PlayedEpisode
from inril_ros.learning.policies.artifact import load_policy
from inril_ros.robot.episode import EpisodeOutcome
from inril_ros.sim.environment import make_operator
from inril_ros.sim.seeds import derived_seed

_REGION_SAMPLES = 64
_MOST_ATTEMPTS = 50  # per wanted demonstration


def demonstrate(task: Task, bench: Bench, seed: int) -> list[Episode]:
    """Return the demonstrations of a task for a seed, on the robot without its shift.

    Raises:
        StudyError: Too few attempts succeed, or the recorded episodes are too few or don't fit
            the task.
        MappingError: The task has no scripted expert.
    """
    wanted = task.demonstrations
    if wanted.source == 'bags':
        return _recorded(task, bench)
    if wanted.source in ('robomimic', 'd4rl', 'minari'):
        return _from_data_set(task, bench)
    play = _by_expert if wanted.source == 'expert' else _by_policy
    kept: list[Episode] = []
    with closing(play(task, bench, seed)) as attempts:
        for attempt, played in enumerate(attempts, start=1):
            if played.success or wanted.keep_failures:
                kept.append(played.episode())
            if len(kept) == wanted.number:
                return kept
            if attempt >= _MOST_ATTEMPTS * wanted.number:
                raise StudyError(
                    f'task {task.label}: {len(kept)} of {wanted.number} demonstrations in '
                    f'{attempt} attempts: the {wanted.source} almost never succeeds')
    raise AssertionError('attempts have no end')


def used_bags(task: Task) -> dict[str, Any]:
    """Return what tells recorded demonstrations from others, also from themselves as edited.

    Raises:
        BagError: Bags or their edits can't be read.
    """
    if task.demonstrations.source != 'bags':
        return {}
    return {'bags': [[piece.name, bag_content(piece.path), piece.first, piece.until, piece.outcome]
                     for piece in find_pieces(Path(task.demonstrations.path))]}


def _by_expert(task: Task, bench: Bench, seed: int) -> Generator[PlayedEpisode]:
    wanted = task.demonstrations
    if task.simulation == 'gymnasium':
        raise StudyError(f'task {task.label}: Gymnasium ids have no scripted expert; give '
                         'demonstrations.source policy (a saved model), bags or a data set, and '
                         'the path')
    operator = make_operator(task.id, bench.contract, wanted.action_noise, mapping_file(task))
    expert = make_operator(task.id, bench.contract, 0.0, mapping_file(task))
    with closing(RobotLane(bench.open(), bench.contract, bench.time_limit, bench.urdf)) as lane:
        for attempt, scene in _scenes(task, bench, seed):
            lane.begin(scene)
            operator.begin(derived_seed(seed, 'operator', attempt))
            while not lane.ended:
                label = expert.command(lane.values) if wanted.labels == 'expert' else None
                lane.execute(operator.command(lane.values), label)
            yield lane.played


def _by_policy(task: Task, bench: Bench, seed: int) -> Generator[PlayedEpisode]:
    policy = load_policy(
        Path(task.demonstrations.path), rotations=bool(bench.contract.former_hash))
    sizes = (policy.config.observation_size, policy.config.action_size)
    expected = (bench.contract.observation_size, bench.contract.action_size)
    if sizes != expected:
        raise StudyError(f'task {task.label}: the model {task.demonstrations.path} has (O, A) = '
                         f'{sizes}, the robot {expected}')
    with closing(Lanes(bench.open, bench.contract, bench.time_limit, 1, bench.urdf)) as lanes:
        for attempt, scene in _scenes(task, bench, seed):
            generator = torch.Generator().manual_seed(derived_seed(seed, 'operator', attempt))
            yield from lanes.play(policy, [scene], generator)


def _scenes(task: Task, bench: Bench, seed: int) -> Iterator[tuple[int, int]]:
    """Yield (attempt, seed of the reset) endlessly, for scenes in the wanted region."""
    inside = _region(bench, task.demonstrations.region_share)
    attempt = 0
    while True:
        scene = derived_seed(seed, 'scene', 'record', attempt)
        if inside(scene):
            yield attempt, scene
        attempt += 1


def _region(bench: Bench, share: float) -> Callable[[int], bool]:
    """Return a test for scenes in the lowest share along the coordinate that varies most."""
    if share == 1.0:
        return lambda scene: True
    robot = bench.open()

    def start(scene: int) -> np.ndarray:
        return np.concatenate(list(robot.reset(scene).values.values()))

    sample = np.stack([start(derived_seed('region', index)) for index in range(_REGION_SAMPLES)])
    axis = int(sample.std(axis=0).argmax())
    highest = np.quantile(sample[:, axis], share)
    return lambda scene: bool(start(scene)[axis] <= highest)


def _recorded(task: Task, bench: Bench) -> list[Episode]:
    wanted = task.demonstrations
    recorded = [read_piece(piece, bench.contract) for piece in find_pieces(Path(wanted.path))]
    episodes = [Episode(
        each.observations, bench.contract.normalise_action(each.actions), each.rewards,
        terminated=each.outcome in (EpisodeOutcome.SUCCESS.value, EpisodeOutcome.FAILURE.value),
        success=each.outcome == EpisodeOutcome.SUCCESS.value,
        images=each.images, observed=each.observed) for each in recorded]
    return _first(task, episodes)


def _from_data_set(task: Task, bench: Bench) -> list[Episode]:
    """Return the first demonstrations of a data set with the robot's observations and commands.

    An unfinished last episode of D4RL is none of them.
    """
    wanted, contract = task.demonstrations, bench.contract
    try:
        if wanted.source == 'robomimic':
            read = read_robomimic(wanted.path, wanted.keys, wanted.filter_key)
        elif wanted.source == 'minari':
            read = read_minari(wanted.path, wanted.keys)
        else:
            read = read_d4rl(wanted.path, unfinished='drop')
        sizes = (np.shape(read[0].observations)[1], np.shape(read[0].actions)[1])
        expected = (contract.observation_size, contract.action_size)
        if sizes != expected:
            raise DatasetError(f'{wanted.path} has (O, A) = {sizes}, the robot {expected} '
                               f'({", ".join(contract.policy_observations)})')
        if contract.image_shape is not None:
            raise DatasetError(f'{wanted.path} is read without images, which the policy needs: '
                               'take bags')
        episodes = learning_episodes(
            [_as_in_the_study(task, each) for each in read],
            ActionBounds(contract.action_minimum, contract.action_maximum), 'environment')
    except ValueError as error:
        raise StudyError(f'task {task.label}: {error}') from error
    return _first(task, episodes)


def _as_in_the_study(task: Task, demonstration: Demonstration) -> Demonstration:
    """Return a demonstration that ends as an episode of the study would: at its first success.

    Raises:
        DatasetError: Its success isn't known but needed, or its rewards aren't the task's.
    """
    where, rewards = demonstration.source, np.asarray(demonstration.rewards)
    if task.simulation == 'gymnasium' and task.reward == 'environment':
        if demonstration.success is None and not task.demonstrations.keep_failures:
            raise DatasetError(f'{where}: the data set does not say whether it succeeded: set '
                               'keep_failures, if any episode will do')
        return demonstration
    if not np.isin(rewards, (0.0, 1.0)).all():
        raise DatasetError(f'{where}: its rewards are others than 0 and 1, which the task has: '
                           'take a data set with sparse rewards, or, for a Gymnasium id, set '
                           'reward: environment')
    steps = int(rewards.argmax()) + 1
    if not rewards.any():
        return replace(demonstration, success=False)
    observations = np.asarray(demonstration.observations)
    return replace(
        demonstration, observations=observations[:steps],
        actions=np.asarray(demonstration.actions)[:steps], rewards=rewards[:steps], success=True,
        terminated=True, final_observation=demonstration.final_observation
        if steps == len(rewards) else observations[steps])


def _first(task: Task, episodes: list[Episode]) -> list[Episode]:
    """Return as many recorded episodes as the task asks for."""
    wanted = task.demonstrations
    kept = [each for each in episodes if each.success or wanted.keep_failures]
    if len(kept) < wanted.number:
        raise StudyError(f'task {task.label}: {wanted.path} has {len(kept)} usable '
                         f'demonstrations, {wanted.number} are needed')
    return kept[:wanted.number]
