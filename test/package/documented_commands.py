# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The commands in the documentation: found in its pages, and checked without running them."""

from dataclasses import dataclass
import importlib.util
from pathlib import Path
import re
import shlex
import sys
from typing import Any

import typer

from inril_ros.cli.main import app
from inril_ros.cli.run.resources import find_configuration

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'test/graph_description'))
from launch_stub import declared  # noqa: E402

_BLOCK = re.compile(r'(?:^ *<!-- needs: (?P<needs>\w+) -->\n)?^(?P<indent> *)```bash\n'
                    r'(?P<text>.*?)^(?P=indent)```$', re.MULTILINE | re.DOTALL)
_HERE = re.compile(r'^(?:config|scripts|docs|test|benchmarks|launch)/')
_SHELL = {'source', 'export', 'cd'}
# Options and arguments that take the name of a shipped file instead of a path.
_NAMED = {'contract': 'robots', 'simulation': 'simulations', 'settings': 'teleoperation',
          'study': 'studies'}


@dataclass(frozen=True)
class Command:
    """One command of a page."""

    page: str
    line: int
    needs: str | None
    """The requirement that keeps tests from running it; None if there is none."""
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f'{self.page}:{self.line}: {" ".join(self.words)}'


def commands_of(page: Path) -> list[Command]:
    """Return the commands in the blocks of a page that are marked as bash."""
    text, found = page.read_text(encoding='utf-8'), []
    for block in _BLOCK.finditer(text):
        line = text[:block.start('text')].count('\n') + 1
        joined = block['text'].replace('\\\n', ' ')
        for words in (shlex.split(part, comments=True) for part in joined.splitlines()):
            for piece in _separated(words):
                found.append(Command(page.relative_to(ROOT).as_posix(), line, block['needs'],
                                     tuple(piece)))
    return found


def _separated(words: list[str]) -> list[list[str]]:
    pieces: list[list[str]] = [[]]
    for word in words:
        if word == '&&':
            pieces.append([])
        else:
            pieces[-1].append(word)
    return [piece for piece in pieces if piece]


def check(command: Command) -> None:
    """Raise an error unless the command, its options and the files that it names exist."""
    first, rest = command.words[0], list(command.words[1:])
    for word in command.words:
        path = word.rpartition(':=')[2].removeprefix('$PWD/')
        if _HERE.match(path) and not path.endswith('/_site'):
            assert (ROOT / path).exists(), f'{command}: {path} is not there'
    if first == 'inril':
        _check_inril(command, rest)
    elif command.words[:3] == ('ros2', 'launch', 'inril_ros'):
        _check_launch(command, rest[2:])
    elif command.words[:3] == ('ros2', 'run', 'inril_ros'):
        assert (ROOT / f'inril_ros/nodes/{rest[2]}.py').is_file(), str(command)
    elif first in ('python', 'python3') and rest[0] == '-m':
        assert importlib.util.find_spec(rest[1]), str(command)
    elif first in ('python', 'python3', 'sphinx-build') or _HERE.match(first) or first in _SHELL:
        pass
    else:
        assert command.needs, f'{command}: not a command of ours, and not marked'
    if first == 'ros2':
        assert command.needs, f'{command}: needs ROS, and is not marked'


def options_of(words: list[str]) -> set[str]:
    """Return the options of the `inril` command that the words begin with."""
    return {name for parameter in _inril(words[1:])[0].params for name in parameter.opts}


def _inril(words: list[str]) -> tuple[Any, list[str]]:
    """Return the command that the words name, and the remaining words."""
    command, rest = typer.main.get_command(app), list(words)
    while rest and rest[0] in getattr(command, 'commands', {}):
        command = command.commands[rest.pop(0)]
    return command, rest


def _check_inril(command: Command, words: list[str]) -> None:
    parsed, rest = _inril(words)
    alone = not hasattr(parsed, 'commands') or parsed.invoke_without_command
    assert alone, f'{command}: no such command'
    context = parsed.make_context(str(command), rest)  # refuses unknown options
    for parameter, value in context.params.items():
        named = parameter in _NAMED and isinstance(value, str) and value
        if named and not value.endswith('.yaml'):
            find_configuration(_NAMED[parameter], value)


def _check_launch(command: Command, words: list[str]) -> None:
    file, arguments = words[0], [word.partition(':=')[0] for word in words[1:]]
    known = {*declared(file.removesuffix('.launch.py')), *declared('robot')}
    assert set(arguments) <= known, f'{command}: unknown {sorted(set(arguments) - known)}'
