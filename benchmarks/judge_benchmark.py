#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measures a success classifier on a simulated task: trained from little, tried on fresh episodes.

    benchmarks/judge_benchmark.py push --rows docs/studies/judge/rows.jsonl

A policy is cloned from the first demonstrations, by state, and plays with cameras running. The
judge learns from the demonstrations and from as many failures of the clone. Then the clone plays
fresh episodes until enough of them failed and enough succeeded; the simulator's verdict is the
truth. A row is one task and seed.
"""

import argparse
from dataclasses import asdict, replace
from functools import partial
import json
from pathlib import Path
import time

import numpy as np
import torch

from inril_ros.bench.demonstrations import demonstrate
from inril_ros.bench.robots import Bench, bench_of
from inril_ros.bench.task import Demonstrations, Task
from inril_ros.bench.vectorised import Lanes
from inril_ros.data.record_files import JsonLines
from inril_ros.data.run.estimates import success_rate
from inril_ros.learning.experience import Episode
from inril_ros.learning.judge.frame_labels import (
    DONE,
    LabelledEpisode,
    LabelRule,
    new_images,
    NOT_DONE,
    UNKNOWN,
)
from inril_ros.learning.judge.judge_config import JudgeConfig, JudgeTraining
from inril_ros.learning.judge.judge_errors import errors_at, judged_episode
from inril_ros.learning.judge.judge_fit import fit_judge
from inril_ros.learning.judge.verdict_rule import VerdictRule
from inril_ros.learning.library.playing import PlayedEpisode
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.pretrain import pretrain, PretrainConfig
from inril_ros.robot.configuration_folder import configuration_folder
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.contract.streams import PolicyImages
from inril_ros.sim.environment import make_simulation
from inril_ros.sim.mapping import built_in_mapping
from inril_ros.sim.seeds import derived_seed

_RULE = LabelRule()
_NEAR = 0.1  # s


def labelled(name: str, images: np.ndarray, success: bool, rate: float) -> LabelledEpisode:
    """Return the new images of an episode with the labels that a lab would give them."""
    rows = new_images(images)
    return LabelledEpisode(name, images[rows], _RULE.labels(rows / rate, success), success)


def labelled_by_truth(name: str, played: PlayedEpisode, rate: float) -> LabelledEpisode:
    """Return the new images of a fresh episode with what the simulator knows of each.

    Whether the task is done, however long, or UNKNOWN within a tenth of a second of a change. An
    episode in which it was done too short to be a success is a failure without such images.
    """
    images, done = np.stack(played.images), np.array(played.done)
    rows = new_images(images)
    near = round(_NEAR * rate)
    changes = np.flatnonzero(np.diff(done)) + 1
    labels = np.where(done[rows], DONE, NOT_DONE).astype(np.uint8)
    for change in changes:
        labels[np.abs(rows - change) <= near] = UNKNOWN
    if played.success:
        labels[-1] = DONE
    else:
        labels[labels == DONE] = UNKNOWN
    return LabelledEpisode(name, images[rows], labels, played.success)


def watched_bench(task: Task, size: int) -> Bench:
    """Return the robot of policies that see states, with the cameras of those that see images."""
    bench = bench_of(task)
    states = load_contract(configuration_folder() / 'robots' / 'metaworld_sawyer.yaml')
    cameras = bench.contract.cameras
    contract = replace(states, cameras=cameras, policy_images=PolicyImages(
        tuple(cameras), size, size, max_age=bench.contract.policy_images.max_age))
    return replace(bench, contract=contract, open=partial(
        make_simulation, built_in_mapping(task.simulation), task.id, contract))


class Clone:
    """A cloned policy that plays one fresh episode after the other."""

    def __init__(self, demonstrations: list[Episode], bench: Bench, seed: int) -> None:
        model = ModelConfig(bench.contract.observation_size, bench.contract.action_size)
        seen = [replace(each, images=None) for each in demonstrations]
        self._policy = pretrain(seen, model, PretrainConfig(), derived_seed(seed, 'clone')).policy
        self._lanes = Lanes(bench.open, bench.contract, bench.time_limit, 1, bench.urdf)
        self._seed, self._played = seed, 0

    def episode(self) -> PlayedEpisode:
        """Play the next episode."""
        scene = derived_seed(self._seed, 'scene', 'judge', self._played)
        self._played += 1
        generator = torch.Generator().manual_seed(scene % 2**63)
        return self._lanes.play(self._policy, [scene], generator)[0]

    def close(self) -> None:
        """Release the simulator."""
        self._lanes.close()


def main() -> None:
    """Measure one task."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('task', help='task of config/simulations/metaworld_cameras.yaml')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--rows', type=Path, help='file that the row is appended to')
    parser.add_argument('--size', type=int, default=64, help='pixels of an image')
    parser.add_argument('--demonstrations', type=int, default=20)
    parser.add_argument('--cloned', type=int, default=4,
                        help='demonstrations that the clone learns from')
    parser.add_argument('--failures', type=int, default=20, help='failures that are learned from')
    parser.add_argument('--fresh', type=int, default=200,
                        help='fresh failures, and fresh successes, that it is tried on')
    parser.add_argument('--steps', type=int, default=JudgeTraining.steps)
    options = parser.parse_args()
    torch.set_num_threads(1)
    began = time.process_time()
    task = Task(id=options.task, simulation='metaworld_cameras',
                demonstrations=Demonstrations(number=options.demonstrations, action_noise=0.3))
    bench = watched_bench(task, options.size)
    rate = bench.contract.control_rate
    shown = demonstrate(task, bench, options.seed)
    clone = Clone(shown[:options.cloned], bench, options.seed)
    failures: list[PlayedEpisode] = []
    while len(failures) < options.failures:
        played = clone.episode()
        failures += [] if played.success else [played]
    episodes = [
        *(labelled(f'demonstration {index}', each.images, True, rate)
          for index, each in enumerate(shown)),
        *(labelled(f'failure {index}', np.stack(each.images), False, rate)
          for index, each in enumerate(failures))]
    config = JudgeConfig.of_images(bench.contract.image_shape)
    training = JudgeTraining(steps=options.steps)
    collected = time.process_time()
    fit = fit_judge(episodes, config, training, VerdictRule(), 0, options.seed)
    fitted = time.process_time()
    fresh, counts = [], {True: 0, False: 0}
    while min(counts.values()) < options.fresh:
        played = clone.episode()
        counts[played.success] += 1
        if counts[played.success] <= options.fresh:
            one = labelled_by_truth('fresh', played, rate)
            fresh.append(judged_episode(one, fit.judge.probabilities(one.images), fit.rule))
    clone.close()
    found = errors_at(fit.rule.threshold, fresh)
    row = {
        'task': options.task, 'seed': options.seed, 'size': options.size,
        'demonstrations': len(shown), 'failures': len(failures), 'steps': options.steps,
        'rule': asdict(fit.rule), 'unseen': asdict(fit.errors), 'fresh': asdict(found),
        'clone': counts[True] / sum(counts.values()),
        'values': [[each.success, round(each.before, 4), round(each.at_end, 4)]
                   for each in fresh],
        'cpu_seconds': {'collecting': round(collected - began), 'fitting': round(
            fitted - collected), 'trying': round(time.process_time() - fitted)}}
    if options.rows:
        with JsonLines(options.rows) as rows:
            rows.append(row)
    print(json.dumps({**row, 'values': None}, indent=1))
    for words, errors, number in (('false', found.false, found.failures),
                                  ('early', found.early, found.successes),
                                  ('missed', found.missed, found.successes)):
        share = success_rate(errors, number)
        print(f'{words}: {errors} of {number}, {100 * share.value:.1f} % '
              f'[{100 * share.low:.1f}, {100 * share.high:.1f}]')


if __name__ == '__main__':
    main()
