# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Edits beside a bag: what they mean in any order, and that none is of another bag or by hand."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
import hashlib
import json
import shutil

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from small_arm import CONTRACT, recorded, write

from inril_ros.data.bags.bags import BagError, EpisodeBag
from inril_ros.data.demonstrations import editing
from inril_ros.data.demonstrations.aligned_cache import aligned_episode
from inril_ros.data.demonstrations.edit_file import edit_file, EditError, read_edits
from inril_ros.data.demonstrations.edit_log import Edit, edits_of
from inril_ros.data.demonstrations.pieces import aligned_piece, find_pieces, pieces_of

TICKS = 12
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=timezone.utc)


def record(folder, name='0000_e1', ticks=TICKS):
    bag = EpisodeBag(folder, name)
    write(bag, recorded(ticks))
    return bag.close({'outcome': 'success'}, keep=True)


@pytest.fixture
def bag(tmp_path):
    return record(tmp_path / 'demos')


def content(bag):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in bag.iterdir()}


def test_a_bag_is_never_changed_and_the_file_says_who_did_what_when_and_why(bag):
    before = content(bag)
    editing.trim(bag, CONTRACT, 'anna', 2, 3, 'rest', NOW)
    editing.label(bag, 'failure', 'ben', 'fell', NOW)
    editing.drop(bag, 'ben', when=NOW)
    editing.restore(bag, 'anna', 'no', NOW)
    editing.split(bag, CONTRACT, 'anna', 4, 'failure', when=NOW)
    assert content(bag) == before
    rows = json.loads(edit_file(bag).read_text())['edits']
    assert [(row['kind'], row['by'], row.get('note', '')) for row in rows] == [
        ('trim', 'anna', 'rest'), ('label', 'ben', 'fell'), ('drop', 'ben', ''),
        ('restore', 'anna', 'no'), ('split', 'anna', '')]
    assert {row['when'] for row in rows} == {'2026-07-01T12:00:00+00:00'}


def test_edits_of_another_content_are_refused_with_what_to_do(bag):
    editing.drop(bag, 'anna', 'fell', NOW)
    shutil.rmtree(bag)
    record(bag.parent, ticks=TICKS + 1)
    for act in (lambda: find_pieces(bag.parent), lambda: editing.drop(bag, 'ben'),
                lambda: editing.restore(bag, 'ben')):
        with pytest.raises(EditError, match='edits are of another content.*dropped by anna.*move '
                                            '0000_e1.edits.json away'):
            act()
    edit_file(bag).rename(bag.parent / 'old')
    assert [piece.name for piece in find_pieces(bag.parent)] == ['0000_e1']


def test_edits_without_their_bag_are_refused(bag):
    editing.trim(bag, CONTRACT, 'anna', begin=2)
    renamed = bag.rename(bag.with_name('0000_new'))
    with pytest.raises(EditError, match='there is no bag 0000_e1 .* give its edits the new name'):
        find_pieces(bag.parent)
    edit_file(bag).rename(edit_file(renamed))
    assert [(piece.name, piece.first) for piece in find_pieces(bag.parent)] == [('0000_new', 2)]


@pytest.mark.parametrize('change', [
    lambda text: text.replace('"begin": 2', '"begin": 3'),
    lambda text: text.replace('anna', 'nobody'),
    lambda text: text[:len(text) // 2],
    lambda text: '',
    lambda text: '[]',
    lambda text: text.replace('"format": 1', '"format": 2'),
    lambda text: json.dumps({**json.loads(text), 'more': 1})])
def test_a_file_that_was_damaged_or_written_by_hand_is_refused(bag, change):
    editing.trim(bag, CONTRACT, 'anna', begin=2)
    file = edit_file(bag)
    file.write_text(change(file.read_text()))
    with pytest.raises(EditError, match='move 0000_e1.edits.json away'):
        pieces_of(bag)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda part: (
    st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(
        ['format', 'bag', 'edits', 'hash', 'kind', 'by', 'when', 'begin', 'x']), part)),
    max_leaves=12))
@settings(max_examples=60)
def test_no_content_of_the_file_makes_anything_but_a_clear_error(tmp_path_factory, said):
    bag = tmp_path_factory.mktemp('demos') / '0000_e1'
    bag.mkdir()
    record = said if isinstance(said, dict) else {'edits': said}
    plain = {'format': 1, 'bag': 'x', 'edits': [], **record}
    plain['hash'] = hashlib.sha256(json.dumps(
        {name: value for name, value in plain.items() if name != 'hash'},
        sort_keys=True).encode()).hexdigest()
    edit_file(bag).write_text(json.dumps(plain))
    with pytest.raises(BagError, match='0000_e1'):
        read_edits(bag)


def test_an_episode_that_is_read_with_another_length_is_not_cut(bag):
    editing.trim(bag, CONTRACT, 'anna', begin=2)
    [piece] = pieces_of(bag)
    longer = aligned_episode(record(bag.parent, '0001_e2', TICKS + 1), CONTRACT)
    with pytest.raises(EditError, match='has 13 ticks as it is read now, and had 12'):
        piece.of(longer)


@pytest.mark.parametrize(('edit', 'says'), [
    (lambda bag: editing.trim(bag, CONTRACT, 'a', 6, 6), 'leave none; drop it, or trim less'),
    (lambda bag: editing.trim(bag, CONTRACT, 'a', -1), 'begin'),
    (lambda bag: editing.split(bag, CONTRACT, 'a', 0, 'failure'), 'may begin at 1 to 11'),
    (lambda bag: editing.split(bag, CONTRACT, 'a', 12, 'failure'), 'leaves a part empty'),
    (lambda bag: editing.label(bag, 'perhaps', 'a'), 'success'),
    (lambda bag: editing.drop(bag, ''), 'by'),
    (lambda bag: editing.restore(bag, 'a'), 'no edits to undo')])
def test_an_edit_that_cannot_be_is_refused_and_nothing_is_written(bag, edit, says):
    with pytest.raises(EditError, match=says):
        edit(bag)
    assert not edit_file(bag).exists()


def test_the_parts_of_a_split_have_outcomes_of_their_own(bag):
    editing.label(bag, 'failure', 'anna')
    editing.split(bag, CONTRACT, 'anna', 4, 'success')
    assert [piece.outcome for piece in pieces_of(bag)] == ['success', 'failure']
    with pytest.raises(EditError, match='split it again with --first and --second'):
        editing.label(bag, 'success', 'anna')
    with pytest.raises(EditError, match='leaves a part empty'):
        editing.trim(bag, CONTRACT, 'anna', begin=4)


def test_two_who_edit_at_once_lose_nothing(bag):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: editing.label(bag, 'failure', f'p{number}'), range(16)))
    assert len(read_edits(bag).log) == 16


_edits = st.one_of(
    st.just(('drop',)), st.just(('restore',)),
    st.tuples(st.just('label'), st.sampled_from(['success', 'failure'])),
    st.tuples(st.just('trim'), st.integers(0, TICKS), st.integers(0, TICKS)),
    st.tuples(st.just('split'), st.integers(0, TICKS), st.sampled_from(['success', 'failure'])))


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    bag = record(tmp_path_factory.mktemp('lab') / 'demos')
    return bag, aligned_episode(bag, CONTRACT)


@given(st.lists(_edits, max_size=8))
@settings(max_examples=40)
def test_whatever_is_done_the_ticks_are_those_of_the_recording(whole, actions):
    """Against a model: sets of ticks. A refused edit changes nothing; a restore changes all."""
    bag, episode = whole
    edit_file(bag).unlink(missing_ok=True)
    dropped, begin, end, at, outcomes = False, 0, 0, None, ['success', 'success']
    for kind, *values in actions:
        before = edit_file(bag).read_bytes() if edit_file(bag).exists() else None
        try:
            if kind == 'trim':
                editing.trim(bag, CONTRACT, 'anna', *values)
                begin, end = values
            elif kind == 'split':
                editing.split(bag, CONTRACT, 'anna', *values)
                at, outcomes = values[0], [values[1], outcomes[1]]
            elif kind == 'label':
                editing.label(bag, *values, 'anna')
                outcomes = [values[0]] * 2
            elif kind == 'drop':
                editing.drop(bag, 'anna')
                dropped = True
            else:
                editing.restore(bag, 'anna')
                dropped, begin, end, at, outcomes = False, 0, 0, None, ['success', 'success']
        except EditError:
            after = edit_file(bag).read_bytes() if edit_file(bag).exists() else None
            assert after == before
    spans = [(begin, TICKS - end)] if at is None else [(begin, at), (at, TICKS - end)]
    expected = [] if dropped else list(zip(spans, outcomes[2 - len(spans):], strict=True))
    pieces = pieces_of(bag)
    assert len(pieces) == len(expected)
    for piece, ((first, until), outcome) in zip(pieces, expected, strict=True):
        part = aligned_piece(piece, CONTRACT)
        assert len(part.actions) == until - first > 0
        np.testing.assert_array_equal(part.actions, episode.actions[first:until])
        np.testing.assert_array_equal(part.observations, episode.observations[first:until + 1])
        assert part.outcome == (1 if outcome == 'success' else 2)
        assert part.rewards.sum() == part.rewards[-1] == (outcome == 'success')


@given(st.lists(st.sampled_from(['drop', 'label', 'trim', 'restore']), max_size=10))
def test_a_restore_undoes_all_before_it_and_nothing_after(kinds):
    says = {'drop': {}, 'restore': {}, 'label': {'outcome': 'failure'},
            'trim': {'begin': 1, 'end': 0, 'ticks': 9}}
    log = [Edit(kind=kind, by='a', when='now', **says[kind]) for kind in kinds]
    after = kinds[::-1].index('restore') if 'restore' in kinds else len(kinds)
    assert {each.kind for each in edits_of(log).counting} == set(kinds[len(kinds) - after:])
    assert len(edits_of(log).log) == len(kinds)
