# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A run continues from the newest intact checkpoint, whatever happened to the others."""

import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
from threading import Event

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
import torch

from inril_ros.learning.checkpoints import BackgroundWriter, CheckpointStore
from inril_ros.learning.policies import artifact
from inril_ros.learning.policies.artifact import read_folder, write_folder


def tensors(number):
    return {'weights': torch.full((4, 3), float(number)), 'steps': torch.tensor([number])}


def saved(store, *numbers):
    for number in numbers:
        folder = store.save(tensors(number), {'number': number})
    return folder


def test_the_newest_is_found_and_the_configured_number_is_kept(tmp_path):
    store = CheckpointStore(tmp_path / 'checkpoints', keep=2)
    assert store.newest() is None
    saved(store, 1, 2, 3, 4)
    again = CheckpointStore(tmp_path / 'checkpoints')
    assert sorted(path.name for path in again.folder.iterdir()) == ['00000003', '00000004']
    found = again.newest()
    assert found.document == {'number': 4} and torch.equal(found.tensors['steps'],
                                                           torch.tensor([4]))
    assert again.damaged == []
    with pytest.raises(ValueError, match='at least one'):
        CheckpointStore(tmp_path, keep=0)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_checkpoints_are_not_used(tmp_path_factory, data):
    store = CheckpointStore(tmp_path_factory.mktemp('checkpoints'), keep=4)
    saved(store, 1, 2, 3, 4)
    spoilt = set()
    for number in (4, 3, 2):
        if not data.draw(st.booleans()):
            break
        spoilt.add(number)
        folder = store.folder / f'{number:08d}'
        path = folder / data.draw(st.sampled_from(('model.json', 'model.safetensors')))
        content = bytearray(path.read_bytes())
        damage = data.draw(st.sampled_from(('cut', 'flip', 'gone', 'pickle')))
        if damage == 'cut':
            path.write_bytes(content[:data.draw(st.integers(0, len(content) - 1))])
        elif damage == 'gone':
            path.unlink()
        elif damage == 'pickle':
            path.write_bytes(b'\x80\x04}\x8c\x06numberK\ts.')  # {'number': 9}
        else:
            place = data.draw(st.integers(0, len(content) - 1))
            content[place] ^= data.draw(st.integers(1, 255))
            path.write_bytes(content)
    found = store.newest()
    number = int(found.folder.name)
    assert found.document == {'number': number}
    if number in spoilt:
        # Only changes without meaning are possible, such as white space in the JSON.
        assert torch.equal(found.tensors['steps'], torch.tensor([number]))
    else:
        assert number == 4 - len(spoilt)
        assert len(store.damaged) == len(spoilt)
    saved(store, 5)
    assert store.newest().document == {'number': 5}


def test_if_all_are_damaged_none_is_loaded_and_it_is_reported(tmp_path):
    store = CheckpointStore(tmp_path)
    folder = saved(store, 1)
    (folder / 'model.json').write_text('{}')
    assert store.newest() is None
    assert len(store.damaged) == 1 and 'expected exactly the keys' in store.damaged[0]
    assert [path.name for path in tmp_path.iterdir()] == ['00000001.damaged']
    saved(store, 2)
    assert store.newest().document == {'number': 2} and store.damaged == []


def test_a_checkpoint_that_the_disk_does_not_give_is_not_damaged(tmp_path):
    store = CheckpointStore(tmp_path)
    unreadable = [saved(store, 1), saved(store, 2)][1] / 'model.json'
    content = unreadable.read_bytes()
    unreadable.unlink()
    unreadable.symlink_to(unreadable)  # reading it is an OSError, though it is there
    assert store.newest().document == {'number': 1}
    assert store.damaged == [] and str(unreadable.parent) in store.unreadable[0]
    other = tmp_path / '00000001' / 'model.safetensors'
    other.unlink()
    other.symlink_to(other)
    with pytest.raises(OSError, match='none is put aside.*00000002.*00000001'):
        store.newest()
    unreadable.unlink()
    unreadable.write_bytes(content)
    assert store.newest().document == {'number': 2}


def test_only_the_leftovers_of_an_interrupted_write_are_removed(tmp_path):
    (tmp_path / '.00000002.abc').mkdir()
    (tmp_path / 'notes').mkdir()
    saved(CheckpointStore(tmp_path), 1)
    store = CheckpointStore(tmp_path)
    assert sorted(path.name for path in store.folder.iterdir()) == ['00000001', 'notes']


def test_learning_continues_during_a_write_and_an_error_is_reported(
        tmp_path, monkeypatch):
    store = CheckpointStore(tmp_path)
    writer, released = BackgroundWriter(), Event()
    assert writer.finished() is None

    def write(number):
        released.wait()
        store.save(tensors(number), {'number': number})

    writer.begin(lambda: write(1), 1)
    assert writer.busy and writer.finished() is None  # and this thread continues
    with pytest.raises(RuntimeError, match='before the result'):
        writer.begin(lambda: write(2), 2)
    released.set()
    assert writer.finished(wait=True) == 1
    assert writer.finished(wait=True) is None and not writer.busy

    def full(path, data):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(artifact, 'write_synced', full)
    writer.begin(lambda: write(2), 2)
    with pytest.raises(OSError, match='No space left'):
        writer.finished(wait=True)
    monkeypatch.undo()
    assert store.newest().document == {'number': 1}
    assert [path.name for path in tmp_path.iterdir()] == ['00000001']
    writer.begin(lambda: write(3), 3)
    writer.close()
    assert writer.finished() == 3


WRITER = """
import sys
from pathlib import Path
import torch
from inril_ros.learning.checkpoints import CheckpointStore
from inril_ros.learning.policies.artifact import write_folder

store, number = CheckpointStore(Path(sys.argv[1]) / 'checkpoints', keep=2), 0
while True:
    number += 1
    content = {'weights': torch.full((300, 300), float(number))}
    store.save(content, {'number': number})
    write_folder(Path(sys.argv[1]) / 'model', content, {'number': number}, replace=True)
    print(number, flush=True)
"""


def test_a_killed_writer_leaves_an_intact_checkpoint_and_model(tmp_path):
    """The writer is killed at any moment, also within a write or an exchange of folders."""
    for attempt in range(5):
        process = subprocess.Popen([sys.executable, '-c', WRITER, str(tmp_path)],
                                   cwd=Path(__file__).parents[2], stdout=subprocess.PIPE,
                                   text=True, env={**os.environ, 'OMP_NUM_THREADS': '1'})
        for _ in range(3 + attempt):
            said = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().splitlines(keepends=True)
        process.wait()
        process.stdout.close()
        said = max([said, *(int(line) for line in rest if line.endswith('\n'))])
        found = CheckpointStore(tmp_path / 'checkpoints').newest()
        assert found.document['number'] in (said, said + 1)
        assert found.tensors['weights'].eq(found.document['number']).all()
        model, document = read_folder(tmp_path / 'model')
        assert document['number'] in (said, said + 1)
        assert model['weights'].eq(document['number']).all()
        shutil.rmtree(tmp_path / 'checkpoints')


def test_a_folder_can_be_replaced_where_an_exchange_is_not_supported(tmp_path, monkeypatch):
    monkeypatch.setattr(artifact.ctypes, 'CDLL', lambda *arguments, **options: object())
    for number in (1, 2):
        write_folder(tmp_path / 'model', tensors(number), {'number': number}, replace=True)
    assert read_folder(tmp_path / 'model')[1] == {'number': 2}
    assert [path.name for path in tmp_path.iterdir()] == ['model']
