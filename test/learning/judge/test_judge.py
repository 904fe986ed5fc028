# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A judge is whole, belongs to one contract and its cameras, and is read without a pickle."""

import numpy as np
import pytest
from small_scenes import CONFIG
import torch

from inril_ros.learning.judge.judge import Judge, JudgeModel, load_judge
from inril_ros.learning.judge.verdict_rule import VerdictRule
from inril_ros.learning.policies.artifact import read_folder, write_folder

HASH, RULE = 'ab' * 32, VerdictRule(0.9, 2, 3)
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 1, 24, 24, 3), np.uint8)


@pytest.fixture
def model():
    torch.manual_seed(0)
    judge = Judge(CONFIG).eval()
    judge.calibration.copy_(torch.tensor([0.5, -0.25]))
    return JudgeModel(judge, RULE, ('front',), HASH, {'episodes': 4})


def test_a_judge_comes_back_as_it_was(model, tmp_path):
    model.save(tmp_path / 'judge')
    again = load_judge(tmp_path / 'judge', HASH, ['front'])
    assert (again.rule, again.cameras, again.facts) == (RULE, ('front',), {'episodes': 4})
    assert (again.judge.probabilities(IMAGES) == model.judge.probabilities(IMAGES)).all()


def test_probabilities_are_calibrated_logits(model):
    with torch.no_grad():
        logits = model.judge(torch.from_numpy(IMAGES)).double().numpy()
    assert model.judge.probabilities(IMAGES) == pytest.approx(
        1 / (1 + np.exp(0.25 - 0.5 * logits)))


def test_a_judge_of_another_contract_or_camera_is_refused(model, tmp_path):
    model.save(tmp_path / 'judge')
    with pytest.raises(ValueError, match='another contract.*abababababab.*inril reward train'):
        load_judge(tmp_path / 'judge', 'cd' * 32, ['front'])
    with pytest.raises(ValueError, match=r"sees through \['front'\], the policy.*\['wrist'\]"):
        load_judge(tmp_path / 'judge', HASH, ['wrist'])


@pytest.mark.parametrize('change', [
    lambda document, tensors: document.pop('rule'),
    lambda document, tensors: document['judge'].update(width=16),
    lambda document, tensors: document['judge'].update(cameras=9),
    lambda document, tensors: document['judge'].update(trust=True),
    lambda document, tensors: document['rule'].update(needed=9),
    lambda document, tensors: document.update(facts=7),
    lambda document, tensors: tensors.pop('calibration'),
    lambda document, tensors: tensors['calibration'].fill_(float('nan')),
])
def test_a_folder_that_holds_no_judge_is_refused_with_its_name(change, model, tmp_path):
    model.save(tmp_path / 'judge')
    tensors, document = read_folder(tmp_path / 'judge')
    change(document, tensors)
    write_folder(tmp_path / 'other', tensors, document)
    with pytest.raises(ValueError, match='other'):
        load_judge(tmp_path / 'other', HASH, ['front'])


def test_a_damaged_judge_is_refused(model, tmp_path):
    model.save(tmp_path / 'judge')
    file = tmp_path / 'judge' / 'model.safetensors'
    file.write_bytes(file.read_bytes()[:-4] + b'abcd')
    with pytest.raises(ValueError, match='does not match'):
        load_judge(tmp_path / 'judge', HASH, ['front'])


def test_images_of_another_size_are_refused(model):
    with pytest.raises(ValueError, match='images are'):
        model.judge.probabilities(IMAGES[:, :, :20])
