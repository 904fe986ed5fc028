# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A kept episode is the bag's, bit for bit, and never that of another content or contract."""

from contextlib import suppress
from dataclasses import fields
import os
import shutil

from foreign_bags import ARM, CONTRACT, recording, ros2_bag
import numpy as np
import pytest

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.demonstrations import aligned_cache
from inril_ros.data.demonstrations.aligned_cache import aligned_episode
from inril_ros.data.demonstrations.demonstration_set import ALIGNED
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.robot.contract.contract import parse_contract


@pytest.fixture
def bag(tmp_path):
    import_bag([ros2_bag(tmp_path / 'foreign', recording())], CONTRACT, tmp_path / 'demos',
               ImportOptions())
    [path] = (tmp_path / 'demos').glob('0*')
    shutil.rmtree(path.parent / ALIGNED)  # an import fills it
    return path


@pytest.fixture
def reads(monkeypatch):
    """How often a bag was decoded."""
    count = []

    def read(path, contract):
        count.append(path)
        return read_episode(path, contract)

    monkeypatch.setattr(aligned_cache, 'read_episode', read)
    return count


def assert_same(one, other):
    for item in fields(RecordedEpisode):
        first, second = getattr(one, item.name), getattr(other, item.name)
        if isinstance(first, np.ndarray):
            assert first.tobytes() == second.tobytes(), item.name
            assert first.dtype == second.dtype
        else:
            assert first == second


def kept(bag):
    return sorted((bag.parent / ALIGNED).iterdir())


def test_a_bag_is_decoded_once_and_its_arrays_are_mapped(bag, reads):
    first, second = aligned_episode(bag, CONTRACT), aligned_episode(bag, CONTRACT)
    assert len(reads) == 1
    assert_same(first, read_episode(bag, CONTRACT))
    assert_same(second, first)
    assert isinstance(second.observations, np.memmap)
    with pytest.raises(ValueError, match='read-only'):
        second.observations[0, 0] = 1.0


def test_another_content_is_read_anew_even_with_the_same_date_and_size(bag, reads):
    aligned_episode(bag, CONTRACT)
    [file] = bag.glob('*.mcap')
    status, content = file.stat(), bytearray(file.read_bytes())
    content[-30] ^= 1  # in the summary, where the reader doesn't mind
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    with suppress(BagError):
        aligned_episode(bag, CONTRACT)
    assert len(reads) == 2


def test_another_contract_is_another_episode(bag, reads):
    aligned_episode(bag, CONTRACT)
    [before] = kept(bag)
    other = parse_contract({**ARM, 'control_rate': 5})
    with pytest.raises(BagError, match='recorded under contract'):
        aligned_episode(bag, other)
    assert len(reads) == 2
    assert kept(bag) == [before]


def test_what_is_out_of_date_is_removed(bag, tmp_path):
    aligned_episode(bag, CONTRACT)
    [before] = kept(bag)
    (bag / 'notes.txt').write_text('another file is another content')
    aligned_episode(bag, CONTRACT)
    [after] = kept(bag)
    assert before != after


@pytest.mark.parametrize('damage', ['index.json', 'actions.npy', 'observations.npy'])
@pytest.mark.parametrize('how', ['empty', 'half', 'gone'])
def test_a_damaged_entry_is_made_again(bag, reads, damage, how):
    expected = aligned_episode(bag, CONTRACT)
    expected = RecordedEpisode(**{item.name: np.array(getattr(expected, item.name))
                                  if isinstance(getattr(expected, item.name), np.ndarray)
                                  else getattr(expected, item.name)
                                  for item in fields(RecordedEpisode)})
    file = kept(bag)[0] / damage
    if how == 'gone':
        file.unlink()
    else:
        file.write_bytes(b'' if how == 'empty' else file.read_bytes()[:file.stat().st_size // 2])
    assert_same(aligned_episode(bag, CONTRACT), expected)
    assert len(reads) == 2
    aligned_episode(bag, CONTRACT)
    assert len(reads) == 2


def test_a_folder_that_cannot_be_written_to_is_no_hindrance(bag, reads, monkeypatch):
    def refuse(*arguments, **more):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(aligned_cache, 'write_json', refuse)
    for _ in range(2):
        assert len(aligned_episode(bag, CONTRACT).actions) > 10
    assert len(reads) == 2
    assert kept(bag) == [], 'nothing that is half done is left'


def test_the_entry_holds_all_of_an_episode():
    names = {item.name for item in fields(RecordedEpisode)}
    assert names == {*aligned_cache._ARRAYS, 'episode_id', 'outcome', 'account'}


def test_an_absent_bag_is_named(tmp_path):
    with pytest.raises(BagError, match='absent: cannot be read'):
        aligned_episode(tmp_path / 'absent', CONTRACT)
