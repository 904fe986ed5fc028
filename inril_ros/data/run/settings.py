# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a run uses, and where each value comes from: a default, a file or an option.

An option that was not given changes nothing: the settings file, or the run that is resumed, keeps
its value. Settings are flat, with dotted names: ``env_steps``, ``session.m``,
``session.host.name``, ``pretrain.steps``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inril_ros.data.record_files import read_record, RecordError
from inril_ros.robot.yaml_file import load_yaml

DEFAULT, OPTION = 'default', 'option'
#: How much a stage does if nothing else is said.
DEMONSTRATIONS, EVALUATION_EPISODES, ENV_STEPS = 5, 50, 10_000
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


def settings_of_file(path: Path) -> Settings:
    """Return the settings in a YAML file.

    Raises:
        UsageError: It isn't a mapping in YAML.
    """
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
        settings |= {f'session.{name}': setting
                     for name, setting in settings_of_file(config).items()}
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
