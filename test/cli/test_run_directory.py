# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A run's folder is begun once, resumed only as what it was, and never written over."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from inril_ros.cli.run.run_directory import new_settings, RunDirectory, RunDirectoryError
from inril_ros.robot.contract.contract import load_contract

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


def test_a_folder_without_a_run_is_said_to_have_none(tmp_path):
    with pytest.raises(RunDirectoryError, match='holds no run that can be read'):
        RunDirectory.open(tmp_path)
    (tmp_path / 'run.json').write_text('{"task": "push"}')
    with pytest.raises(RunDirectoryError, match='missing'):
        RunDirectory.open(tmp_path)
