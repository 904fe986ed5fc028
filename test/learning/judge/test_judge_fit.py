# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A judge learns what success looks like, and is measured on episodes that it hasn't seen."""

import numpy as np
import pytest
from scipy.special import expit
from small_scenes import CONFIG, episode, episodes, TRAINING
import torch

from inril_ros.learning.judge.frame_labels import DONE
from inril_ros.learning.judge.judge_config import JudgeConfig, JudgeTraining
from inril_ros.learning.judge.judge_fit import fit_judge
from inril_ros.learning.judge.judge_training import (
    calibration,
    in_another_light,
    parts,
    train_judge,
    unseen_logits,
)
from inril_ros.learning.judge.verdict_rule import VerdictRule

RULE = VerdictRule(needed=2, of=2)


@pytest.fixture(scope='module')
def fitted():
    done = []
    return fit_judge(episodes(5), CONFIG, TRAINING, RULE, 0, 0, progress=done.append), done


def test_it_tells_success_from_failure_in_episodes_it_has_not_seen(fitted):
    fit, _ = fitted
    assert (fit.errors.false, fit.errors.early, fit.errors.missed) == (0, 0, 0)
    said = {each.name: fit.rule.first(fit.judge.probabilities(each.images))
            for each in episodes(10, first=100)}
    assert all((frame is not None) == name.startswith('done') for name, frame in said.items())


def test_progress_is_told_up_to_its_end(fitted):
    assert fitted[1] == list(range(1, 3 * TRAINING.steps + 1))


def test_the_same_seed_gives_the_same_judge():
    first, second, other = (train_judge(
        episodes(2), CONFIG, JudgeTraining(steps=3, batch=4), seed).state_dict()
        for seed in (1, 1, 2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_no_episode_is_judged_by_a_network_that_has_seen_it():
    """A failure that looks like a success is called one as long as nothing was learned from it."""
    liar = episode('done-looks', True, 1)
    liar = type(liar)('liar', liar.images, np.zeros_like(liar.labels), False)
    known = [*episodes(4), liar]
    unseen = unseen_logits(known, CONFIG, TRAINING, 0)[-1]
    assert unseen[-3:].min() > 0.0
    assert [len(each) for each in unseen_logits(known[:4], CONFIG, TRAINING, 0)] == 4 * [16]


def test_parts_hold_every_episode_once_and_both_kinds():
    some = [*episodes(5), episode('failed-more', False, 77)]
    found = list(parts(some, 4))
    assert sorted(index for part in found for index in part) == list(range(11))
    assert all({some[index].success for index in part} == {True, False} for part in found)
    assert len(list(parts(some[:4], 4))) == 2


def test_too_few_episodes_are_refused():
    with pytest.raises(ValueError, match='1 successes and 2 failures: two of each'):
        list(parts([*episodes(1), episode('f', False, 3)], 4))
    with pytest.raises(ValueError, match='learns from both'):
        train_judge([episode('f', False, 3)], CONFIG, TRAINING, 0)
    with pytest.raises(ValueError, match='0 episodes'):
        train_judge([], CONFIG, TRAINING, 0)


def test_calibration_finds_the_scale_and_offset_of_the_truth():
    rng = np.random.default_rng(0)
    logits = rng.normal(0.0, 2.0, 20_000)
    scale, offset = calibration(logits, rng.random(20_000) < expit(0.5 * logits - 1.0))
    assert (scale, offset) == (pytest.approx(0.5, abs=0.03), pytest.approx(-1.0, abs=0.05))


def test_calibration_stays_finite_where_the_classes_do_not_overlap():
    logits = np.array([-9.0, -8.0, 7.0, 9.0])
    scale, offset = calibration(logits, logits > 0.0)
    assert 0.0 < scale < 10.0 and np.isfinite(offset)
    assert expit(scale * 9.0 + offset) < 0.9, 'four frames make nobody sure'


def test_another_light_changes_cameras_on_their_own_and_keeps_bytes():
    images = torch.full((3, 2, 4, 4, 3), 100, dtype=torch.uint8)
    changed = in_another_light(images, TRAINING, torch.Generator().manual_seed(0))
    assert changed.dtype == torch.uint8 and changed.shape == images.shape
    assert len({tuple(each.flatten().tolist()) for each in changed.flatten(0, 1)}) == 6
    assert (changed.flatten(2, 3).unique(dim=2).shape[2]) == 1, 'the same at each pixel'
    still = JudgeTraining(gain=0.0, offset=0.0)
    assert torch.equal(in_another_light(images, still, torch.Generator()), images)


def test_the_kept_judge_has_learned_from_all_episodes(fitted):
    fit, _ = fitted
    alone = train_judge(episodes(5), CONFIG, TRAINING, 0)
    images = episode('a', True, 5).images
    assert (fit.judge.logits(images) == alone.logits(images)).all()
    assert (episode('a', True, 5).labels == DONE).any()


@pytest.mark.parametrize(('size', 'stages'), [(128, 3), (64, 3), (40, 2), (24, 1), (16, 1)])
def test_small_images_keep_a_map_in_which_things_have_a_place(size, stages):
    config = JudgeConfig.of_images((2, size, size, 3))
    assert (config.cameras, config.image_height, config.image_stages) == (2, size, stages)
