# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The options of a graph whose episodes are those of a run: what isn't given is the run's.

So ``ros2 launch inril_ros finetune.launch.py run:=runs/a`` is enough, and what contradicts the run
is refused. A run that isn't there begins here, as ``inril record`` begins one.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from inril_ros.data.record_files import read_json, read_json_lines, write_whole
from inril_ros.data.run.best_model import best_model
from inril_ros.data.run.evaluation_blocks import blocks_of_run, EvaluationBlocks
from inril_ros.data.run.judgements import complete_blocks
from inril_ros.data.run.run_directory import new_settings, RunDirectory, RunDirectoryError
from inril_ros.graph.options import JUDGED_STAGES
from inril_ros.learning.session_config import OTHER_KEYS, SessionConfig
from inril_ros.robot.configuration_folder import configuration_folder
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.contract.rules import CLASSIFIER
from inril_ros.robot.yaml_file import load_yaml


class ContradictsRun(ValueError):
    """An option is not that of the run; the message says which, and what the run has."""


def completed(stage: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a stage, those that the run knows included.

    Args:
        stage: Name of the stage's graph.
        options: What was given, by the names of GraphOptions; empty: not given.

    Raises:
        ContradictsRun: An option is not that of the run.
        RunDirectoryError: The folder can't be used for a run.
        ValueError: The settings of its fine-tuning are wrong.
    """
    values = dict(options)
    if not values.get('run'):
        return values
    run = _opened(values)
    own = {'contract': str(run.contract), 'run_id': run.settings.run_id,
           'task': run.settings.task}
    if values.get('learner', True) or run.demonstrations.exists():
        own['demonstrations'] = str(run.demonstrations)  # a robot's machine may lack them
    if stage == 'evaluate':
        own['model'] = values.get('model') or str(_newest_model(run))
    if stage in ('finetune', 'learn'):
        config, blocks = _settings_of_fine_tuning(run, values.get('finetune_config', ''))
        own |= {'pretrained': str(run.pretrained), 'journal': str(run.finetune / 'journal'),
                'run_dir': str(run.finetune), 'finetune_config': str(config)}
        values['seed'] = values.get('seed') or run.settings.seed
        # Versions are judged where one robot shows all of them.
        if values.get('robots') or values.get('namespace'):
            blocks = replace(blocks, every=0)
        elif values.get('evaluation_every'):
            blocks = EvaluationBlocks(values['evaluation_every'], values['evaluation_episodes'])
        values |= {'evaluation_every': blocks.every, 'evaluation_episodes': blocks.episodes,
                   'held_versions': str(run.versions), 'hold_first': bool(blocks.every) and not
                   complete_blocks(read_json_lines(run.judgements))}
        if stage == 'finetune':
            values['longest_rollout'] = values.get('longest_rollout') or longest_rollout(
                run, config)
    own['judge'] = values.get('judge') or judge_of(run, stage)
    _check(run, values, own)
    return {**values, **own}


def judge_of(run: RunDirectory, stage: str) -> str:
    """Return the classifier that judges a stage by the contract; empty: none does.

    Raises:
        RunDirectoryError: It has not been trained yet.
    """
    if stage not in JUDGED_STAGES or \
            not load_contract(run.contract).episode.classifier_judges:
        return ''
    if not run.judge_model.exists():
        raise RunDirectoryError(
            f'{run.judge_model} is missing, the classifier that judges by the contract '
            f'(episode.judge: {CLASSIFIER}). Train it: inril reward train {run.path}')
    return str(run.judge_model)


def longest_rollout(run: RunDirectory, config: Path) -> int:
    """Return the ticks after which a settings file cuts an episode of learning; 0: it doesn't.

    Raises:
        ValueError: Something in the file is wrong.
    """
    if not run.pretrain_record.exists():
        return 0
    cloned = read_json(run.pretrain_record)
    session = SessionConfig.of_file(config, load_yaml(config, ValueError)[0])
    return session.longest_episode(cloned['transitions'] / cloned['demonstrations']) or 0


def _newest_model(run: RunDirectory) -> Path:
    return best_model(run) if run.finetuned.exists() else run.pretrained


def _opened(values: Mapping[str, Any]) -> RunDirectory:
    """Return the run, which begins now if its folder is not there."""
    path = Path(values['run'])
    if (path / 'run.json').exists():
        run = RunDirectory.open(path)
        run.check_meaning()
        return run
    contract = values.get('contract', '')
    if not contract:
        raise ContradictsRun(f'{path} holds no run yet: give the contract with which it begins')
    settings = new_settings(values.get('task') or load_contract(contract).name,
                            values.get('seed') or 0, contract)
    return RunDirectory.create(path, replace(
        settings, simulation=values.get('simulation', ''), gazebo=values.get('gazebo', False)))


def _settings_of_fine_tuning(run: RunDirectory, given: str) -> tuple[Path, EvaluationBlocks]:
    """Return the run's own copy of the settings, written when it begins, and its blocks."""
    source = Path(given) if given else configuration_folder() / 'finetune.yaml'
    if run.config.exists():
        if given and source.resolve() != run.config.resolve():
            raise ContradictsRun(f'{run.config} has the settings of this run: leave '
                                 'finetune_config out, or take a new folder')
        source = run.config
    content = load_yaml(source, ValueError)[0] or {}
    if not isinstance(content, dict):
        raise ValueError(f'{source}: expected a mapping, got {type(content).__name__}')
    blocks = blocks_of_run(run.stage_settings('finetune'), content)
    if not run.config.exists():
        write_whole(run.config, yaml.safe_dump(
            {name: value for name, value in content.items() if name not in OTHER_KEYS},
            sort_keys=True))
    return run.config, blocks


def _check(run: RunDirectory, values: Mapping[str, Any], own: Mapping[str, str]) -> None:
    """Check that what was given is that of the run.

    Raises:
        ContradictsRun: It isn't.
    """
    if values.get('contract') and \
            load_contract(values['contract']).hash != run.settings.contract_hash:
        raise ContradictsRun(f'{run.path} is a run with another contract than '
                             f'{values["contract"]}: leave contract out, or take a new folder')
    noted = run.settings.simulation
    asked = str(Path(values['simulation']).resolve()) if values.get('simulation') else ''
    if noted is not None and bool(noted) != bool(asked):
        raise ContradictsRun(f'{run.path} is a run on {noted or "a real arm"}, not on '
                             f'{asked or "a real arm"}: take a new folder')
    for name in ('run_id', 'task', 'pretrained', 'run_dir', 'journal', 'demonstrations'):
        if values.get(name) and name in own and not _same(values[name], own[name]):
            raise ContradictsRun(f'{name} {values[name]} is not that of the run {run.path}, '
                                 f'{own[name]}: leave {name} out')


def _same(one: str, other: str) -> bool:
    return one == other or Path(one).resolve() == Path(other).resolve()
