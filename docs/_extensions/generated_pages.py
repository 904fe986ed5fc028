# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Sphinx extension: fills pages of the reference from the code while they are read.

A page holds a comment line such as ``% generated: commands``; it is replaced by Markdown that is
made from the source that the page describes, so the reference can't differ from the code. A
comment such as ``<!-- needs: hardware -->`` before a block of commands becomes a note that says
why no test runs them.
"""

from collections.abc import Callable, Iterator
import json
from pathlib import Path
import re
from typing import Any

from sphinx.application import Sphinx
import typer

_STAGES = ('demo', 'record', 'pretrain', 'evaluate', 'finetune', 'report', 'up')
_FIRST = ('interleaver', 'host', 'policy', 'session')  # modules to read first
_LONG_KIND = 45  # characters
NEEDS = {
    'hardware': 'needs a robot', 'ros': 'needs a ROS 2 distribution', 'gazebo': 'needs Gazebo',
    'gpu': 'needs a GPU', 'machines': 'needs two machines', 'person': 'needs a person who drives',
    'recording': 'needs a recording of yours', 'file': 'needs a file of yours',
    'run': 'needs a run that is under way', 'privileges': 'needs root', 'docker': 'needs Docker'}
ROOT = Path(__file__).resolve().parents[2]
_PLACE = re.compile(r'^% generated: (\w+) ?(\S*)$', re.MULTILINE)
_NEED = re.compile(r'^( *)<!-- needs: (\w+) -->$', re.MULTILINE)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect('source-read', _fill)
    return {'parallel_read_safe': True}


def _fill(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = _PLACE.sub(
        lambda found: GENERATED[found[1]](*filter(None, [found[2]])), source[0])
    source[0] = _NEED.sub(lambda found: f'{found[1]}{{.needs}}\n{found[1]}Not run by the tests: '
                          f'{NEEDS[found[2]]}.\n', source[0])


def commands() -> str:
    """Return a section for each `inril` command: its help, arguments and options."""
    from inril_ros.cli.main import app

    return '\n'.join(_command('inril', typer.main.get_command(app)))


def command_tree() -> dict[str, Any]:
    """Return all commands by their full names, `inril` itself included."""
    from inril_ros.cli.main import app

    return dict(_walk('inril', typer.main.get_command(app)))


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    for child, each in getattr(command, 'commands', {}).items():
        yield from _walk(f'{name} {child}', each)


def _command(name: str, root: Any) -> Iterator[str]:
    places = {f'{name} {stage}': place for place, stage in enumerate(_STAGES)}
    for full_name, command in sorted(
            _walk(name, root),
            key=lambda each: places.get(' '.join(each[0].split()[:2]), len(places))
            if each[0] != name else -1):
        if full_name != 'inril':
            yield f'{"##" if full_name.count(" ") == 1 else "###"} `{full_name}`\n'
        yield _plain(command.help or '') + '\n'
        options = [each for each in command.params if each.name != 'help']
        if options:
            yield _table(('argument or option', 'meaning', 'default'),
                         [_parameter(each) for each in options])


def _plain(text: str) -> str:
    """Return a help text without Typer's markup; an indented example becomes code."""
    paragraphs = []
    for paragraph in re.split(r'\n\s*\n', text):
        example = re.match(r'\s+\[bold\](.*?)\[/bold\]\s*(.*)', paragraph, re.DOTALL)
        paragraphs.append(f'- `{example[1]}` {_joined(example[2])}'.rstrip() if example else
                          re.sub(r'\[/?bold\]', '`', _joined(paragraph)))
    return '\n\n'.join(paragraphs)


def _parameter(parameter: Any) -> tuple[str, str, str]:
    if parameter.param_type_name == 'argument':
        names, text = f'`{parameter.name.upper()}`', getattr(parameter, 'help', '') or ''
    else:
        names = ', '.join(f'`{name}`' for name in (*parameter.opts, *parameter.secondary_opts))
        text = parameter.help or ''
    default = parameter.default
    if parameter.required:
        shown = 'required'
    elif default is None or default is False or default in ('', ()) or callable(default):
        shown = ''
    else:
        shown = f'`{default}`'
    return names, _joined(text), shown


def contract() -> str:
    """Return a table of keys for the contract and for each of its parts."""
    schema = json.loads((ROOT / 'config/schema/contract.schema.json').read_text(encoding='utf-8'))
    parts = ['## The file\n', schema['description'] + '\n', _keys(schema)]
    for name, part in schema['$defs'].items():
        parts += [f'(contract-{name.lower()})=\n## {name}\n', part['description'] + '\n',
                  _keys(part)]
    return '\n'.join(parts)


def _keys(part: dict[str, Any]) -> str:
    required, rows = part.get('required', ()), []
    for key, value in part['properties'].items():
        kind, meaning = _kind(value), value.get('description', '')
        if len(kind) > _LONG_KIND and '](' not in kind:  # a long list of what is allowed
            kind, meaning = 'string', f'{meaning} Allowed: {kind.replace(" or ", ", ")}.'
        default = ('required' if key in required else
                   f'`{json.dumps(value["default"])}`' if 'default' in value else '')
        rows.append((f'`{key}`', kind, default, meaning))
    return _table(('key', 'type', 'default', 'meaning'), rows)


def _kind(value: dict[str, Any]) -> str:
    if '$ref' in value:
        name = value['$ref'].rpartition('/')[2]
        return f'[{name}](#contract-{name.lower()})'
    if 'enum' in value or 'const' in value:
        return ' or '.join(f'`{each}`' for each in value.get('enum', [value.get('const')]))
    if 'anyOf' in value:
        return ' or '.join(_kind(each) for each in value['anyOf'] if each.get('type') != 'null')
    if value.get('type') == 'array':
        if 'prefixItems' in value:
            return 'list of ' + str(len(value['prefixItems']))
        return f'list of {_kind(value.get("items", {}))}'
    if value.get('type') == 'object':
        inner = value.get('patternProperties') or {'': value.get('additionalProperties') or {}}
        return f'names to {_kind(next(iter(inner.values())))}'
    return str(value.get('type', 'any')) + _range(value)


def _range(value: dict[str, Any]) -> str:
    low = value.get('minimum', value.get('exclusiveMinimum'))
    high = value.get('maximum', value.get('exclusiveMaximum'))
    if low is None and high is None or max(abs(low or 0), abs(high or 0)) >= 1e9:
        return ''
    if high is None:
        return f', {">" if "exclusiveMinimum" in value else "≥"} {low:g}'
    if low is None:
        return f', {"<" if "exclusiveMaximum" in value else "≤"} {high:g}'
    return f', {low:g} to {high:g}'


def messages() -> str:
    """Return a section for each message: its comment, its fields, its constants."""
    return '\n'.join(_message(path) for path in sorted((ROOT / 'msg').glob('*.msg')))


def _message(path: Path) -> str:
    about, rows = [], []
    for line in path.read_text(encoding='utf-8').splitlines():
        declaration, _, comment = (part.strip() for part in line.partition('#'))
        if not declaration:
            if comment and not rows:
                about.append(comment)
            elif comment:  # a line of its own: it continues, or explains what follows
                rows.append(('', '', comment))
            continue
        kind, name = declaration.split(maxsplit=1)
        rows.append((f'`{name}`', f'`{kind}`', comment))
    return f'## {path.stem}\n\n{_joined(" ".join(about))}\n\n' + _table(
        ('field', 'type', 'meaning'), rows)


def modules(package: str) -> str:
    """Return an autodoc directive for each module of a package, without those of its folders."""
    folder = ROOT / package.replace('.', '/')
    files = sorted(folder.glob('*.py'), key=lambda path: (path.stem not in _FIRST, path.stem))
    return '\n'.join(
        f'## {path.stem}\n\n```{{eval-rst}}\n.. automodule:: {package}.{path.stem}\n```\n'
        for path in files if path.name != '__init__.py')


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ('---',) * len(head), *rows]
    return '\n'.join('| ' + ' | '.join(cell.replace('|', '\\|') for cell in line) + ' |'
                     for line in lines) + '\n'


def _joined(text: str) -> str:
    return re.sub(r'\s+', ' ', text).strip()


GENERATED: dict[str, Callable[..., str]] = {
    'commands': commands, 'contract': contract, 'messages': messages, 'modules': modules}
