# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A checkpoint with right hashes and wrong content is put aside or refused with a reason.

The content is anything that JSON and tensors can hold. The reader stays alive, takes no more
memory than the files are large, and reads no file outside of its folder.
"""

import hashlib
import json
import tracemalloc

from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from run_length import LONG
import torch

from inril_ros.learning.experience import Episode
from inril_ros.learning.policies.artifact import read_folder, to_bytes, write_folder
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.replay import Origin
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig
from inril_ros.learning.stored.context_files import ContextFiles, ContextRows
from inril_ros.learning.stored.experience_files import ExperienceFiles
from inril_ros.nodes.learner.run_checkpoints import RunCheckpoints

EXAMPLES = settings(max_examples=2000 if LONG else 40, deadline=None,
                    suppress_health_check=list(HealthCheck))
IDENTITY = {'run_id': 'a', 'contract_hash': 'b'}
SHOWN = Episode(np.zeros((7, 3)), np.zeros((6, 2)), np.eye(6)[-1], True, True)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(2 ** 64) | st.floats()
    | st.text(max_size=9) | st.sampled_from(['../../x', 'context-00000001.safetensors', '\0']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(['name', 'hash', 'rows', 'x']), inner, max_size=3), max_leaves=6)

tensors_of_anything = st.builds(
    lambda shape, dtype, fill: torch.full(shape, fill, dtype=torch.int64).to(dtype),
    st.lists(st.integers(0, 4), max_size=5),
    st.sampled_from([torch.float32, torch.int64, torch.uint8, torch.bool, torch.bfloat16]),
    st.sampled_from([0, 1, 7, 255, 2 ** 40, -1]))


def session(store):
    torch.manual_seed(0)
    return FineTuningSession(
        SessionConfig(imitation_batch=4),
        BestOfN(ModelConfig(3, 2, actor_width=8, critic_width=8)), [SHOWN, SHOWN], 0, 'cpu',
        store=store)


@pytest.fixture(scope='module')
def genuine(tmp_path_factory):
    """Return the folder of a run with two checkpoints, and the content of the newer one."""
    folder = tmp_path_factory.mktemp('run')
    checkpoints = RunCheckpoints(folder, 3, IDENTITY)
    made = session(checkpoints.experience)
    for _ in range(2):
        checkpoints.begin(made, {'robot': 5}, 2)
        checkpoints.finished(wait=True)
    checkpoints.close()
    return folder, read_folder(folder / 'checkpoints' / '00000002')


def places(document):
    """Return the paths of all values in a document."""
    found = [()]
    for key, value in (document.items() if isinstance(document, dict) else
                       enumerate(document) if isinstance(document, list) else ()):
        found += [(key, *rest) for rest in places(value)]
    return found


def replaced(document, place, value):
    if not place:
        return value
    copy = list(document) if isinstance(document, list) else dict(document)
    copy[place[0]] = replaced(copy[place[0]], place[1:], value)
    return copy


@settings(EXAMPLES, max_examples=1000 if LONG else 15)
@given(data=st.data())
def test_any_content_is_continued_put_aside_or_refused_with_a_reason(genuine, data):
    folder, (tensors, document) = genuine
    tensors, document = dict(tensors), {**document, 'session': json.loads(document['session'])}
    for _ in range(data.draw(st.integers(1, 3))):
        if data.draw(st.booleans()):
            place = data.draw(st.sampled_from(places(document)))
            document = replaced(document, place, data.draw(values))
        else:
            tensors[data.draw(st.sampled_from(sorted(tensors)))] = data.draw(tensors_of_anything)
    if isinstance(document, dict) and not isinstance(document.get('session'), str):
        document['session'] = json.dumps(document.get('session'))
    forged = folder / 'checkpoints' / '00000003'
    write_folder(forged, tensors, document, replace=True)
    checkpoints = RunCheckpoints(folder, 3, {})
    found = checkpoints.newest()
    if found.folder != forged:
        assert found.folder.name == '00000002'
        assert len(checkpoints.damaged) == 1 and '00000003' in checkpoints.damaged[0]
    try:
        checkpoints.restore(found, session(checkpoints.experience), lambda done, of: None)
    except ValueError as error:
        assert str(forged) in str(error) and '00000002' in str(error)
    checkpoints.close()


@pytest.mark.parametrize(('change', 'reason'), [
    ({'version': 2 ** 64}, "'version' is 18446744073709551616"),
    ({'sequences': {'robot': -1}}, "'sequence of robot' is -1"),
    ({'session': 5}, 'session is no text'), ({'sequences': []}, 'sequences is no mapping'),
    ({'experience': [{'name': '../x', 'hash': '', 'rows': 1}]}, 'context: expected a list')])
def test_what_can_t_be_continued_from_is_put_aside_and_the_one_before_is_used(
        genuine, change, reason):
    folder, (tensors, document) = genuine
    write_folder(folder / 'checkpoints' / '00000003', tensors, {**document, **change},
                 replace=True)
    checkpoints = RunCheckpoints(folder, 3, IDENTITY)
    assert checkpoints.newest().folder.name == '00000002'
    assert len(checkpoints.damaged) == 1 and reason in checkpoints.damaged[0]
    checkpoints.close()


@EXAMPLES
@given(data=st.data())
def test_any_episode_is_read_or_refused_with_a_reason(tmp_path, data):
    files = ExperienceFiles(tmp_path)
    images = np.zeros((7, 1, 2, 2, 3), np.uint8)
    number = files.add(Episode(
        SHOWN.observations, SHOWN.actions, SHOWN.rewards, True, True, images=images),
        Origin.ONLINE).number
    files.write([number])
    path = tmp_path / f'{number:08d}.safetensors'
    content = {'facts': torch.tensor([1, 1, 1]), 'image_shape': torch.tensor(images.shape),
               **{name: torch.from_numpy(getattr(SHOWN, name).copy())
                  for name in ('observations', 'actions', 'rewards', 'intervened')}}
    shapes = st.lists(st.sampled_from([-1, 0, 1, 2, 3, 7, 2 ** 31, 2 ** 62]), max_size=6)
    for _ in range(data.draw(st.integers(1, 2))):
        name = data.draw(st.sampled_from(sorted(content)))
        content[name] = data.draw(
            shapes.map(torch.tensor) if name == 'image_shape' else tensors_of_anything)
    forged = to_bytes(content)
    path.write_bytes(forged)
    hashes = hashlib.sha256(forged).digest() + hashlib.sha256(images).digest()
    tracemalloc.start()
    try:
        episode, _ = ExperienceFiles(tmp_path).read(number, hashes)
        assert episode.images is None or episode.images.size <= images.size
    except ValueError as error:
        assert str(number) in str(error)
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


@EXAMPLES
@given(data=st.data())
def test_any_log_of_contexts_is_read_or_named(tmp_path, data):
    files = ContextFiles(tmp_path)
    files.append([ContextRows(1, np.arange(4), np.ones((4, 2), np.float32)),
                  ContextRows(1, np.array([2]), np.zeros((1, 2), np.float32))])
    (entry,) = files.entries
    number, rows = st.sampled_from([1, 2, -1, 2 ** 62]), data.draw(st.integers(0, 5))
    content = {'numbers': torch.tensor(data.draw(st.lists(number, min_size=rows, max_size=rows)),
                                       dtype=torch.int64),
               'steps': torch.tensor(data.draw(st.lists(
                   st.sampled_from([0, 1, 2, -1, 2 ** 62]), min_size=rows, max_size=rows)),
                   dtype=torch.int64),
               'values': torch.ones(rows, data.draw(st.integers(0, 3)))}
    if data.draw(st.booleans()):
        content[data.draw(st.sampled_from(sorted(content)))] = data.draw(tensors_of_anything)
    forged = to_bytes(content)
    (tmp_path / 'context-99999999.safetensors').write_bytes(forged)
    second = {'name': 'context-99999999.safetensors', 'rows': 1,
              'hash': hashlib.sha256(forged).hexdigest()}
    tracemalloc.start()
    contexts, damaged = files.contents([entry, second])
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()
    assert contexts[1].shape == (4, 2)
    assert all('context-99999999' in reason for reason in damaged)
