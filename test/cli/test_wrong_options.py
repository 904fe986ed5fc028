# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Wrong options and files get one clear message, and no run is begun."""

import re

from command_line import refused
import pytest
from sawyer_contract import with_key


@pytest.mark.parametrize('command', ['demo', 'record'])
def test_an_unknown_task_is_answered_with_the_known_ones(command, tmp_path):
    run = tmp_path / 'run'
    where = ('--run-dir', run) if command == 'demo' else (run,)
    error = refused(command, *where, '--task', 'juggle')
    assert "no task 'juggle'" in error
    assert 'pick-place' in error and 'reach' in error
    assert not run.exists()


@pytest.mark.parametrize('contract', ['metawurld', 'missing.yaml'])
def test_an_unknown_contract_is_answered_with_the_known_ones(contract, tmp_path):
    run = tmp_path / 'run'
    error = refused('demo', '--run-dir', run, '--contract', contract)
    assert contract in error and 'metaworld_sawyer' in error
    assert not run.exists()


@pytest.mark.parametrize(('key', 'value', 'told'), [
    ('control_rat', 80.0, 'control_rat: unknown key'),
    ('observations.hand_position.max_age', 'old', 'observations.hand_position.max_age: .*number')])
def test_a_contract_with_a_wrong_key_is_told_with_file_and_key(key, value, told, tmp_path):
    run, contract = tmp_path / 'run', with_key(tmp_path / 'arm.yaml', key, value)
    error = refused('demo', '--run-dir', run, '--contract', contract)
    assert str(contract) in error
    assert re.search(told, error), error
    assert not run.exists()


@pytest.mark.parametrize(('text', 'told'), [
    ('updates_per_stp: 0.5', "unknown keys ['updates_per_stp']"),
    ('- gamma', 'expected a mapping'),
    ('gamma: [', 'while parsing')])
def test_wrong_settings_are_told_with_file_and_key(text, told, tmp_path):
    run, settings = tmp_path / 'run', tmp_path / 'settings.yaml'
    settings.write_text(text)
    error = refused('demo', '--run-dir', run, '--config', settings)
    assert told in error and str(settings) in error
    assert not run.exists()


@pytest.mark.parametrize(('option', 'value', 'told'), [
    ('--il', 'everything', 'demos, own-successes, interventions, both, mixture'),
    ('--m', '0', '--m'), ('--demos', 'ten', '--demos'), ('--speed', '9', '--speed')])
def test_a_wrong_option_is_told_with_what_is_allowed(option, value, told, tmp_path):
    run = tmp_path / 'run'
    assert told in refused('demo', '--run-dir', run, option, value)
    assert not run.exists()
