# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Durations, numbers and names as a person reads them: in the unit of their size, not too many."""

from collections.abc import Iterable, Mapping
from reprlib import Repr
from typing import Any

_FEW = Repr()
_FEW.maxlist, _FEW.maxstring = 12, 60


def duration(seconds: float | None) -> str:
    """Return a duration [s] in the unit of its size, from µs to h; None: not known yet."""
    if seconds is None:
        return 'not known yet'
    if seconds < 0.0:
        return f'-{duration(-seconds)}'
    if round(seconds, 3) < 1.0:
        unit, factor = ('µs', 1e6) if 0.0 < seconds < 0.9995e-3 else ('ms', 1e3)
        return f'{number(factor * seconds)} {unit}' if seconds else '0 s'
    if seconds < 9.95:
        return f'{seconds:.1f} s'
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f'{hours} h {minutes:02d} min'
    return f'{minutes} min {rest:02d} s' if minutes else f'{rest} s'


def number(value: float) -> str:
    """Return a number with three digits; a large one with all before the point."""
    if abs(value) >= 999.5:
        return f'{value:.0f}'
    return f'{value:.3g}'


def facts_in_words(facts: Mapping[str, Any], between: str = ', ') -> str:
    """Return facts in one line, each as its name and its value."""
    return between.join(
        f'{name.replace("_", " ")} {number(value) if isinstance(value, float) else value}'
        for name, value in facts.items())


def few(names: Iterable[str]) -> str:
    """Return names as a list of which neither length nor number is without bound."""
    return _FEW.repr(list(names))


def quoted(text: str) -> str:
    """Return a text in quotes, of which only beginning and end are shown if it is long."""
    return _FEW.repr(text)


def time_unit(longest: float) -> tuple[str, float]:
    """Return the unit in which durations up to one [s] are shown, and how many are in a second."""
    if longest < 2.0:
        return 'ms', 1e3
    if longest < 300.0:
        return 's', 1.0
    return ('min', 1.0 / 60.0) if longest < 18_000.0 else ('h', 1.0 / 3600.0)
