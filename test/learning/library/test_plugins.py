# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Hosts, policies, controllers and imitation sources of other packages, by entry points.

A package is a folder on the path with its metadata beside it, as pip installs it.
"""
from __future__ import annotations

from pathlib import Path
import re
import shutil
import sys

from doors import demonstrations, TASK
import gymnasium
import pytest

from inril_ros.bench.identity import code_hash
from inril_ros.cli.run.given_settings import cloning_settings
from inril_ros.learning import fit, FitConfig, load_policy, PretrainConfig, save_policy
from inril_ros.learning.hosts.settings.off_policy import IDQLConfig
from inril_ros.learning.interleave.schedule import AdaptiveSchedule
from inril_ros.learning.plugins.registry import plugin_sources
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.session_config import SessionConfig

DOCS = Path(__file__).resolve().parents[3] / 'docs/how_to'
MODULE = 'my_plugins'
QUICK = {'warmup_steps': 10, 'warmup_updates': 1, 'batch': 8, 'updates_per_step': 0.2}


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that installs a package: its entry points and its module's text."""
    monkeypatch.syspath_prepend(tmp_path)

    def installed(package: str, entry_points: str, module: str = '') -> None:
        info = tmp_path / f'{package}-1.0.dist-info'
        info.mkdir()
        (info / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n')
        (info / 'entry_points.txt').write_text(entry_points)
        if module:
            (tmp_path / f'{package}.py').write_text(module)

    yield installed
    for path in tmp_path.glob('*.py'):
        sys.modules.pop(path.stem, None)


@pytest.fixture
def documented(install, tmp_path):
    """Install the example of the page, with the entry points that the page shows."""
    page = (DOCS / 'library.md').read_text(encoding='utf-8')
    toml = re.search(r'```toml\n(.*?)```', page, re.DOTALL)[1]
    lines = [re.sub(r'^\[project\.entry-points\."(.*)"\]$', r'[\1]', line).replace('"', '')
             for line in toml.splitlines()]
    install(MODULE, '\n'.join(lines))
    shutil.copy(DOCS / 'library/my_plugins.py', tmp_path)


def test_the_example_of_the_page_runs_without_editing_the_package(documented, tmp_path):
    code = (DOCS / 'library/my_plugins.py').read_text(encoding='utf-8')
    assert len(code.splitlines()) <= 65  # with the header
    page = (DOCS / 'library.md').read_text(encoding='utf-8')
    session = SessionConfig.from_mapping(eval(
        re.search(r'SessionConfig\.from_mapping\((\{.*?\})\)', page, re.DOTALL)[1]))
    assert session.to_mapping()['host']['name'] == 'hurried'
    assert SessionConfig.from_mapping(session.to_mapping()) == session
    session = SessionConfig.from_mapping({
        **session.to_mapping(), 'imitation_batch': 8,
        'host': {**session.to_mapping()['host'], **QUICK}})
    fitted = fit(gymnasium.make(TASK), demonstrations(6), FitConfig(
        env_steps=100, evaluate_every=100, evaluation_episodes=2, device='cpu', session=session,
        model={'actor_width': 8, 'critic_width': 8, 'reach': 0.4},
        cloning=PretrainConfig(steps=2, batch=8)), watch=lambda progress: None)

    # Each of the four was at work.
    own = sys.modules[MODULE]
    assert type(fitted.session.host) is own.HurriedIDQL and session.host.cost == 0.02
    assert type(fitted.policy) is own.SteadyPolicy
    schedule = fitted.session.schedule
    assert isinstance(schedule, AdaptiveSchedule) and schedule.events > 1
    assert type(schedule.controller) is own.RisingM and schedule.controller.m > session.m
    assert fitted.session.il_updates > 0

    # Its own settings are saved with the weights.
    save_policy(tmp_path / 'model', fitted.policy)
    loaded = load_policy(tmp_path / 'model')
    assert type(loaded) is own.SteadyPolicy and loaded.config == fitted.policy.config
    assert loaded.config.reach == 0.4


def test_a_settings_file_has_the_settings_of_a_policy_of_a_plugin(documented, tmp_path):
    path = tmp_path / 'settings.yaml'
    path.write_text('{host: hurried, model: {reach: 0.4}}')
    assert cloning_settings(path, {})['model.reach'].value == 0.4
    path.write_text('{model: {reach: 0.4}}')
    with pytest.raises(ValueError, match='unknown keys'):
        cloning_settings(path, {})


def test_a_saved_session_with_plugins_continues_bit_for_bit(documented):
    session = SessionConfig.from_mapping({
        'host': {'name': 'hurried', **QUICK}, 'schedule': 'rising', 'imitation_source': 'newest',
        'imitation_batch': 8})
    config = FitConfig(
        env_steps=50, evaluate_every=50, evaluation_episodes=1, device='cpu', session=session,
        model={'actor_width': 8, 'critic_width': 8}, cloning=PretrainConfig(steps=2, batch=8))
    first, second = (fit(gymnasium.make(TASK), demonstrations(6), config,
                         watch=lambda progress: None).session for _ in range(2))
    tensors, document = first.state_dict()
    second.load_state_dict(tensors, document)
    assert first.update() == second.update()


@pytest.mark.parametrize(('settings', 'complaint'), [
    ({'host': {'name': 'nobody'}},
     r"SessionConfig.host: 'nobody' is unknown; allowed are \[.*'hurried', 'idql'.*"
     r'plug-in of the group inril_ros.hosts'),
    ({'schedule': 'nobody'}, r"schedule: 'nobody' is unknown; .*'model', 'random', 'rising'\]"),
    ({'imitation_source': 'nobody'}, r"imitation_source: 'nobody' is unknown; .*'newest'"),
    ({'host': {'name': 'hurried', 'cost': 2.0}}, r'HurriedConfig.cost: 2.0 is not in \[0'),
    ({'host': {'name': 'hurried', 'costs': 0.1}}, r"HurriedConfig: unknown keys \['costs'\]")])
def test_an_unknown_name_is_refused_and_the_known_ones_are_listed(
        documented, settings, complaint):
    with pytest.raises(ValueError, match=complaint):
        SessionConfig.from_mapping(settings)


def test_a_model_of_an_unknown_kind_is_refused_and_the_known_ones_are_listed(documented):
    with pytest.raises(ValueError, match=r"ModelConfig.kind: 'nobody' .*'residual', 'steady', 's"):
        ModelConfig.from_json('{"observation_size": 1, "action_size": 1, "kind": "nobody"}')
    with pytest.raises(ValueError, match=r"kind: a policy of kind 'steady' is configured by"):
        ModelConfig(1, 1, kind='steady')


def test_a_broken_plugin_is_named_with_its_package_and_harms_no_other(install, documented):
    install('broken', '[inril_ros.hosts]\nfallen = broken:Config\n', 'import no_such_module\n')
    with pytest.raises(ValueError, match=(
            r"SessionConfig.host: the plug-in 'fallen' of broken \(broken:Config\) is broken: "
            r"ModuleNotFoundError: No module named 'no_such_module'")):
        SessionConfig.from_mapping({'host': 'fallen'})
    assert SessionConfig.from_mapping({'host': 'hurried'}).host.POLICY_KIND == 'steady'


def test_a_study_made_with_other_code_of_a_plugin_is_another_study(documented, tmp_path):
    code_hash.cache_clear()
    before = code_hash()
    with open(tmp_path / f'{MODULE}.py', 'a') as file:
        file.write('# another comment\n')
    code_hash.cache_clear()
    assert code_hash() != before
    (tmp_path / f'{MODULE}-1.0.dist-info/entry_points.txt').write_text('')
    code_hash.cache_clear()
    assert code_hash() not in ('', before)
    assert plugin_sources() == []
    code_hash.cache_clear()


def test_what_is_no_host_is_refused(install):
    install('other', '[inril_ros.hosts]\nthing = other:thing\n', 'thing = 3\n')
    with pytest.raises(ValueError, match=r"'thing' of the group inril_ros.hosts registers 3, "
                                         'which is no subclass of HostConfig'):
        SessionConfig.from_mapping({'host': 'thing'})


def test_a_name_that_two_packages_register_is_refused(install):
    for package in ('one', 'two'):
        install(package, f'[inril_ros.hosts]\nsame = {package}:thing\n', 'thing = 3\n')
    with pytest.raises(ValueError, match=r"'same' is registered more than once, by .*uninstall"):
        SessionConfig.from_mapping({'host': 'same'})


def test_settings_of_a_host_that_nobody_registers_are_refused(documented):
    class Unregistered(IDQLConfig):
        pass

    with pytest.raises(ValueError, match='Unregistered belongs to no host: no installed package'):
        SessionConfig(host=Unregistered()).to_mapping()


def test_rows_that_a_source_can_not_mean_are_refused(install):
    install('wrong', '[inril_ros.imitation_sources]\nbeyond = wrong:beyond\n',
            'import numpy\ndef beyond(memory, number, random):\n'
            '    return numpy.full(number, len(memory))\n')
    session = SessionConfig.from_mapping({
        'imitation_source': 'beyond', 'imitation_batch': 8, 'host': {'name': 'idql', **QUICK}})
    with pytest.raises(ValueError, match=r"imitation source 'beyond' returned .* from 0 to \d+"):
        fit(gymnasium.make(TASK), demonstrations(4), FitConfig(
            env_steps=50, evaluation_episodes=1, device='cpu', session=session,
            model={'actor_width': 8, 'critic_width': 8},
            cloning=PretrainConfig(steps=2, batch=8)), watch=lambda progress: None)


def test_a_source_sees_the_failures_too(install):
    install('all', '[inril_ros.imitation_sources]\nall = all:rows\n', (
        'others = []\ndef rows(memory, number, random):\n'
        '    others.append(len(memory.replay_rows) - len(memory.own_rows))\n'
        '    return random.choice(memory.demonstration_rows, number)\n'))
    session = SessionConfig.from_mapping({
        'imitation_source': 'all', 'imitation_batch': 8, 'host': {'name': 'idql', **QUICK}})
    fit(gymnasium.make(TASK), demonstrations(4), FitConfig(
        env_steps=80, evaluate_every=80, evaluation_episodes=1, device='cpu', session=session,
        model={'actor_width': 8, 'critic_width': 8}, cloning=PretrainConfig(steps=2, batch=8)),
        watch=lambda progress: None)
    assert sys.modules['all'].others[-1] > 0


def test_a_controller_that_needs_heldout_demonstrations_says_so(install):
    install('held', '[inril_ros.controllers]\nheld = held:Held\n', (
        'from inril_ros.learning.interleave.adaptive import Controller\n'
        'class Held(Controller):\n    needs_heldout = True\n'
        '    def __init__(self, limits, config):\n        super().__init__(limits)\n'
        '        self.seen = []\n'
        '    def observe(self, event):\n        self.seen.append(event.heldout_il_loss)\n'))
    session = SessionConfig.from_mapping({
        'schedule': 'held', 'imitation_batch': 8, 'host': {'name': 'idql', **QUICK}})

    def fitted(share: float):
        return fit(gymnasium.make(TASK), demonstrations(6), FitConfig(
            env_steps=60, evaluate_every=60, evaluation_episodes=1, device='cpu', session=session,
            model={'actor_width': 8, 'critic_width': 8},
            cloning=PretrainConfig(steps=2, batch=8, heldout_share=share)),
            watch=lambda progress: None)

    with pytest.raises(ValueError, match='schedule held: needs demonstrations kept out'):
        fitted(0.0)
    seen = fitted(0.2).session.schedule.controller.seen
    assert seen and all(loss > 0.0 for loss in seen)
