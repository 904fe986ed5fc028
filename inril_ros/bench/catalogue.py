# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a study may name: tasks, hosts, and every setting with its default and its meaning."""

import ast
from collections.abc import Mapping
from dataclasses import fields
import inspect
from pathlib import Path
import textwrap
from typing import Any

from inril_ros.bench.task import Demonstrations, Images, Shift
from inril_ros.learning.hosts.catalogue import HOSTS
from inril_ros.learning.interleave.controls import CONTROLS
from inril_ros.learning.pretrain import PretrainConfig
from inril_ros.learning.session_config import SessionConfig
from inril_ros.sim.mapping import load_mapping

_WIDTH = 98


def catalogue(configuration: Path) -> str:
    """Return it as text.

    Args:
        configuration: The folder ``config``.
    """
    parts = ['Studies (config/studies)',
             _wrapped(path.stem for path in sorted((configuration / 'studies').glob('*.yaml')))]
    for path in sorted((configuration / 'simulations').glob('*.yaml')):
        mapping = load_mapping(path)
        parts += [f'Tasks of simulation: {path.stem}', _wrapped(sorted(mapping.tasks))]
        plain = sorted(name for name, task in mapping.tasks.items() if task.operator == 'none')
        if plain:
            parts.append(textwrap.indent(
                f'without a scripted expert: {", ".join(plain)}', '  '))
    parts += ['Tasks of simulation: gymnasium', '  any Gymnasium id with vectors for observation '
              'and action; demonstrations: source policy',
              'Quality of demonstrations (tasks: demonstrations)', _settings(Demonstrations),
              'Shift of the robot (tasks: shift)', _settings(Shift),
              'Cameras of the policy (tasks: images)', _settings(Images(('front',))),
              'Interleaving (session)', _settings(SessionConfig, leave_out=('host',)),
              'Controls (session: control)', _described(CONTROLS),
             'Cloning (pretrain)', _settings(PretrainConfig)]
    for name, (config, _) in sorted(HOSTS.items()):
        parts += [f'Host {name} (session: host: {{name: {name}, ...}})', _settings(config)]
    return '\n'.join(parts)


def _settings(config: Any, leave_out: tuple[str, ...] = ()) -> str:
    """Return a line for each field: name, default, and what is said about it.

    Args:
        config: A dataclass, or an example of one that has no defaults for all.
        leave_out: Fields.
    """
    instance = config() if isinstance(config, type) else config
    words: dict[str, str] = {}
    for kind in reversed(type(instance).__mro__[:-1]):
        words |= _field_docs(kind)
    lines = []
    for field in fields(instance):
        if field.name in leave_out:
            continue
        value = getattr(instance, field.name)
        lines.append(_line(f'{field.name}: {"null" if value is None else value}',
                           words.get(field.name, '')))
    return '\n'.join(lines)


def _described(words: Mapping[str, str]) -> str:
    return '\n'.join(_line(name, said) for name, said in words.items())


def _line(head: str, said: str) -> str:
    return '\n'.join(textwrap.wrap(said, _WIDTH, initial_indent=f'  {head:<34}  ',
                                   subsequent_indent=' ' * 38) or [f'  {head}'])


def _field_docs(config: type) -> dict[str, str]:
    """Return what is written about each field: below it, or under Attributes of the class."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(config))).body[0]
    found: dict[str, str] = {}
    for statement, following in zip(tree.body, [*tree.body[1:], None]):
        if isinstance(statement, ast.AnnAssign) and isinstance(following, ast.Expr):
            found[statement.target.id] = ' '.join(following.value.value.split())
    name = None
    for line in (inspect.getdoc(config) or '').partition('Attributes:')[2].splitlines():
        if line.startswith('    ') and not line.startswith('     ') and ':' in line:
            name, _, line = line.strip().partition(':')
            found[name] = ''
        if name:
            found[name] = f'{found[name]} {line.strip()}'.strip()
    return found


def _wrapped(names: object) -> str:
    return textwrap.fill(', '.join(names), _WIDTH, initial_indent='  ', subsequent_indent='  ')
