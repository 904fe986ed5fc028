# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Failures are grouped by where they began; lists of starts are checked before they are used."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.data.record_files import RecordError
from inril_ros.data.run.failure_groups import Began, group_failures, take_turns
from inril_ros.data.run.start_list import (
    in_words,
    PractisedStart,
    read_starts,
    StartList,
    write_starts,
)

HASH = 'a' * 64


def starts(corners=((0.1, 0.1), (0.9, 0.2)), each=6, successes=40, seed=0):
    """Failures near corners, successes in the middle; the third value is a noisy sensor."""
    rng = np.random.default_rng(seed)
    made = [Began(f's{number}', True, np.append(rng.uniform(0.4, 0.6, 2), 0.0))
            for number in range(successes)]
    made += [Began(f'f{corner}-{number}', False, np.append(
        np.array(place) + 0.02 * rng.standard_normal(2), 0.0))
        for corner, place in enumerate(corners) for number in range(each - corner)]
    noise = 1e-4 * rng.standard_normal(len(made))
    return [replace(one, observation=one.observation + [0.0, 0.0, noise[place]])
            for place, one in enumerate(made)]


def test_failures_that_began_alike_are_one_group_and_the_largest_is_first():
    first, second = group_failures(starts())
    assert {name[:2] for name in first.failed} == {'f0'} and len(first.failed) == 6
    assert {name[:2] for name in second.failed} == {'f1'} and len(second.failed) == 5
    assert (first.near, first.succeeded) == (6, 0)
    assert second.unusual[0].element == 0
    assert second.unusual[0].here == pytest.approx(0.9, abs=0.05)
    assert all(one.element != 2 for group in (first, second) for one in group.unusual)


def test_successes_that_began_there_too_are_counted():
    mixed = [*starts(), *(Began(f'also{number}', True, np.array([0.1, 0.1, 0.0]))
                          for number in range(4))]
    assert (group_failures(mixed)[0].near, group_failures(mixed)[0].succeeded) == (10, 4)


def test_without_failures_there_is_no_group_and_without_variation_there_is_one():
    assert group_failures([]) == []
    assert group_failures([one for one in starts() if one.success]) == []
    same = [Began(str(number), number > 3, np.ones(3)) for number in range(8)]
    group, = group_failures(same)
    assert len(group.failed) == 4 and (group.near, group.succeeded) == (8, 4)


@given(st.integers(1, 40), st.integers(0, 30), st.integers(1, 6), st.integers(0, 2 ** 32 - 1))
@settings(max_examples=60, deadline=None)
def test_each_failure_is_in_one_group_and_in_the_list_once(failed, successes, size, seed):
    rng = np.random.default_rng(seed)
    made = [Began(str(number), number >= failed, rng.standard_normal(size))
            for number in range(failed + successes)]
    groups = group_failures(made)
    names = [name for group in groups for name in group.failed]
    assert sorted(names) == sorted(str(number) for number in range(failed))
    assert [len(group.failed) for group in groups] == sorted(
        (len(group.failed) for group in groups), reverse=True)
    assert all(group.near >= len(group.failed) for group in groups)
    listed = take_turns(groups, 10 ** 6)
    assert sorted(name for _, name in listed) == sorted(names)
    # Nobody has a second turn before all have had one.
    assert {number for number, _ in listed[:len(groups)]} == set(range(len(groups)))
    assert take_turns(groups, 2) == listed[:2]


def test_a_list_is_read_as_it_was_written_and_begins_again_at_its_end(tmp_path):
    made = StartList(HASH, (PractisedStart('a', 0, 7), PractisedStart('b', 1, 8)))
    path = write_starts(tmp_path, made)
    assert read_starts(path, HASH, simulated=True) == made
    assert [made.at(number).scene_seed for number in range(3)] == [7, 8, 7]


def test_a_person_is_told_what_to_set(tmp_path):
    start = PractisedStart('a', 2, None, {'front': '03_1_front.jpg'},
                           'object[0] 0.9 (usually 0.5)')
    assert in_words(start, tmp_path / 'starts.json') == (
        f'set the scene as in group 3; as in front: {tmp_path}/03_1_front.jpg; object[0] 0.9 '
        '(usually 0.5)')


@pytest.mark.parametrize(('text', 'message'), [
    ('{}', 'contract_hash'), ('[]', 'starts'), ('nothing', 'is not JSON'),
    (f'{{"contract_hash": "{HASH}", "starts": []}}', 'starts'),
    (f'{{"contract_hash": "{"b" * 64}", "starts": [{{"episode_id": "a", "group": 0}}]}}',
     'was made under contract bbbbbbbbbbbb'),
    (f'{{"contract_hash": "{HASH}", "starts": [{{"episode_id": "a", "group": 0}}]}}',
     'without a scene_seed'),
    (f'{{"contract_hash": "{HASH}", "starts": [{{"episode_id": "a", "group": 0, "pictures": '
     '{"front": "../../x"}}]}', 'pictures')])
def test_a_list_that_cannot_be_practised_is_refused_with_what_is_wrong(text, message, tmp_path):
    path = tmp_path / 'starts.json'
    path.write_text(text)
    with pytest.raises(RecordError, match=message):
        read_starts(path, HASH, simulated=True)
    with pytest.raises(RecordError):
        read_starts(tmp_path / 'none.json', HASH, simulated=True)
