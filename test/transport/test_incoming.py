# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Weights arrive byte for byte or not at all, whatever else is on the wire."""

from contextlib import suppress
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from inril_ros.transport.weights import manifest as weights
from inril_ros.transport.weights.incoming import (
    EARLY_BYTES,
    EARLY_VERSIONS,
    IncomingVersions,
    MOST_REQUESTS,
)
from inril_ros.transport.weights.manifest import (
    content_hash,
    cut,
    Manifest,
    piece_count,
    PiecesDoNotFit,
    WeightsRefused,
)
from inril_ros.transport.weights.version_numbers import LEAD

CONTRACT = 'c' * 64
PIECE = 7  # [byte] instead of a megabyte, so that few bytes make many pieces


@pytest.fixture(autouse=True, scope='module')
def small_pieces():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, 'PIECE_BYTES', PIECE)
        patch.setattr(weights, 'MAXIMUM_BYTES', 100 * PIECE)
        yield


def manifest_of(content, version=1, **changes):
    manifest = Manifest(
        run_id='run', version=version, parent_version=version - 1, learner_step=10,
        model_config='{}', schema_hash='s', content_hash=content_hash(content),
        contract_hash=CONTRACT, total_size=len(content), chunk_count=piece_count(len(content)))
    return replace(manifest, **changes)


def pieces_of(content, version=1, run_id='run'):
    return [(run_id, version, index, offset, piece)
            for index, (offset, piece) in enumerate(cut(content))]


def assembler(run_id='run'):
    return IncomingVersions(run_id, CONTRACT)


def complete_version(receiver):
    """Return the complete, verified version, or None."""
    received = receiver.pop_complete()
    if received is None:
        return None
    received.check_hash()
    return received.manifest, b''.join(received.pieces)


contents = st.binary(min_size=1, max_size=60)


@given(st.binary(max_size=60))
def test_pieces_joined_in_order_are_the_content(content):
    pieces = cut(content)
    assert b''.join(piece for _, piece in pieces) == content
    assert [offset for offset, _ in pieces] == [PIECE * index for index in range(len(pieces))]
    assert all(0 < len(piece) <= PIECE for _, piece in pieces)
    assert len(pieces) == piece_count(len(content))


def test_pieces_of_the_real_size_fit_into_a_message(monkeypatch):
    monkeypatch.undo()
    assert weights.PIECE_BYTES <= 1_000_000
    assert piece_count(weights.MAXIMUM_BYTES) <= 512  # depth of the stream, see nodes/base/qos.py


@st.composite
def wires(draw):
    """Draw two versions with shuffled and repeated pieces and manifests, and foreign pieces."""
    old, new = draw(contents), draw(contents)
    events = [('piece', piece) for piece in pieces_of(old, 1) + pieces_of(new, 2)]
    events += draw(st.lists(st.sampled_from(events), max_size=6))
    events += [('manifest', manifest_of(old, 1)), ('manifest', manifest_of(new, 2))]
    strangers = [('run', 2, 0, 0, b'x' * (PIECE + 1)), ('run', 2, 90, 0, b'y'),
                 ('run', 0, 0, 0, b'zz'), ('run', 3, 0, 0, b'not yet'),
                 ('other', 2, 0, 0, b'alien')]
    events += [('piece', piece) for piece in draw(st.lists(st.sampled_from(strangers)))]
    return old, new, draw(st.permutations(events))


@settings(max_examples=300)
@given(wires())
def test_any_order_on_the_wire_gives_the_bytes_of_the_newest_version(wire):
    old, new, events = wire
    receiver = assembler()
    whole = {}
    for kind, content in events:
        if kind == 'piece':
            receiver.add(*content)
        else:
            receiver.offer(content)  # both are newer than the acting version: there is none yet
        found = complete_version(receiver)
        if found is not None:
            whole[found[0].version] = found[1]
    assert whole.pop(2) == new
    assert whole in ({}, {1: old})


def test_a_version_is_returned_once():
    receiver, content = assembler(), b'some weights'
    receiver.offer(manifest_of(content))
    for piece in pieces_of(content):
        assert complete_version(receiver) is None
        receiver.add(*piece)
    assert complete_version(receiver) == (manifest_of(content), content)
    assert complete_version(receiver) is None


def test_a_manifest_may_come_last():
    receiver, content = assembler(), b'some weights'
    for piece in pieces_of(content):
        receiver.add(*piece)
    assert complete_version(receiver) is None
    receiver.offer(manifest_of(content))
    assert complete_version(receiver) == (manifest_of(content), content)


@given(contents, st.data())
def test_a_missing_piece_is_waited_for(content, data):
    pieces = pieces_of(content)
    lost = data.draw(st.sampled_from(pieces))
    receiver = assembler()
    receiver.add('run', 1, 95, 95 * PIECE, b'of nothing')  # doesn't replace the missing one
    receiver.offer(manifest_of(content))
    for piece in pieces:
        if piece is not lost:
            receiver.add(*piece)
            assert complete_version(receiver) is None
    receiver.add(*lost)
    assert complete_version(receiver) == (manifest_of(content), content)


@given(contents, st.data())
def test_a_byte_changed_in_transfer_is_refused(content, data):
    place = data.draw(st.integers(0, len(content) - 1))
    other = content[place] ^ data.draw(st.integers(1, 255))
    damaged = content[:place] + bytes([other]) + content[place + 1:]
    receiver = assembler()
    receiver.offer(manifest_of(content))
    for piece in pieces_of(damaged):
        receiver.add(*piece)
    with pytest.raises(WeightsRefused, match='does not have the hash of the manifest'):
        complete_version(receiver)
    # Refused content can be sent again.
    receiver.offer(manifest_of(content))
    for piece in pieces_of(content):
        receiver.add(*piece)
    assert complete_version(receiver) == (manifest_of(content), content)


def test_content_without_a_hash_is_refused_unless_tensors_are_listed():
    content = b'some weights'
    for changes, is_taken in (({'content_hash': ''}, False),
                              ({'content_hash': '', 'tensors': '[]'}, True)):
        receiver = assembler()
        receiver.offer(manifest_of(content, **changes))
        for piece in pieces_of(content):
            receiver.add(*piece)
        if is_taken:  # as received: `complete` compares the hash of each tensor
            assert complete_version(receiver)[1] == content
        else:
            with pytest.raises(WeightsRefused, match='does not have the hash of the manifest'):
                complete_version(receiver)


def test_a_piece_of_the_wrong_size_is_refused_before_or_after_the_manifest():
    receiver = assembler()
    receiver.offer(manifest_of(b'1234567890'))
    receiver.add('run', 1, 0, 0, b'1234567')
    with pytest.raises(PiecesDoNotFit, match='piece 1 has 2 bytes, the manifest says 3') as error:
        receiver.add('run', 1, 1, PIECE, b'12')
    assert error.value.manifest == manifest_of(b'1234567890')
    assert receiver.pop_complete() is None
    receiver.add('run', 2, 0, 0, b'12')
    with pytest.raises(WeightsRefused, match='piece 0 has 2 bytes, the manifest says 7'):
        receiver.offer(manifest_of(b'1234567890', 2))
    receiver.offer(manifest_of(b'1234567890', 2))  # it may arrive again
    for piece in pieces_of(b'1234567890', 2):
        receiver.add(*piece)
    assert complete_version(receiver)[1] == b'1234567890'


def test_a_piece_whose_offset_contradicts_its_number_counts_as_missing():
    receiver = assembler()
    receiver.offer(manifest_of(b'1234567890'))
    receiver.add('run', 1, 0, 0, b'1234567')
    receiver.add('run', 1, 1, 8, b'890')
    assert receiver.pop_complete() is None
    assert receiver.to_request(99.0)[1] == [1]


@given(contents, st.data())
def test_missing_pieces_are_requested_until_they_arrive(content, data):
    """The wire loses pieces repeatedly, also requested ones."""
    receiver, pieces, now = assembler(), pieces_of(content), 100.0
    receiver.offer(manifest_of(content), now)
    sent = pieces
    for _ in range(MOST_REQUESTS):
        for piece in sent:
            if data.draw(st.booleans()):
                receiver.add(*piece, now)
        assert receiver.to_request(now + 1.9) is None  # it waits first
        now += 2.0
        asked = receiver.to_request(now)
        if asked is None:
            break
        assert asked[0] == manifest_of(content) and asked[1]
        sent = [pieces[index] for index in asked[1]]
    for piece in sent:
        receiver.add(*piece, now)
    assert complete_version(receiver) == (manifest_of(content), content)
    assert receiver.to_request(now + 9.0) is None


def test_requests_end_after_a_number_of_attempts():
    receiver, now = assembler(), 0.0
    receiver.offer(manifest_of(b'some weights'), now)
    for _ in range(MOST_REQUESTS):
        now += 2.0
        assert receiver.to_request(now)[1] == [0, 1]
    with pytest.raises(WeightsRefused, match='^2 pieces did not come though'):
        receiver.to_request(now + 2.0)
    assert receiver.to_request(now + 99.0) is None
    receiver.offer(manifest_of(b'some weights'), now)
    assert receiver.to_request(now + 99.0)[1] == [0, 1]


def test_another_run_has_its_own_version_numbers():
    receiver, content = assembler(), b'some weights'
    receiver.note_acting(manifest_of(content, 9))
    receiver.follow('other')
    receiver.offer(manifest_of(content, 1, run_id='other'))
    for piece in pieces_of(content, 1, 'run'):  # the former run's piece 1 is not this one's
        receiver.add(*piece)
    assert receiver.pop_complete() is None
    for piece in pieces_of(content, 1, 'other'):
        receiver.add(*piece)
    assert complete_version(receiver)[1] == content


def test_back_from_another_run_the_numbers_of_the_acting_one_still_count():
    receiver, content = assembler(), b'some weights'
    receiver.note_acting(manifest_of(content, 9))
    receiver.follow('other')
    receiver.note_acting(manifest_of(content, 10))  # it was loaded meanwhile
    receiver.offer(manifest_of(content, 1, run_id='other'))
    receiver.follow('run')
    with pytest.raises(WeightsRefused, match='version 10 is not newer than 10'):
        receiver.offer(manifest_of(content, 10))


def test_pieces_of_two_runs_with_the_same_number_are_kept_apart_before_their_manifests():
    receiver, content = assembler(run_id=''), b'some weights'
    for run_id, data in (('other', b'quite others'), ('run', content)):
        for piece in pieces_of(data, 1, run_id):
            receiver.add(*piece)
    receiver.offer(manifest_of(content))
    assert complete_version(receiver)[1] == content


@pytest.mark.parametrize(('changes', 'words'), [
    ({'run_id': 'other'}, 'run other is not the run run'),
    ({'contract_hash': 'd' * 64}, 'made for contract dddddddddddd, this is cccccccccccc'),
    ({'version': 0}, 'version 0 is not newer than 0'),
    ({'total_size': 0, 'chunk_count': 0}, '0 bytes, 1..700 are allowed'),
    ({'total_size': 701, 'chunk_count': 101}, '701 bytes, 1..700 are allowed'),
    ({'total_size': 2**63}, 'are allowed'),
    ({'chunk_count': 1}, '1 pieces for 12 bytes'), ({'chunk_count': 2**31}, 'pieces for 12 byt')])
def test_an_unacceptable_manifest_is_refused_with_the_reason(changes, words):
    receiver, content = assembler(), b'some weights'
    with pytest.raises(WeightsRefused, match=words):
        receiver.offer(manifest_of(content, **changes))
    for piece in pieces_of(content):
        receiver.add(*piece)
    assert complete_version(receiver) is None


def test_only_versions_newer_than_the_acting_one_are_accepted():
    receiver, content = assembler(), b'some weights'
    receiver.note_acting(manifest_of(content, 5))
    for version in (4, 5):
        with pytest.raises(WeightsRefused, match=f'version {version} is not newer than 5'):
            receiver.offer(manifest_of(content, version))
    for piece in pieces_of(content, 5) + pieces_of(content, 6):
        receiver.add(*piece)
    receiver.offer(manifest_of(content, 6))
    assert complete_version(receiver) == (manifest_of(content, 6), content)


def test_an_older_manifest_does_not_replace_a_newer_one():
    receiver, content = assembler(), b'some weights'
    receiver.offer(manifest_of(content, 3))
    receiver.offer(manifest_of(b'old weights!', 2))
    for piece in pieces_of(b'old weights!', 2) + pieces_of(content, 3):
        receiver.add(*piece)
    assert complete_version(receiver) == (manifest_of(content, 3), content)


def test_an_older_version_offered_meanwhile_does_not_replace_the_acting_one():
    receiver, content = assembler(), b'some weights'
    receiver.offer(manifest_of(content, 2))
    for piece in pieces_of(content, 2):
        receiver.add(*piece)
    manifest, _ = complete_version(receiver)  # while it is being loaded:
    receiver.offer(manifest_of(b'old weights!', 1))
    for piece in pieces_of(b'old weights!', 1):
        receiver.add(*piece)
    receiver.note_acting(manifest)
    assert complete_version(receiver) is None


def test_if_no_run_is_configured_that_of_the_first_acting_version_counts():
    receiver, content = assembler(run_id=''), b'some weights'
    receiver.offer(manifest_of(content))
    for piece in pieces_of(content):
        receiver.add(*piece)
    manifest, _ = complete_version(receiver)
    receiver.note_acting(manifest)
    assert receiver.run_id == 'run'
    with pytest.raises(WeightsRefused, match='run other is not the run run'):
        receiver.offer(manifest_of(content, 2, run_id='other'))


def held_bytes(receiver):
    return sum(map(len, receiver._pieces.values())) + receiver._early_bytes()


@given(st.booleans(), st.lists(st.tuples(
    st.integers(0, 2**64 - 1) | st.integers(0, 30), st.integers(0, 2**32 - 1) | st.integers(0, 99),
    st.integers(0, 2**64 - 1), st.binary(max_size=2 * PIECE)), max_size=60))
def test_invented_pieces_neither_fill_the_memory_nor_block_the_real_ones(known, invented):
    receiver, content = assembler(), b'some weights'
    if known:
        receiver.offer(manifest_of(content))
    for version, index, offset, data in invented:
        with suppress(WeightsRefused):  # if it claims to be a piece of the real version
            receiver.add('run', version, index, offset, data)
        assert len(receiver._early) <= EARLY_VERSIONS
        assert held_bytes(receiver) <= len(content) + EARLY_BYTES
    found = None
    for _ in range(2):  # refused because of invented pieces, it is sent again
        with suppress(WeightsRefused):
            receiver.offer(manifest_of(content))
            for piece in pieces_of(content):
                receiver.add(*piece)
            found = found or complete_version(receiver)
    assert found == (manifest_of(content), content)


@pytest.mark.parametrize('known', [False, True])
def test_a_version_holds_no_more_pieces_than_it_can_have(known):
    receiver = assembler()
    if known:
        receiver.offer(manifest_of(b'some weights'))
    for index in range(1000):
        with suppress(WeightsRefused):
            receiver.add('run', 1, index, index * PIECE, b'x' * PIECE)
    assert held_bytes(receiver) <= weights.MAXIMUM_BYTES


def test_a_late_joiner_gets_the_newest_version_despite_many_old_pieces():
    """Hundreds of latched pieces of small versions wait for a node that starts."""
    receiver = assembler()
    for version in range(1, 200):
        for piece in pieces_of(b'weights %d' % version, version):
            receiver.add(*piece)
    receiver.offer(manifest_of(b'weights 199', 199))
    assert complete_version(receiver) == (manifest_of(b'weights 199', 199), b'weights 199')


@given(contents, st.booleans(), st.data())
def test_pieces_are_shown_in_order_up_to_the_first_missing_one(content, known, data):
    receiver, pieces = assembler(), pieces_of(content, 2)
    receiver.offer(manifest_of(b'some weights', 1))  # the older version is not shown
    receiver.add(*pieces_of(b'some weights', 1)[0])
    if known:
        receiver.offer(manifest_of(content, 2))
    came = set()
    for index in data.draw(st.permutations(range(len(pieces)))):
        receiver.add(*pieces[index])
        came.add(index)
        first = next(place for place in range(len(pieces) + 1) if place not in came)
        assert receiver.first_pieces() == tuple(
            piece for *_, piece in (pieces if 0 in came else [])[:first])
    if known:
        assert receiver.pop_complete().pieces == tuple(piece for *_, piece in pieces)
        assert receiver.first_pieces() == ()


def test_a_number_that_is_too_far_ahead_is_refused_and_changes_nothing():
    receiver, content = assembler(), b'some weights'
    receiver.note_acting(manifest_of(content, 5))
    for version in (5 + LEAD + 1, 2**63, 2**64 - 1):
        with pytest.raises(WeightsRefused, match=f'version {version} is too far ahead: 5 is'):
            receiver.offer(manifest_of(content, version))
        with pytest.raises(WeightsRefused, match='too far ahead'):
            receiver.add('run', version, 0, 0, b'pieces!')
    receiver.offer(manifest_of(content, 6))
    for piece in pieces_of(content, 6):
        receiver.add(*piece)
    assert complete_version(receiver) == (manifest_of(content, 6), content)


def test_invented_numbers_leave_room_for_the_pieces_that_come_early():
    """Their manifest comes last, so that each version would have to be sent twice for ever."""
    receiver, content = assembler(), b'some weights'
    for version in range(EARLY_VERSIONS):
        receiver.add('run', LEAD - version, 0, 0, b'pieces!')
    for version in range(1, 20):
        for piece in pieces_of(content, version):
            receiver.add(*piece)
        receiver.offer(manifest_of(content, version))
        found = complete_version(receiver)
        assert found == (manifest_of(content, version), content)
        receiver.note_acting(found[0])
