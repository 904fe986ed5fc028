# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Trains a judge on labelled frames, and measures it on episodes that it has not seen.

The frames of an episode resemble each other, so all are judged by a network that has seen none of
them: the episodes are cut into parts, and for each part a network is trained on the others. The
judge that is kept is trained on all episodes.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
import math

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from torch.nn import functional

from inril_ros.learning.cosine_rate import set_cosine_rate
from inril_ros.learning.judge.frame_labels import DONE, LabelledEpisode, NOT_DONE
from inril_ros.learning.judge.judge import Judge
from inril_ros.learning.judge.judge_config import JudgeConfig, JudgeTraining

Progress = Callable[[int], None]
"""Called with the gradient steps done, of all networks together."""


def train_judge(episodes: Sequence[LabelledEpisode], config: JudgeConfig, training: JudgeTraining,
                seed: int, device: torch.device | str = 'cpu',
                progress: Progress | None = None) -> Judge:
    """Return a judge, not calibrated; deterministic for a seed on one kind of device.

    Raises:
        ValueError: No frame is labelled as done, or none as not done; or images have other sizes.
    """
    labels = np.concatenate([each.labels for each in episodes]) if episodes else np.empty(0)
    kinds = [np.flatnonzero(labels == label) for label in (DONE, NOT_DONE)]
    if not all(map(len, kinds)):
        raise ValueError(f'{len(episodes)} episodes with {len(kinds[0])} frames of success and '
                         f'{len(kinds[1])} without: a judge learns from both')
    images = np.concatenate([each.images for each in episodes])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        judge = Judge(config)
    judge.to(device).train()
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(judge.parameters(), lr=training.learning_rate,
                                  weight_decay=training.weight_decay)
    half = training.batch // 2
    wanted = torch.cat([torch.ones(half), torch.zeros(half)]).to(device)
    for step in range(training.steps):
        set_cosine_rate(optimiser, training, step)
        rows = np.concatenate([kind[torch.randint(
            len(kind), (half,), generator=generator).numpy()] for kind in kinds])
        batch = in_another_light(torch.from_numpy(images[rows]), training, generator).to(device)
        loss = functional.binary_cross_entropy_with_logits(judge(batch, generator), wanted)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        if progress is not None:
            progress(step + 1)
    return judge.eval()


def unseen_logits(episodes: Sequence[LabelledEpisode], config: JudgeConfig,
                  training: JudgeTraining, seed: int, device: torch.device | str = 'cpu',
                  progress: Progress | None = None) -> list[NDArray[np.float64]]:
    """Return the logits (N,) of each episode by a network that was trained without it.

    Raises:
        ValueError: See `train_judge`; or there are fewer episodes of a kind than two.
    """
    found: dict[int, NDArray[np.float64]] = {}
    for number, part in enumerate(parts(episodes, training.folds)):
        kept = [each for index, each in enumerate(episodes) if index not in part]
        report = None if progress is None else (
            lambda steps, done=number * training.steps: progress(done + steps))
        judge = train_judge(kept, config, training, seed, device, report)
        for index in part:
            found[index] = judge.logits(episodes[index].images)
    return [found[index] for index in range(len(episodes))]


def parts(episodes: Sequence[LabelledEpisode], folds: int) -> Iterator[frozenset[int]]:
    """Yield the indices of each part; each has its share of successes and of failures.

    Raises:
        ValueError: A part would leave no success, or no failure, to learn from.
    """
    kinds = [[index for index, each in enumerate(episodes) if each.success is success]
             for success in (True, False)]
    number = min(folds, *map(len, kinds))
    if number < 2:
        raise ValueError(f'{len(kinds[0])} successes and {len(kinds[1])} failures: two of each '
                         'are needed at least, to measure a judge on episodes that it has not '
                         'seen')
    for part in range(number):
        yield frozenset(index for kind in kinds for index in kind[part::number])


def in_another_light(images: Tensor, training: JudgeTraining,
                     generator: torch.Generator) -> Tensor:
    """Return images (B, C, H, W, 3) uint8 with other colours and brightness, camera by camera."""
    shape = images.shape[:2]

    def spread(size: tuple[int, ...], most: float) -> Tensor:
        return most * (2.0 * torch.rand(size, generator=generator) - 1.0)

    gain = 1.0 + spread((*shape, 1, 1, 3), training.gain)
    offset = spread((*shape, 1, 1, 1), training.offset)
    return (images * gain + offset).round_().clamp_(0.0, 255.0).to(torch.uint8)


def calibration(logits: NDArray[np.float64], done: NDArray[np.bool_]) -> tuple[float, float]:
    """Return (scale, offset) by which unseen logits (N,) become probabilities (Platt 1999).

    Platt's targets, (n + 1) / (n + 2) and 1 / (n + 2), keep the scale finite where the classes
    don't overlap. The scale is positive: calibration never turns the judge's order around.
    """
    positives, negatives = int(done.sum()), int((~done).sum())
    targets = torch.from_numpy(np.where(
        done, (positives + 1) / (positives + 2), 1 / (negatives + 2)))
    values = torch.from_numpy(logits)
    chosen = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([chosen], max_iter=200, line_search_fn='strong_wolfe')

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = functional.binary_cross_entropy_with_logits(
            values * chosen[0].exp() + chosen[1], targets)
        value.backward()
        return value

    optimiser.step(loss)
    scale, offset = chosen.detach().tolist()
    return math.exp(scale), offset
