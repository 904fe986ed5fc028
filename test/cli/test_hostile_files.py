# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Every file of settings, and every record of a run, is used or refused with a reason.

Files come from other machines, other people and interrupted processes. None of them may end a
command in a traceback, or keep it busy for ever.
"""

from functools import partial
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from run_length import LONG

from inril_ros.bench.study import load_study
from inril_ros.cli.run.settings import evaluation_settings, session_settings
from inril_ros.data.bags.metadata import read_metadata
from inril_ros.data.importing.import_mapping import load_mapping as load_import_mapping
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
