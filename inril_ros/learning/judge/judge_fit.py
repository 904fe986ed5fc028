# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From labelled episodes to a usable judge, with its errors on episodes that it has not seen."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from inril_ros.learning.judge.frame_labels import DONE, LabelledEpisode, UNKNOWN
from inril_ros.learning.judge.judge import calibrated, Judge
from inril_ros.learning.judge.judge_config import JudgeConfig, JudgeTraining
from inril_ros.learning.judge.judge_errors import (
    chosen_rule,
    errors_at,
    judged_episode,
    JudgedEpisode,
    JudgeErrors,
)
from inril_ros.learning.judge.judge_training import (
    calibration,
    Progress,
    train_judge,
    unseen_logits,
)
from inril_ros.learning.judge.verdict_rule import VerdictRule


@dataclass(frozen=True)
class FittedJudge:
    """A judge, when it says success, and how it did on episodes that it had not seen.

    Attributes:
        judge: The network that learned from all episodes, calibrated.
        rule: When it says success.
        episodes: What networks that had not seen it made of each episode.
        errors: Their errors by the rule. The threshold was chosen on the same episodes, so fresh
            ones show somewhat more.
    """

    judge: Judge
    rule: VerdictRule
    episodes: tuple[JudgedEpisode, ...]
    errors: JudgeErrors


def fit_judge(episodes: Sequence[LabelledEpisode], config: JudgeConfig, training: JudgeTraining,
              rule: VerdictRule, allowed: int, seed: int, device: torch.device | str = 'cpu',
              progress: Progress | None = None) -> FittedJudge:
    """Train, calibrate and measure a judge, and choose its threshold.

    Args:
        episodes: Labelled episodes, two successes and two failures at least.
        config: Sizes of the network.
        training: How it is trained; it is trained `folds` + 1 times.
        rule: How many frames must agree; its threshold is chosen anew.
        allowed: How many of the episodes may be called a success falsely or too early, at most.
        seed: Seed of everything random.
        device: Where it is trained.
        progress: Called with the gradient steps done, of (folds + 1) * steps.

    Raises:
        ValueError: There is too little to learn from, or images have other sizes.
    """
    logits = unseen_logits(episodes, config, training, seed, device, progress)
    labels = np.concatenate([each.labels for each in episodes])
    known = labels != UNKNOWN
    scale, offset = calibration(np.concatenate(logits)[known], labels[known] == DONE)
    judged = tuple(judged_episode(episode, calibrated(values, scale, offset), rule)
                   for episode, values in zip(episodes, logits))
    rule = chosen_rule(rule, judged, allowed)
    before = training.folds * training.steps
    judge = train_judge(episodes, config, training, seed, device, None if progress is None else (
        lambda steps: progress(before + steps)))
    judge.calibration.copy_(torch.tensor([scale, offset]))
    return FittedJudge(judge.cpu(), rule, judged, errors_at(rule.threshold, judged))
