# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bags from before quaternions kept their sign are read as others are, and named."""

from dataclasses import fields
import re

from foreign_bags import ARM, CONTRACT, recording, ros2_bag
import numpy as np
import pytest

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.demonstrations.aligned_cache import cache_key
from inril_ros.data.demonstrations.former_contracts import former_recordings
from inril_ros.data.frames import observation_builder
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.robot.contract.content import content_hash
from inril_ros.robot.contract.contract import Contract, parse_contract
from inril_ros.robot.messages import codecs


@pytest.fixture
def source(tmp_path):
    return ros2_bag(tmp_path / 'foreign', recording())


def imported(source, folder, contract=CONTRACT):
    import_bag([source], contract, folder, ImportOptions())
    [path] = folder.glob('0*')
    return path


@pytest.fixture
def former(source, tmp_path, monkeypatch):
    """The bag that a version imported which knew the former hash only."""
    with monkeypatch.context() as patch:
        patch.setattr(Contract, 'hash', property(lambda self: content_hash(self, former=True)))
        return imported(source, tmp_path / 'former', parse_contract(ARM))


def test_a_bag_with_the_former_hash_is_read_as_a_new_one(source, former, tmp_path):
    new = imported(source, tmp_path / 'new')
    one, other = read_episode(former, CONTRACT), read_episode(new, CONTRACT)
    for item in fields(RecordedEpisode):
        np.testing.assert_array_equal(getattr(one, item.name), getattr(other, item.name))


@pytest.mark.parametrize('unset', [1, 100])
def test_what_former_versions_took_and_cannot_be_used_is_marked(tmp_path, monkeypatch, unset):
    """A pose of zeros was taken as a value where it was held, and is in the bag."""
    rows, left = recording(), unset
    for topic, _, message in rows[60:]:
        if topic == '/hand' and left:
            message.pose.orientation.w, left = 0.0, left - 1
    with monkeypatch.context() as patch:
        patch.setattr(Contract, 'hash', property(lambda self: content_hash(self, former=True)))
        patch.setattr(codecs, 'check_unit', lambda quaternion: None)
        patch.setattr(observation_builder, 'check_unit', lambda quaternion: None)
        patch.setattr(observation_builder, 'nearest', lambda quaternion, _: quaternion)
        path = imported(ros2_bag(tmp_path / 'lab', rows), tmp_path / 'demos', parse_contract(ARM))
    episode = read_episode(path, CONTRACT)
    assert np.isfinite(episode.observations).all()
    if unset == 1:
        assert episode.observed is None and episode.account is None
        return
    assert episode.observed.any() and not episode.observed[-1]
    assert re.search('hand: hand is .* s old.*hand: .*the first: pose: the qu', episode.account)


def test_former_bags_are_named_with_what_must_be_done(source, former, tmp_path):
    notice = former_recordings(former.parent, CONTRACT)
    for words in (str(former.parent), '1 bags', CONTRACT.former_hash[:8], CONTRACT.hash[:8],
                  'cloned again'):
        assert words in notice
    assert former_recordings(imported(source, tmp_path / 'new').parent, CONTRACT) == ''


def test_the_same_recording_is_not_imported_a_second_time(source, former):
    with pytest.raises(BagError, match='this episode was imported before'):
        imported(source, former.parent)


def test_no_kept_rows_of_the_former_meaning_are_used(former, monkeypatch):
    key = cache_key(former, parse_contract(ARM))
    monkeypatch.setattr(Contract, 'hash', property(lambda self: content_hash(self, former=True)))
    assert cache_key(former, parse_contract(ARM)) != key
