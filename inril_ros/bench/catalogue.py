# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The catalogue for studies: tasks, hosts, and every setting with its default and meaning."""

import ast
from dataclasses import fields
import inspect
from pathlib import Path
import textwrap
from typing import Any

from inril_ros.bench.evaluation import Evaluation
from inril_ros.bench.robot_time import RobotTime
from inril_ros.bench.task import Demonstrations, Images, Shift
from inril_ros.learning.hosts.catalogue import HOSTS
from inril_ros.learning.interleave.control_names import CONTROLS
from inril_ros.learning.pretrain import PretrainConfig
from inril_ros.learning.session_config import SessionConfig
from inril_ros.robot.contract.schema import attribute_texts
from inril_ros.sim.mapping import load_mapping

_WIDTH = 98


def catalogue(configuration: Path) -> str:
    """Return the catalogue as text.

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
              'and action; demonstrations: source policy, d4rl or minari',
              'Quality of demonstrations (tasks: demonstrations)', _settings(Demonstrations),
              'Shift of the robot (tasks: shift)', _settings(Shift),
              'Cameras of the policy (tasks: images)', _settings(Images(('front',))),
              'Evaluation (evaluation)', _settings(Evaluation),
              'Time of a real arm and a person (robot)', _settings(RobotTime),
              'Interleaving (session)', _settings(SessionConfig, leave_out=('host',)),
              'Controls (session: control)',
              '\n'.join(_line(name, text) for name, text in CONTROLS.items()),
              'Cloning (pretrain)', _settings(PretrainConfig)]
    for name, (config, _) in sorted(HOSTS.items()):
        parts += [f'Host {name} (session: host: {{name: {name}, ...}})', _settings(config)]
    return '\n'.join(parts)


def _settings(config: Any, leave_out: tuple[str, ...] = ()) -> str:
    """Return a line for each field: name, default and description.

    Args:
        config: A dataclass, or an instance if not all its fields have defaults.
        leave_out: Names of fields to leave out.
    """
    instance = config() if isinstance(config, type) else config
    texts = {name: text for each in reversed(type(instance).__mro__[:-1])
             for name, text in _field_texts(each).items()}
    lines = []
    for field in fields(instance):
        if field.name in leave_out:
            continue
        value = getattr(instance, field.name)
        lines.append(_line(f'{field.name}: {"null" if value is None else value}',
                           texts.get(field.name, '')))
    return '\n'.join(lines)


def _line(head: str, text: str) -> str:
    return '\n'.join(textwrap.wrap(text, _WIDTH, initial_indent=f'  {head:<34}  ',
                                   subsequent_indent=' ' * 38) or [f'  {head}'])


def _field_texts(config: type) -> dict[str, str]:
    """Return the description of each field: below it, or under Attributes of the class."""
    body = ast.parse(textwrap.dedent(inspect.getsource(config))).body[0].body
    below = {field.target.id: ' '.join(text.value.value.split())
             for field, text in zip(body, body[1:])
             if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr)}
    return {**below, **attribute_texts(config.__doc__)}


def _wrapped(names: object) -> str:
    return textwrap.fill(', '.join(names), _WIDTH, initial_indent='  ', subsequent_indent='  ')
