# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A settings file has its way where no option was given; a resumed run keeps what it had."""

from dataclasses import replace
import json
from pathlib import Path

import pytest
from stage_of_command import stage_of
import yaml

from inril_ros.cli.run.progress import Reporter
from inril_ros.cli.stages import stages
from inril_ros.cli.stages.job import Job, JobOptions
from inril_ros.cli.stages.pretrain import check_images
from inril_ros.data.run.run_directory import new_settings, RunDirectory
from inril_ros.data.run.settings import UsageError
from inril_ros.learning.hosts.settings.on_policy import DPPOConfig
from inril_ros.learning.session_config import SessionConfig

CONFIG = Path(__file__).parents[2] / 'config'
DPPO = CONFIG / 'hosts' / 'dppo.yaml'
M = SessionConfig().m


@pytest.fixture
def run(tmp_path):
    return RunDirectory.create(tmp_path / 'run', replace(new_settings(
        'reach', 0, CONFIG / 'robots' / 'metaworld_sawyer.yaml'), simulation=''))


def session_of(job):
    return SessionConfig.from_mapping(job.options.session)


def test_a_settings_file_has_its_way(run, tmp_path):
    for command in (('finetune', run.path), ('demo', '--run-dir', tmp_path / 'demo')):
        config = session_of(stage_of(*command, '--config', DPPO))
        assert (config.m, config.unit, config.il_steps) == (5, 'iteration', 50)
        assert isinstance(config.host, DPPOConfig)


def test_a_host_that_takes_no_updates_is_for_studies_only(run, tmp_path):
    path = tmp_path / 'settings.yaml'
    path.write_text('{m: null, host: noise_search}')
    with pytest.raises(UsageError, match='noise_search is for studies only'):
        stage_of('finetune', run.path, '--config', path)
    with pytest.raises(ValueError, match='settings.yaml: .*noise_search is for studies only'):
        SessionConfig.of_file(path, {'m': None, 'host': 'noise_search'})


@pytest.mark.parametrize(('text', 'options', 'expected'), [
    ('{imitation_source: mixture, intervention_share: 0.2}', (), ('mixture', M, 0.5, 0.2)),
    ('{imitation_source: mixture, m: 7}', ('--m', 3), ('mixture', 3, 0.5, 0.0)),
    ('{m: 7}', ('--il', 'own-successes'), ('own_successes', 7, 0.5, 0.0)),
    ('{m: null}', (), ('both', None, 0.5, 0.0)),
    ('{m: 7}', ('--rl-only',), ('both', None, 0.5, 0.0)),
    ('{}', ('--il', 'interventions'), ('interventions', M, 0.5, 0.0)),
    ('{}', ('--il', 'mixture', '--il-demonstrations', 0.25, '--il-interventions', 0.5),
     ('mixture', M, 0.25, 0.5))])
def test_a_given_option_has_the_last_word(run, tmp_path, text, options, expected):
    path = tmp_path / 'settings.yaml'
    path.write_text(text)
    config = session_of(stage_of('finetune', run.path, '--config', path, *options))
    assert (config.imitation_source, config.m, config.demonstration_share,
            config.intervention_share) == expected


@pytest.mark.parametrize(('options', 'told'), [
    (('--m', 4, '--rl-only'), '--rl-only and --m 4 exclude each other'),
    (('--il', 'all'), 'allowed are demos, own-successes, interventions, both, mixture'),
    (('--il-interventions', 0.2), 'imitated is both, and only mixture have this share'),
    (('--il', 'demos', '--il-demonstrations', 0.2), 'only both and mixture have this share')])
def test_an_option_without_effect_is_refused(run, options, told):
    with pytest.raises(UsageError, match=told):
        stage_of('finetune', run.path, *options)


def test_a_settings_file_says_how_to_clone_as_well(run, tmp_path):
    path = tmp_path / 'settings.yaml'
    path.write_text('{m: 7, pretrain: {steps: 9, batch: 32}, model: {actor_width: 64}}')
    for command in (('pretrain', run.path), ('demo', '--run-dir', tmp_path / 'demo')):
        options = stage_of(*command, '--config', path, '--clone-steps', 5).options
        assert options.pretrain == {'steps': 5, 'batch': 32}
        assert options.model == {'actor_width': 64}
    assert session_of(stage_of('finetune', run.path, '--config', path)).m == 7


def test_the_demo_with_cameras_has_its_own_defaults_and_options_still_win(tmp_path):
    job = stage_of('demo', '--run-dir', tmp_path / 'demo', '--cameras', '--demos', 7)
    assert job.contract.episode.classifier_judges and job.contract.policy_images
    assert job.run.settings.task == 'button-press'
    assert job.options.demonstrations == 7 and job.options.model['image_frozen']
    again = stage_of('demo', '--run-dir', tmp_path / 'demo', '--cameras', '--resume', '--steps', 9)
    assert again.contract.hash == job.contract.hash and again.options.env_steps == 9
    begun = stage_of('demo', '--run-dir', tmp_path / 'other', '--cameras', '--resume')
    assert begun.contract.hash == job.contract.hash, 'there was nothing to resume'


@pytest.mark.parametrize(('text', 'told'), [
    ('pretrain: {batch: 0}', 'batch 0 must be at least 1'),
    ('pretrain: {stepps: 9}', 'PretrainConfig: unknown keys'),
    ('pretrain: 5', 'PretrainConfig: expected a mapping'),
    ('model: 5', 'ModelConfig: expected a mapping'),
    ('model: {image_channels: 12}', 'image_channels: 12 is no multiple of 8'),
    ('model: {cameras: 2}', 'ModelConfig: unknown keys')])
def test_a_wrong_setting_of_cloning_is_told_with_its_file(run, tmp_path, text, told):
    path = tmp_path / 'settings.yaml'
    path.write_text(text)
    with pytest.raises(UsageError, match=f'settings.yaml: .*{told}'):
        stage_of('pretrain', run.path, '--config', path)


def test_frozen_image_networks_are_a_setting_of_the_model_and_need_images(run, tmp_path):
    assert stage_of('pretrain', run.path).options.model == {}
    job = stage_of('pretrain', run.path, '--freeze-images')
    assert job.options.model == {'image_frozen': True}
    for refuse in stages.run_all, lambda job: stages.run_stage(job, 'pretrain'):
        with pytest.raises(UsageError, match='image_frozen .* the policy sees no images'):
            refuse(job)
    seeing = RunDirectory.create(tmp_path / 'seeing', replace(new_settings(
        'reach', 0, CONFIG / 'robots' / 'metaworld_sawyer_cameras.yaml'), simulation=''))
    check_images(stage_of('pretrain', seeing.path, '--freeze-images'))


def test_each_value_says_where_it_comes_from(run):
    job = stage_of('finetune', run.path, '--config', DPPO, '--il', 'demos', '--steps', 300)
    used = job.options.settings('env_steps', 'session', 'synchronous')
    assert {name: (used[name].value, used[name].origin) for name in (
        'env_steps', 'session.imitation_source', 'session.m', 'session.host.name',
        'session.host.gamma', 'session.m_max', 'synchronous')} == {
        'env_steps': (300, 'option'), 'session.imitation_source': ('demonstrations', 'option'),
        'session.m': (5, f'file {DPPO}'), 'session.host.name': ('dppo', f'file {DPPO}'),
        'session.host.gamma': (DPPOConfig().gamma, 'default'), 'session.m_max': (30.0, 'default'),
        'synchronous': (False, 'default')}


def test_a_stage_prints_and_keeps_what_it_uses(run, monkeypatch, capsys):
    monkeypatch.setitem(stages._STAGES, 'record', ('', lambda job: {'demonstrations': 3}))
    job = Job(run, JobOptions(simulation='', demonstrations=3,
                              origins={'demonstrations': 'option'}), Reporter(json_output=True))
    stages.run_stage(job, 'record')
    expected = {'simulation': {'value': '', 'from': 'default'},
                'gazebo': {'value': False, 'from': 'default'},
                'demonstrations': {'value': 3, 'from': 'option'},
                'params_file': {'value': '', 'from': 'default'}}
    assert json.loads((run.path / 'settings.json').read_text()) == {'record': expected}
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert printed[1]['settings'] == expected
    assert printed[1]['text'] == 'with demonstrations 3 (option); 3 settings at their defaults'
    late = Job(run, JobOptions(simulation='', demonstrations=5,
                               origins={'demonstrations': 'option'}), Reporter(json_output=True))
    stages.run_stage(late, 'record')
    assert ('record: done before, with demonstrations 3 (5 is not used any more)'
            in capsys.readouterr().out)


def test_a_resumed_run_keeps_what_was_not_given_again(run):
    names = ('env_steps', 'session', 'simulation', 'synchronous')
    first = stage_of('finetune', run.path, '--config', DPPO, '--steps', 300, '--m', 2,
                   '--simulation', '')
    run.keep_settings('finetune', first.options.settings(*names))
    run.finetune.mkdir()
    again = stage_of('finetune', run.path, '--resume')
    assert again.options.session == first.options.session
    assert (again.options.env_steps, again.options.simulation) == (300, '')
    assert again.options.settings(*names) == first.options.settings(*names)
    longer = stage_of('finetune', run.path, '--resume', '--steps', 600)
    assert (longer.options.env_steps, session_of(longer).m) == (600, 2)


def test_a_run_without_a_record_keeps_its_session(run):
    run.finetune.mkdir()
    (run.finetune / 'config.yaml').write_text(yaml.safe_dump({'m': 9, 'host': 'dppo'}))
    config = session_of(stage_of('finetune', run.path, '--resume'))
    assert config.m == 9 and isinstance(config.host, DPPOConfig)


def test_a_resumed_demo_is_of_the_same_task_and_seed(tmp_path):
    folder = tmp_path / 'run'
    first = stage_of('demo', '--run-dir', folder, '--task', 'reach', '--seed', 5)
    again = stage_of('demo', '--run-dir', folder, '--resume')
    assert again.run.settings == first.run.settings
    assert again.options.simulation == first.options.simulation


def test_fine_tuning_goes_on_with_the_settings_of_cloning(run):
    cloned = stage_of('pretrain', run.path, '--config', DPPO, '--clone-steps', 20)
    run.keep_settings('pretrain', cloned.options.settings('pretrain', 'session'))
    assert session_of(stage_of('finetune', run.path)) == session_of(cloned)
    assert stage_of('finetune', run.path).options.pretrain == {'steps': 20}


def test_a_schedule_that_needs_heldout_demonstrations_is_refused_before_cloning(
        run, tmp_path):
    path = tmp_path / 'settings.yaml'
    path.write_text('{host: rlpd, schedule: anchor}')
    for command in (('pretrain', run.path), ('demo', '--run-dir', tmp_path / 'demo')):
        with pytest.raises(UsageError, match='schedule anchor needs .* give --heldout-share'):
            stage_of(*command, '--config', path)
        stage_of(*command, '--config', path, '--heldout-share', 0.2)


@pytest.mark.parametrize(('text', 'options', 'every', 'episodes'), [
    ('{}', (), 5000, 10),
    ('{evaluation: {every: 700}}', (), 700, 10),
    ('{evaluation: {every: 700, episodes: 4}}', ('--evaluation-block', 6), 700, 6),
    ('{evaluation: null}', (), 0, 10),
    ('{evaluation: {every: 700}}', ('--evaluation-every', 0), 0, 10)])
def test_blocks_of_evaluation_are_set_in_the_file_and_by_options(
        run, tmp_path, text, options, every, episodes):
    path = tmp_path / 'settings.yaml'
    path.write_text(text)
    job = stage_of('finetune', run.path, '--config', path, *options)
    assert job.options.evaluation == {'every': every, 'episodes': episodes}
    assert session_of(job) == SessionConfig()


@pytest.mark.parametrize(('text', 'complaint'), [
    ('{evaluation: 5000}', 'expected every and episodes'),
    ('{evaluation: {often: 3}}', 'unknown keys'),
    ('{evaluation: {every: -1}}', 'every: -1 is not in'),
    ('{evaluation: {episodes: 2.5}}', 'expected int')])
def test_wrong_blocks_of_evaluation_are_refused(run, tmp_path, text, complaint):
    path = tmp_path / 'settings.yaml'
    path.write_text(text)
    with pytest.raises(UsageError, match=complaint):
        stage_of('finetune', run.path, '--config', path)
