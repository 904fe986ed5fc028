# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning holds out the demonstrations that its model was cloned without."""

import pytest

from inril_ros.learning.policies.artifact import model_document, save_policy, write_folder
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.nodes.learner.demonstrations import heldout_demonstrations

NAMES = [f'demo_{number}' for number in range(6)]


@pytest.fixture
def policy():
    return BestOfN(ModelConfig(3, 2, actor_width=16, critic_width=16))


def test_they_are_found_by_name_wherever_they_are_in_the_folder(policy, tmp_path):
    save_policy(tmp_path / 'model', policy, heldout=['demo_1', 'demo_4'])
    assert heldout_demonstrations(tmp_path / 'model', NAMES) == [1, 4]
    # A demonstration that was added later moves the others.
    assert heldout_demonstrations(tmp_path / 'model', ['added', *NAMES]) == [2, 5]


def test_a_folder_that_lacks_them_is_refused(policy, tmp_path):
    save_policy(tmp_path / 'model', policy, heldout=['demo_1', 'other'])
    with pytest.raises(ValueError, match='model was cloned without the demonstrations other, .*'
                                         'the folder that it was cloned from'):
        heldout_demonstrations(tmp_path / 'model', NAMES)


def test_a_model_made_before_they_were_listed_was_cloned_without_a_fifth(policy, tmp_path):
    document = model_document(policy.config.to_json())
    del document['heldout']
    write_folder(tmp_path / 'model', policy.state_dict(), document)
    assert heldout_demonstrations(tmp_path / 'model', NAMES) == [3]
    save_policy(tmp_path / 'all', policy)
    assert heldout_demonstrations(tmp_path / 'all', NAMES) == []
