# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A run's folder is begun once, resumed only as what it was, and never written over."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from command_line import refused
from full_disk import full_disk
import pytest

from inril_ros.cli.stages.finetune import _keep_settings, SettingsDiffer
from inril_ros.cli.stages.job_settings import job_options
from inril_ros.data.record_files import read_json, RecordError, write_json
from inril_ros.data.run.run_directory import new_settings, RunDirectory, RunDirectoryError
from inril_ros.data.run.settings import kept_settings, Setting, UsageError
from inril_ros.robot.contract.contract import load_contract
from inril_ros.transport.folder_lock import FolderLock

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / 'config' / 'robots' / 'metaworld_sawyer.yaml'


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def begin(path, **changed):
    return RunDirectory.create(
        path, new_settings(**{'task': 'push', 'seed': 1, 'contract': CONTRACT, **changed}))


def test_a_new_run_holds_its_settings_and_the_contract(tmp_path):
    run = begin(tmp_path / 'runs' / 'first')
    assert load_contract(run.contract).hash == run.settings.contract_hash
    opened = RunDirectory.open(run.path)
    assert opened.settings == run.settings
    assert (opened.settings.task, opened.settings.seed) == ('push', 1)
    assert opened.settings.package_version == ElementTree.parse(
        ROOT / 'package.xml').findtext('version')
    assert opened.finished_stages() == {}


def test_two_runs_have_two_ids(tmp_path):
    assert begin(tmp_path / 'a').settings.run_id != begin(tmp_path / 'b').settings.run_id


def test_a_run_is_not_begun_twice(tmp_path):
    run = begin(tmp_path)
    before = files(tmp_path)
    with pytest.raises(RunDirectoryError, match='holds a run already: continue it with --resume'):
        begin(tmp_path)
    assert files(tmp_path) == before
    assert RunDirectory.open(tmp_path).settings == run.settings


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / 'thesis.tex').write_text('important')
    with pytest.raises(RunDirectoryError, match='is not empty and holds no run'):
        begin(tmp_path)
    assert files(tmp_path) == {tmp_path / 'thesis.tex': b'important'}


def test_a_run_whose_beginning_was_interrupted_may_begin_again(tmp_path):
    run = begin(tmp_path)
    (run.path / 'run.json').unlink()
    assert begin(tmp_path).settings.task == 'push'


def test_resuming_goes_on_with_the_same_run(tmp_path):
    run = begin(tmp_path)
    run.finish_stage('record', 12.5)
    before = files(tmp_path)
    again = RunDirectory.create(
        tmp_path, new_settings('push', 1, CONTRACT), resume=True)
    assert again.settings == run.settings
    assert again.finished_stages() == {'record': 12.5}
    assert files(tmp_path) == before


def test_resuming_begins_where_there_is_no_run(tmp_path):
    run = RunDirectory.create(
        tmp_path / 'new', new_settings('push', 1, CONTRACT), resume=True)
    assert RunDirectory.open(tmp_path / 'new').settings == run.settings


@pytest.mark.parametrize(('changed', 'difference'), [
    ({'task': 'reach'}, "task: 'reach' asked for, 'push' in the run"),
    ({'seed': 2}, 'seed: 2 asked for, 1 in the run')])
def test_another_run_is_not_resumed(tmp_path, changed, difference):
    begin(tmp_path)
    settings = new_settings(**{'task': 'push', 'seed': 1, 'contract': CONTRACT, **changed})
    with pytest.raises(RunDirectoryError, match=difference):
        RunDirectory.create(tmp_path, settings, resume=True)


def test_a_changed_contract_is_shown_where_it_differs(tmp_path):
    begin(tmp_path / 'run')
    other = tmp_path / 'other.yaml'
    other.write_text(CONTRACT.read_text().replace('control_rate: 80.0', 'control_rate: 20.0'))
    with pytest.raises(RunDirectoryError, match=r'control_rate: 20.0 here, 80.0 there'):
        RunDirectory.create(tmp_path / 'run', new_settings('push', 1, other), resume=True)


def test_a_contract_that_only_reads_differently_is_the_same(tmp_path):
    begin(tmp_path / 'run')
    other = tmp_path / 'other.yaml'
    other.write_text('# a comment more\n' + CONTRACT.read_text())
    RunDirectory.create(tmp_path / 'run', new_settings('push', 1, other), resume=True)


def test_a_run_of_the_former_meaning_goes_no_further(tmp_path):
    run = begin(tmp_path)
    run.check_meaning()
    former = load_contract(run.contract).former_hash
    other = RunDirectory(run.path, replace(run.settings, contract_hash=former))
    with pytest.raises(RunDirectoryError, match='kept their sign.*demonstrations can be used'):
        other.check_meaning()


def test_stages_are_finished_once_and_kept_in_order(tmp_path):
    run = begin(tmp_path)
    run.finish_stage('record', 1.0)
    run.finish_stage('pretrain', 2.0)
    assert list(run.finished_stages().items()) == [('record', 1.0), ('pretrain', 2.0)]
    with pytest.raises(RunDirectoryError, match="stage 'record' is done already"):
        run.finish_stage('record', 3.0)
    with pytest.raises(RunDirectoryError, match="unknown stage 'celebrate': one of record"):
        run.finish_stage('celebrate', 1.0)
    assert RunDirectory.open(tmp_path).finished_stages() == {'record': 1.0, 'pretrain': 2.0}


@pytest.mark.parametrize(('key', 'value'), [
    ('run_id', '../../x'), ('run_id', ''), ('run_id', 7), ('seed', '7'), ('seed', -1),
    ('seed', 2**63), ('seed', True), ('seed', None), ('task', ''), ('task', 'a\x00b'),
    ('task', ['push']), ('contract', ''), ('contract_hash', 'abc'), ('created', 'yesterday'),
    ('package_version', '1; rm'), ('more', 1)])
def test_a_run_with_a_wrong_setting_is_refused_when_it_is_opened(tmp_path, key, value):
    run = begin(tmp_path)
    file = run.path / 'run.json'
    write_json(file, {**read_json(file), key: value}, replace=True)
    with pytest.raises(RunDirectoryError, match=f'{file}:\n  {key}: '):
        RunDirectory.open(tmp_path)


@pytest.mark.parametrize('text', ['[]', '7', '{"record": "x"}', '{"record": -1}', '{"x": 1}',
                                  '{"record": NaN}', '[' * 100_000])
def test_damaged_stages_are_refused(tmp_path, text):
    run = begin(tmp_path)
    (run.path / 'stages.json').write_text(text)
    with pytest.raises(RecordError, match=str(run.path / 'stages.json')):
        run.finished_stages()


@pytest.mark.parametrize('text', ['[]', '7', '{"record": 7}', '{"record": {"a": 1}}',
                                  '{"record": {"a": {"value": 1}}}',
                                  '{"record": {"a": {"value": 1, "from": 2}}}'])
def test_damaged_settings_are_refused(tmp_path, text):
    run = begin(tmp_path)
    run.used.write_text(text)
    for read in (lambda: run.stage_settings('record'), lambda: kept_settings(run.path)):
        with pytest.raises(RecordError, match=str(run.used)):
            read()


@pytest.mark.parametrize(('name', 'value'), [
    ('demonstrations', 'many'), ('simulation', 7), ('synchronous', 'x'), ('x', 1),
    ('evaluation', {'every': 'x'}), ('reset_seconds', 'x')])
def test_kept_settings_of_another_kind_are_refused(name, value):
    kept = {'simulation': Setting('', 'option'), name: Setting(value, 'option')}
    with pytest.raises(UsageError, match=f'the settings of the run:\n  {name}'):
        job_options(kept)


def test_a_full_disk_opens_a_run_and_leaves_no_half_written_settings(tmp_path):
    run = begin(tmp_path)
    path = run.finetune / 'config.yaml'
    with full_disk():
        assert RunDirectory.open(tmp_path).settings == run.settings
        FolderLock(run.path, 'a test').release()
        with pytest.raises(OSError):
            _keep_settings(path, {'m': 7})
    assert list(run.finetune.iterdir()) == []
    assert _keep_settings(path, {'m': 7}) == path
    assert _keep_settings(path, {'m': 7}) == path
    with pytest.raises(SettingsDiffer, match='m: 8 asked for, 7 in the run'):
        _keep_settings(path, {'m': 8})


def test_a_folder_without_a_run_is_said_to_have_none(tmp_path):
    with pytest.raises(RunDirectoryError, match='holds no run: run.json is missing. Give the '
                                                'folder of a run, or begin one there: inril'):
        RunDirectory.open(tmp_path)
    (tmp_path / 'run.json').write_text('{"task": "push"}')
    with pytest.raises(RunDirectoryError, match='missing'):
        RunDirectory.open(tmp_path)


@pytest.mark.parametrize(('stage', 'lacks', 'told'), [
    ('simulate', 'run', 'holds no run: there is no such folder. Give the folder of a run, or '
                        'begin one there: inril record'),
    ('evaluate', 'clone', 'evaluate cannot be up yet: '),
    ('finetune', 'demonstrations', 'has no demonstrations. Record some (inril record '),
    ('learn', 'clone', 'is missing, the cloned policy. Clone it: inril pretrain ')])
def test_up_says_what_is_missing_and_what_to_do(tmp_path, stage, lacks, told):
    if lacks != 'run':
        run = RunDirectory.create(tmp_path / 'run', replace(
            new_settings('t', 0, CONTRACT), simulation=''))
        if lacks == 'clone':
            (run.demonstrations / '0000').mkdir(parents=True)
            (run.demonstrations / '0000' / 'metadata.yaml').touch()
    assert told in refused('up', stage, '--run-dir', tmp_path / 'run')
