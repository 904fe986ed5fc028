# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A few lines that stand for ``launch`` and ``launch_ros``, which no Python package index has.

They keep what the actions are made with, and perform a description as launch does: arguments set
what isn't set yet, included files see and set the same configuration.
"""

from contextlib import contextmanager
import importlib.util
from pathlib import Path
import sys
from types import ModuleType
from unittest.mock import patch

FOLDER = Path(__file__).parents[2] / 'launch'


class Recorded:
    """Keeps what it was made with."""

    def __init__(self, *arguments, **settings):
        self.arguments = arguments
        self.settings = settings


class Node(Recorded):
    pass


class Declare(Recorded):
    pass


class Include(Recorded):
    pass


class Opaque(Recorded):
    pass


class Substitution(Recorded):
    def perform(self, context):
        return context[self.arguments[0]]


class Join(Recorded):
    def perform(self, context):
        return '/'.join(perform(part, context) for part in self.arguments[0])


class Share(Recorded):
    def perform(self, context):
        return f'share/{self.arguments[0]}'


class Differs(Recorded):
    def perform(self, context):
        first, second = (perform(each, context) for each in self.arguments)
        return 'true' if first != second else 'false'


class Condition(Recorded):
    def holds(self, context):
        return perform(self.arguments[0], context) == 'true'


class Missing(RuntimeError):
    """A launch argument that has no default was not given."""


def perform(value, context):
    return value.perform(context) if hasattr(value, 'perform') else value


MODULES = {
    'launch': {'LaunchContext': dict, 'LaunchDescription': list},
    'launch.actions': {'DeclareLaunchArgument': Declare, 'IncludeLaunchDescription': Include,
                       'LogInfo': Recorded, 'OpaqueFunction': Opaque, 'Shutdown': Recorded},
    'launch.conditions': {'IfCondition': Condition},
    'launch.substitutions': {
        'Command': Recorded, 'LaunchConfiguration': Substitution,
        'NotEqualsSubstitution': Differs, 'PathJoinSubstitution': Join},
    'launch_ros': {},
    'launch_ros.actions': {'Node': Node},
    'launch_ros.parameter_descriptions': {'ParameterValue': Recorded},
    'launch_ros.substitutions': {'FindPackageShare': Share},
}


@contextmanager
def stubbed():
    """Let launch files import what stands for launch."""
    modules = {}
    for name, content in MODULES.items():
        modules[name] = ModuleType(name)
        vars(modules[name]).update(content)
    with patch.dict(sys.modules, modules):
        yield


def load(path):
    """Import a launch file."""
    specification = importlib.util.spec_from_file_location('launch_file', path)
    loaded = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(loaded)
    return loaded


def started(name, folder=FOLDER, **given):
    """Perform a launch file; return its nodes, the files of others it includes, and what it set.

    Raises:
        Missing: An argument without a default was not given.
    """
    context, nodes, others = dict(given), [], []
    with stubbed():
        _visit(load(folder / f'{name}.launch.py').generate_launch_description(), context, nodes,
               others)
    return nodes, others, context


def declared(name):
    """Return the arguments that a launch file declares itself, by name."""
    with stubbed():
        return {entry.arguments[0]: entry.settings
                for entry in load(FOLDER / f'{name}.launch.py').generate_launch_description()
                if isinstance(entry, Declare)}


def _visit(entries, context, nodes, others):
    for entry in entries:
        condition = entry.settings.get('condition')
        if condition is not None and not condition.holds(context):
            continue
        if isinstance(entry, Declare):
            _declare(entry, context)
        elif isinstance(entry, Node):
            nodes.append(entry.settings)
        elif isinstance(entry, Opaque):
            _visit(entry.settings['function'](context), context, nodes, others)
        elif isinstance(entry, Include):
            arguments = {key: perform(value, context) for key, value in
                         entry.settings.get('launch_arguments', ())}
            path = perform(entry.arguments[0], context)
            context.update(arguments)
            if Path(path).is_file():
                _visit(load(path).generate_launch_description(), context, nodes, others)
            else:
                others.append((path, arguments))


def _declare(entry, context):
    name, settings = entry.arguments[0], entry.settings
    if name not in context:
        if settings.get('default_value') is None:
            raise Missing(name)
        context[name] = perform(settings['default_value'], context)
    choices = settings.get('choices')
    assert not choices or context[name] in choices, f'{name} is {context[name]!r}'
