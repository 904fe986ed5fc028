# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings from a file and from options of the command line, which have the last word."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from inril_ros.cli.run.resources import find_configuration
from inril_ros.data.run.evaluation_blocks import EvaluationBlocks
from inril_ros.data.run.settings import (
    DEFAULT,
    flat,
    nested,
    OPTION,
    part,
    Setting,
    Settings,
    settings_of_file,
    UsageError,
)
from inril_ros.learning.configuration import from_mapping

# Settings of a model that follow from the contract, with sizes that suit all others.
_OF_CONTRACT = {'observation_size': 1, 'action_size': 1, 'cameras': 1, 'image_height': 512,
                'image_width': 512}


def given(**options: Any) -> Settings:
    """Return the options that were given; None and a flag that is off mean: not given."""
    return {name: Setting(value, OPTION) for name, value in options.items()
            if value is not None and value is not False}


def session_settings(path: Path | None, kept: Settings, options: Settings) -> Settings:
    """Return all settings of a fine-tuning session, without a prefix.

    Args:
        path: Settings file; None: what is kept, else ``config/finetune.yaml``.
        kept: Settings of the run that is resumed.
        options: What was given on the command line; it has the last word.

    Raises:
        UsageError: The file isn't YAML, or a setting is refused.
    """
    from inril_ros.learning.hosts.settings.names import host_name
    from inril_ros.learning.session_config import OTHER_KEYS, SessionConfig

    source, whole = _file_settings(path, kept)
    if whole is not None:
        kept = {name: setting for name, setting in whole.items()
                if name.split('.')[0] not in OTHER_KEYS}
    try:
        config = SessionConfig.from_mapping(nested({
            name: setting.value for name, setting in {**kept, **options}.items()}))
        config.check_for_robots()
    except ValueError as error:
        raise UsageError(f'{source}: {error}') from error
    found = {**kept, **options}
    values = {**asdict(config), 'host': {'name': host_name(config.host), **asdict(config.host)}}
    return {name: Setting(value, found[name].origin if name in found else DEFAULT)
            for name, value in flat(values)}


def cloning_settings(path: Path | None, options: Settings) -> Settings:
    """Return settings of cloning: the keys ``pretrain`` and ``model`` of a settings file.

    Args:
        path: Settings file; None: no file says anything about cloning.
        options: What was given on the command line; it has the last word.

    Raises:
        UsageError: The file isn't YAML, or a setting is refused.
    """
    from inril_ros.learning.session_config import CLONING_KEYS, SessionConfig

    whole = {} if path is None else settings_of_file(path)
    found = {name: setting for name, setting in whole.items()
             if name.split('.')[0] in CLONING_KEYS} | options
    if not found:
        return {}
    from inril_ros.learning.policies.model_config import config_class
    from inril_ros.learning.pretrain import PretrainConfig

    values = nested({name: setting.value for name, setting in (whole | found).items()})
    try:
        kind = SessionConfig.of_content(values).host.POLICY_KIND
        from_mapping(PretrainConfig, values.get('pretrain', {}))
        from_mapping(config_class(kind), values.get('model', {}), kind=kind, **_OF_CONTRACT)
    except ValueError as error:
        raise UsageError(f'{path or "the options"}: {error}') from error
    return found


def evaluation_settings(path: Path | None, kept: Settings, options: Settings) -> Settings:
    """Return the blocks of evaluation that judge versions: the key ``evaluation`` of the settings.

    Args:
        path: Settings file; None: what is kept, else ``config/finetune.yaml``.
        kept: Settings of the blocks in the run that is resumed.
        options: What was given on the command line; it has the last word.

    Raises:
        UsageError: The file isn't YAML, or a setting is refused.
    """
    source, whole = _file_settings(path, kept)
    if whole is not None:
        kept = part(whole, 'evaluation')
        if 'evaluation' in whole:  # not a mapping
            switched = whole['evaluation']
            if switched.value is not None:
                raise UsageError(f'{source}: evaluation: expected every and episodes, or null for '
                                 f'no evaluation, got {switched.value!r}')
            kept = {'every': Setting(0, switched.origin)}
    found = {**kept, **options}
    try:
        blocks = from_mapping(EvaluationBlocks, nested({
            name: setting.value for name, setting in found.items()}))
    except ValueError as error:
        raise UsageError(f'{source}: {error}') from error
    return {name: Setting(value, found[name].origin if name in found else DEFAULT)
            for name, value in asdict(blocks).items()}


def _file_settings(path: Path | None, kept: Settings) -> tuple[str, Settings | None]:
    """Return what settings come from, and those of the file; None: what is kept counts."""
    if path is None and kept:
        return 'the settings of the run', None
    path = path or find_configuration('', 'finetune')
    return str(path), settings_of_file(path)
