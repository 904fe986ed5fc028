# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every file of settings, and every record of a run, is used or refused with a reason.

Files come from other machines, other people and interrupted processes. None of them may end a
command in a traceback, or keep it busy for ever.
"""

from functools import partial
import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from run_length import LONG
import torch

from inril_ros.bench.study import load_study
from inril_ros.cli.run.given_settings import (
    cloning_settings,
    evaluation_settings,
    session_settings,
)
from inril_ros.cli.stages.job_settings import job_options
from inril_ros.data.bags.metadata import read_metadata
from inril_ros.data.importing.import_mapping import load_mapping as load_import_mapping
from inril_ros.data.run.run_directory import new_settings, RunDirectory, RunDirectoryError
from inril_ros.data.run.run_record import read_run
from inril_ros.data.run.settings import kept_settings
from inril_ros.faults.report import read_rows
from inril_ros.learning.policies.artifact import heldout_names, load_policy, write_folder
from inril_ros.nodes.learner.session_file import read_session
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.teleop.settings import KINDS, load_device
from inril_ros.sim.mapping import load_mapping

CONFIG = Path(__file__).parents[2] / 'config'
ROBOT = (CONFIG / 'robots' / 'metaworld_sawyer.yaml').read_text()
STUDY = (CONFIG / 'studies' / 'quick.yaml').read_text()
SESSION = (CONFIG / 'finetune.yaml').read_text()
# What reads a YAML file, and the text of a good one.
READERS = {
    'contract': (load_contract, ROBOT),
    'simulation': (load_mapping, (CONFIG / 'simulations' / 'metaworld.yaml').read_text()),
    'import': (load_import_mapping, 'topics: {joint_states: joints}\nstamps: {a: b}\n'),
    'study': (load_study, STUDY),
    'session': (read_session, SESSION),
    'session of a command': (partial(session_settings, kept={}, options={}), SESSION),
    'cloning': (partial(cloning_settings, options={}), SESSION),
    'evaluation': (partial(evaluation_settings, kept={}, options={}), SESSION),
    'bag': (read_metadata, 'rosbag2_bagfile_information: {files: [], message_count: 0}\n'),
    **{kind: (partial(load_device, kind), f'device: {kind}\n') for kind in KINDS},
}
LAUGHS = '\n'.join(['a0: &a0 [x, x]', *(
    f'a{level}: &a{level} [{", ".join([f"*a{level - 1}"] * 10)}]' for level in range(1, 10))])
MERGES = '\n'.join(['a0: &a0 {k: x}', *(
    f'a{level}: &a{level} {{<<: [{", ".join([f"*a{level - 1}"] * 10)}]}}'
    for level in range(1, 10))])


@pytest.mark.parametrize('name', READERS)
@pytest.mark.parametrize('text', [
    LAUGHS, MERGES, 'a: [' + '1, ' * 400_000 + ']', 'a: 1' + ':1' * 100_000, '[' * 2000,
    'a: &a [*a]', 'a: !!bool x', '\0', '7', '[1]'])
def test_a_text_that_stands_for_too_much_is_refused_by_every_reader(tmp_path, name, text):
    path = tmp_path / 'file.yaml'
    path.write_text(text)
    with pytest.raises(ValueError, match=str(path)) as caught:
        READERS[name][0](path)
    assert len(str(caught.value)) < 30_000


VALUES = ['', '~', '-1', '0', '1e9', '1e400', '.nan', '.inf', 'x', '[]', '{}', '[x]', '{x: 1}',
          '[[1]]', 'yes', '2024-01-01', '9' * 90, '"\\0"', 'x' * 3000, '!!binary eA==',
          '!!set {x}']


@pytest.mark.parametrize('name', READERS)
@settings(max_examples=20_000 if LONG else 25)
@given(data=st.data())
def test_a_good_file_with_other_values_and_keys_is_used_or_refused(tmp_path_factory, name, data):
    read, text = READERS[name]
    lines = text.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[at].partition(': ')
        lines[at] = data.draw(st.sampled_from([
            f'{key}{colon}{data.draw(st.sampled_from(VALUES))}', f'{key}x{colon}1', '',
            f'{key}.x: 1', f'{lines[at]}, x']))
    path = tmp_path_factory.getbasetemp() / 'changed.yaml'
    path.write_text('\n'.join(lines))
    try:
        read(path)
    except ValueError as error:
        assert str(path) in str(error)
        assert len(str(error)) < 30_000


# JSON.

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner,
                                                               max_size=3), max_leaves=6)
texts = json_values.map(json.dumps) | st.sampled_from(
    ['', '[' * 100_000, '{"a":' * 100_000, '9' * 5000, '{', '\\0', '"\\ud800"', '1e999', 'NaN'])
RECORDS = ('run.json', 'stages.json', 'settings.json', 'summary.json', 'pretrained/pretrain.json',
           'finetune/result.json', 'finetune/episodes.jsonl', 'evaluations/pretrained.json',
           'fault_matrix.json')


@settings(max_examples=20_000 if LONG else 60)
@given(name=st.sampled_from(RECORDS), data=st.data())
def test_any_record_of_a_run_is_read_or_refused_with_its_name(tmp_path_factory, name, data):
    folder = tmp_path_factory.mktemp('run')
    run = RunDirectory.create(folder, new_settings(
        'reach', 0, CONFIG / 'robots' / 'metaworld_sawyer.yaml'))
    kept = {'record': {'simulation': {'value': '', 'from': 'option'}}}
    (folder / 'settings.json').write_text(json.dumps(kept))
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    good = json.loads(path.read_text()) if path.exists() else {}
    if good and data.draw(st.booleans()):
        good[data.draw(st.sampled_from(sorted(good)))] = data.draw(json_values)
        path.write_text(json.dumps(good))
    else:
        path.write_text(data.draw(texts) + data.draw(st.sampled_from(['', '\n'])))
    for read in (read_run, kept_settings, lambda folder: RunDirectory.open(folder)
                 .finished_stages(), lambda folder: job_options(kept_settings(folder)),
                 read_rows):
        try:
            read(folder)
        except (ValueError, RunDirectoryError) as error:
            assert str(folder) in str(error) or 'settings of the run' in str(error)
            assert len(str(error)) < 30_000
    assert run.settings.task == 'reach'


@settings(max_examples=20_000 if LONG else 40)
@given(data=st.data())
def test_any_document_of_a_model_is_read_or_refused_with_its_name(tmp_path_factory, data):
    """Also one whose hashes are right."""
    folder = tmp_path_factory.getbasetemp() / 'model'
    good = {'model_config': {'observation_size': 3, 'action_size': 2}, 'observations': 2,
            'heldout': []}
    key = data.draw(st.sampled_from(sorted(good)))
    document = data.draw(json_values | st.just({**good, key: data.draw(json_values)}))
    write_folder(folder, {'weights': torch.zeros(2)}, document, replace=True)
    if data.draw(st.booleans()):
        (folder / 'model.json').write_text(data.draw(texts))
    for read in (load_policy, heldout_names):
        try:
            read(folder)
        except ValueError as error:
            assert str(folder) in str(error)
