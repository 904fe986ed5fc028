# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""No input can run code or make a reader allocate arbitrary memory.

Every reader of the package gets pickles that would leave a file behind if unpickled, as they are
and embedded wherever a well-formed input can hold bytes.
"""

import json
from pathlib import Path
import struct

from hypothesis import given, settings
from hypothesis import strategies as st
from made_version import make_version
import numpy as np
import pytest
from safetensors.numpy import save
import yaml

from inril_ros.data.bags.reading import read_episode
from inril_ros.data.record_files import read_json, read_json_lines
from inril_ros.learning.checkpoints import CheckpointStore
from inril_ros.learning.policies.artifact import from_bytes, load_policy
from inril_ros.learning.session_config import SessionConfig
from inril_ros.robot.contract.contract import load_contract
from inril_ros.transport.folder_lock import FolderLock
from inril_ros.transport.journal.journal import Journal, read_journal
from inril_ros.transport.weights.incoming import IncomingVersions
from inril_ros.transport.weights.manifest import (
    content_hash,
    Manifest,
    piece_count,
    WeightsRefused,
)
from inril_ros.transport.weights.tensors import complete, read_tensors

CONTRACT = Path(__file__).parents[2] / 'config' / 'robots' / 'metaworld_sawyer.yaml'
TRACE = 'a_pickle_was_run'
RUN = f'echo > {TRACE}'.encode()
# os.system(RUN), in the protocols 0, 2 and 4.
PICKLES = [
    b"cos\nsystem\n(S'" + RUN + b"'\ntR.",
    b'\x80\x02cos\nsystem\nX' + struct.pack('<I', len(RUN)) + RUN + b'\x85R.',
    b'\x80\x04\x8c\x02os\x8c\x06system\x93\x8c' + bytes([len(RUN)]) + RUN + b'\x85R.']
TAGGED = f'!!python/object/apply:os.system ["{RUN.decode()}"]'


@pytest.fixture(autouse=True)
def nothing_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    assert not Path(TRACE).exists()


def test_unpickling_the_hostile_content_runs_its_code():
    """Otherwise the other tests would prove nothing."""
    names = [b'system' in content and RUN in content for content in PICKLES]
    assert all(names) and 'os.system' in TAGGED


def tensors_of(content):
    """Return a well-formed set of tensors with these bytes."""
    return save({'weights': np.frombuffer(content, np.uint8)})


@pytest.mark.parametrize('content', PICKLES)
def test_weights(content):
    with pytest.raises(WeightsRefused, match='no valid safetensors'):
        read_tensors(content)
    with pytest.raises(ValueError, match='no valid safetensors'):
        from_bytes(content)
    manifest = Manifest('run', 1, 0, 0, content.decode('latin-1'), 's', content_hash(content), 'c',
                        len(content), 1, tensors=content.decode('latin-1'))
    receiver = IncomingVersions('run', 'c')
    receiver.offer(manifest)
    receiver.add('run', 1, 0, 0, content)
    whole = receiver.pop_complete()
    with pytest.raises(WeightsRefused):
        whole.check_hash()
        complete(whole.manifest, read_tensors(b''.join(whole.pieces)), {})
    version = make_version(read_tensors(tensors_of(content)), (), run_id='run', version=1,
                           parent_version=0, learner_step=0, model_config='{}', schema_hash='s',
                           contract_hash='c')
    assert complete(version.manifest, read_tensors(version.content), {})['weights'].data == content


@pytest.mark.parametrize('content', PICKLES)
def test_journal(tmp_path, content):
    folder = tmp_path / 'journal'
    journal = Journal(folder, 'std_msgs/msg/String', 'string data')
    journal.append(1, 0, content)
    journal.close()
    assert list(read_journal(folder)) == [(1, content)]
    (folder / '000002-2.mcap').write_bytes(content)
    (folder / '000003-2.mcap').write_bytes(b'\x89MCAP0\r\n' + content)
    assert list(read_journal(folder)) == [(1, content)]
    (folder / '.lock').write_bytes(content)
    journal = Journal(folder, 'std_msgs/msg/String', 'string data')
    assert len(journal.damages) == 2
    journal.close()


@pytest.mark.parametrize('content', PICKLES)
@pytest.mark.parametrize('name', ['model.json', 'model.safetensors'])
def test_models_and_checkpoints(tmp_path, content, name):
    store = CheckpointStore(tmp_path / 'checkpoints')
    for _ in range(2):
        folder = store.folder / '00000001'
        folder.mkdir()
        (folder / 'model.json').write_text('{}')
        (folder / 'model.safetensors').write_bytes(tensors_of(content))
        (folder / name).write_bytes(content)
        with pytest.raises(ValueError, match='model'):
            load_policy(folder)
        assert store.newest() is None and store.damaged


@pytest.mark.parametrize('content', PICKLES)
def test_records_and_settings(tmp_path, content):
    path = tmp_path / 'file'
    path.write_bytes(content + b'\n{}\n')  # of lines, the last one may be torn
    for read in (read_json, read_json_lines, load_contract):
        with pytest.raises((ValueError, RuntimeError)):
            read(path)
    with pytest.raises((ValueError, OSError, RuntimeError)):
        read_episode(path, load_contract(CONTRACT))
    FolderLock(tmp_path, 'a test').release()


def test_yaml_that_names_python_objects(tmp_path):
    path = tmp_path / 'contract.yaml'
    path.write_text(f'name: {TAGGED}\n')
    with pytest.raises(ValueError, match='python/object'):
        load_contract(path)
    with pytest.raises(yaml.YAMLError, match='python/object'):
        SessionConfig.from_mapping(yaml.safe_load(path.read_text()))


@settings(max_examples=300)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
def test_sizes_are_refused_before_their_allocation(size, count):
    manifest = Manifest('run', 1, 0, 0, '{}', 's', 'h', 'c', size, count)
    receiver = IncomingVersions('run', 'c')
    fits = 0 < size <= 512_000_000 and count == piece_count(size)
    if fits:
        receiver.offer(manifest)
    else:
        with pytest.raises(WeightsRefused):
            receiver.offer(manifest)
    assert not receiver._pieces  # nothing is allocated before pieces arrive


@pytest.mark.parametrize('length', [2**40, 2**62, 2**63, 2**64 - 1])
def test_lengths_in_files_are_refused_before_their_allocation(tmp_path, length):
    (tmp_path / '000001-1.mcap').write_bytes(
        b'\x89MCAP0\r\n' + struct.pack('<BQ', 6, length) + b'x' * 100)
    damages = []
    assert list(read_journal(tmp_path, damages)) == []
    assert f'a record of {length} bytes' in str(damages[0])
    header = json.dumps({'w': {'dtype': 'F32', 'shape': [length], 'data_offsets': [0, 4]}})
    content = struct.pack('<Q', len(header)) + header.encode() + b'1234'
    for invalid in (content, struct.pack('<Q', length) + content[8:]):
        with pytest.raises(WeightsRefused, match='no valid safetensors'):
            read_tensors(invalid)
