# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a run uses, and where each value comes from: a default, a file or an option.

An option that was not given changes nothing: the settings file, or the run that is resumed, keeps
its value. Settings are flat, with dotted names: ``env_steps``, ``session.m``,
``session.host.name``, ``pretrain.steps``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inril_ros.cli.run.judgements import EvaluationBlocks
from inril_ros.cli.run.resources import find_configuration
from inril_ros.data.record_files import read_record, RecordError
from inril_ros.learning.configuration import from_mapping
from inril_ros.robot.yaml_file import load_yaml

DEFAULT, OPTION = 'default', 'option'
# Stages of a run, the one that later ones follow last: an evaluation may be of another robot.
_PRECEDENCE = ('evaluate_pretrained', 'evaluate_finetuned', 'record', 'pretrain', 'finetune')


class UsageError(ValueError):
    """A value that an option or a settings file can't have; the message says what is allowed."""


@dataclass(frozen=True)
class Setting:
    """A value, and where it comes from: ``default``, ``option`` or ``file <path>``."""

    value: Any
    origin: str


Settings = dict[str, Setting]


def given(**options: Any) -> Settings:
    """Return the options that were given; None and a flag that is off mean: not given."""
    return {name: Setting(value, OPTION) for name, value in options.items()
            if value is not None and value is not False}


def flat(values: Mapping[str, Any], prefix: str = '') -> Iterator[tuple[str, Any]]:
    """Yield nested mappings as dotted names and values."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f'{prefix}{name}.')
        else:
            yield f'{prefix}{name}', value


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted names and values as nested mappings.

    Raises:
        UsageError: A name is both a value and a group of others.
    """
    whole: dict[str, Any] = {}
    for name, value in values.items():
        *above, last = name.split('.')
        place = whole
        for group in above:
            place = place.setdefault(group, {})
            if not isinstance(place, dict):
                raise UsageError(f'{name}: {group} has a value of its own, and is no group of '
                                 'settings')
        place[last] = value
    return whole


def part(settings: Settings, prefix: str) -> Settings:
    """Return the settings below a prefix, without it."""
    start = len(prefix) + 1
    return {name[start:]: setting for name, setting in settings.items()
            if name.startswith(f'{prefix}.')}


def session_settings(path: Path | None, kept: Settings, options: Settings) -> Settings:
    """Return all settings of a fine-tuning session, without a prefix.

    Args:
        path: Settings file; None: what is kept, else ``config/finetune.yaml``.
        kept: Settings of the run that is resumed.
        options: What was given on the command line; it has the last word.

    Raises:
        UsageError: The file isn't YAML, or a setting is refused.
    """
    from inril_ros.learning.hosts.catalogue import host_name
    from inril_ros.learning.session_config import SessionConfig

    source, whole = _file_settings(path, kept)
    if whole is not None:
        kept = {name: setting for name, setting in whole.items()
                if name.split('.')[0] != 'evaluation'}  # see evaluation_settings
    try:
        config = SessionConfig.from_mapping(nested({
            name: setting.value for name, setting in {**kept, **options}.items()}))
    except ValueError as error:
        raise UsageError(f'{source}: {error}') from error
    found = {**kept, **options}
    values = {**asdict(config), 'host': {'name': host_name(config.host), **asdict(config.host)}}
    return {name: Setting(value, found[name].origin if name in found else DEFAULT)
            for name, value in flat(values)}


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
    return str(path), _read(path)


def _read(path: Path) -> Settings:
    """Return the settings in a file."""
    content = load_yaml(path, UsageError)[0]
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise UsageError(f'{path}: expected a mapping, got {type(content).__name__}')
    if isinstance(content.get('host'), str):
        content = {**content, 'host': {'name': content['host']}}
    return {name: Setting(value, f'file {path}') for name, value in flat(content)}


def kept_settings(path: Path) -> Settings:
    """Return the settings that the stages of a run have used; none before its first one.

    Args:
        path: Folder of the run.

    Raises:
        RecordError: The file is damaged.
    """
    record, config = path / 'settings.json', path / 'finetune' / 'config.yaml'
    stages = read_record(record) if record.exists() else {}
    settings: Settings = {}
    for stage in _PRECEDENCE:
        settings |= from_record(stages.get(stage, {}), record)
    if config.exists() and not part(settings, 'session'):  # of a run without such a record
        settings |= {f'session.{name}': setting for name, setting in _read(config).items()}
    return settings


def as_record(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return settings as plain data."""
    return {name: {'value': setting.value, 'from': setting.origin}
            for name, setting in settings.items()}


def from_record(record: Any, source: Path) -> Settings:
    """Return what `as_record` was given.

    Raises:
        RecordError: It isn't that; the message names the source.
    """
    if not isinstance(record, Mapping) or not all(
            isinstance(entry, Mapping) and entry.keys() == {'value', 'from'}
            and isinstance(entry['from'], str) for entry in record.values()):
        raise RecordError(f'{source}: each setting of a stage must be an object of value and from')
    return {name: Setting(entry['value'], entry['from']) for name, entry in record.items()}


def in_words(settings: Settings) -> str:
    """Return in one line what is not at its default, by where it comes from."""
    places: dict[str, list[str]] = {}
    for name, setting in settings.items():
        places.setdefault(setting.origin, []).append(
            f'{name.removeprefix("session.")} {_text(setting.value)}')
    defaults = len(places.pop(DEFAULT, ()))
    parts = [f'{", ".join(texts)} ({origin})' for origin, texts in places.items()]
    return '; '.join([*parts, f'{defaults} settings at their defaults'] if defaults else parts)


def _text(value: Any) -> str:
    return 'none' if value is None or value == '' else str(value)
