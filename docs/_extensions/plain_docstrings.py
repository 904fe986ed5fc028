# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Sphinx extension: docstrings that are written to be read as text are shown as they are.

An indented block is an equation or an example and becomes a literal block; bars (norms, |x|) and
stars have no meaning of their own. A colon in the first line of an attribute's text is one, and
doesn't end a type, as napoleon would have it.
"""

import re
from typing import Any

from docutils.statemachine import StringList
from sphinx.application import Sphinx

_BEFORE_NAPOLEON, _AFTER_NAPOLEON = 100, 900
_ATTRIBUTES = ('attribute', 'data', 'property')
_MARKUP = re.compile(r'[|*]|(?<=\w)_(?!\w)')

_before: dict[str, list[str]] = {}
"""Texts of attributes as they were before napoleon, by the attribute's name."""


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.connect('autodoc-process-docstring', _adapt, priority=_BEFORE_NAPOLEON)
    app.connect('autodoc-process-docstring', _restore, priority=_AFTER_NAPOLEON)
    return {'parallel_read_safe': True}


def _adapt(app: Sphinx, kind: str, name: str, item: Any, options: Any,
           lines: StringList) -> None:
    lines[:] = adapted(list(lines))
    if kind in _ATTRIBUTES:
        _before[name] = list(lines)


def _restore(app: Sphinx, kind: str, name: str, item: Any, options: Any,
             lines: StringList) -> None:
    before = _before.pop(name, [])
    if before and not any(line in ('Raises:', 'Returns:', 'Args:') for line in before):
        lines[:] = before


def adapted(lines: list[str]) -> list[str]:
    """Return the lines of a docstring as reStructuredText."""
    result: list[str] = []
    last, block = 0, None  # indentation of the last line, and of the text around a block
    for number, line in enumerate(lines):
        if not line.strip():
            result.append(line)
            continue
        indent = len(line) - len(line.lstrip())
        if block is not None and indent <= block:
            block = None
        if block is None and number and not lines[number - 1].strip() and indent > last:
            block = last
            _announce(result, last)
        result.append(line if block is not None else _escaped(line))
        last = indent
    return result


def _announce(result: list[str], indent: int) -> None:
    """Make what follows a literal block."""
    while result and not result[-1].strip():
        result.pop()
    if result and result[-1].endswith(':'):
        result[-1] += ':'
    else:
        result += ['', ' ' * indent + '::']
    result.append('')


def _escaped(line: str) -> str:
    parts = line.split('`')
    return '`'.join(_MARKUP.sub(r'\\\g<0>', part) if index % 2 == 0 else part
                    for index, part in enumerate(parts))
