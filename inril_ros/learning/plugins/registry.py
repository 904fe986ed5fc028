# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Plug-ins by their names: entry points of installed packages, in one group per kind.

A package registers a name in its own metadata, and settings, model files and command lines then
take the name like a built-in one. Nothing is imported before its name is used. A name in a file
selects code that is installed on this machine; no file can bring code. Built-in names can't be
replaced.
"""
from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points, EntryPoint
from importlib.util import find_spec
from pathlib import Path
import reprlib
from typing import Any

HOSTS = 'inril_ros.hosts'
"""The settings of a host, a subclass of HostConfig with `host_class`."""
POLICIES = 'inril_ros.policies'
"""A subclass of Policy. Its `config_class`, if not ModelConfig itself, is a subclass of that."""
CONTROLLERS = 'inril_ros.controllers'
"""(limits, config) -> Controller, which chooses m."""
IMITATION_SOURCES = 'inril_ros.imitation_sources'
"""(memory, number, random) -> (number,) rows of the memory to imitate."""


class PluginError(ValueError):
    """No plug-in has this name, or the one that has it can't be used."""


def plugin(group: str, name: Any, where: str, built_in: Iterable[str]) -> Any:
    """Return what the plug-in of this name registers, for a name that is not built in.

    Args:
        group: The kind of plug-in.
        name: Its name, as it was configured.
        where: The setting that names it, for errors.
        built_in: Names that need no plug-in.

    Raises:
        PluginError: None has this name (all known names are listed), several have it, or its
            import fails (it is named, with the package that brings it).
    """
    found = [each for each in entry_points(group=group) if each.name == name]
    if not found:
        known = sorted({*built_in, *(each.name for each in entry_points(group=group))})
        raise PluginError(f'{where}: {reprlib.repr(name)} is unknown; allowed are {known}. '
                          f'Another name needs an installed plug-in of the group {group}')
    if len({each.value for each in found}) > 1:
        raise PluginError(f'{where}: {name!r} is registered more than once, by '
                          f'{" and ".join(map(_described, found))}; uninstall one of them')
    try:
        return found[0].load()
    except Exception as error:  # the import of a foreign module may raise anything
        raise PluginError(f'{where}: the plug-in {name!r} of {_described(found[0])} is broken: '
                          f'{type(error).__name__}: {error}') from error


def checked_class(found: Any, base: type, group: str, name: str) -> Any:
    """Return what a plug-in registers if it is a subclass of `base`; else raise a PluginError."""
    if not (isinstance(found, type) and issubclass(found, base)):
        raise PluginError(f'the plug-in {name!r} of the group {group} registers '
                          f'{reprlib.repr(found)}, which is no subclass of {base.__name__}')
    return found


def plugin_sources() -> list[tuple[Path, Path]]:
    """Return (folder, file) of each source of the packages that register plug-ins, in order.

    Nothing is imported.
    """
    files = set()
    for group in (HOSTS, POLICIES, CONTROLLERS, IMITATION_SOURCES):
        for each in entry_points(group=group):
            spec = find_spec(each.module.partition('.')[0])
            for place in () if spec is None else (
                    spec.submodule_search_locations or [spec.origin]):
                path = Path(place)
                files |= {(path.parent, file) for file in (
                    path.rglob('*.py') if path.is_dir() else [path])}
    return sorted(files, key=lambda pair: pair[1])


def registered_name(group: str, registered: Any) -> str | None:
    """Return the name under which an imported object is registered; None: under none."""
    value = f'{registered.__module__}:{registered.__qualname__}'
    return next((each.name for each in entry_points(group=group)
                 if each.value.replace(' ', '') == value), None)


def _described(entry: EntryPoint) -> str:
    package = 'an unknown package' if entry.dist is None else entry.dist.name
    return f'{package} ({entry.value})'
