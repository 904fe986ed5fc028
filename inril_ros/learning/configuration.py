# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Builds a frozen configuration dataclass from plain data (a parsed YAML or JSON mapping).

A misspelt key that is silently ignored costs a training run, so unknown keys and wrong types are
refused, with the name of the key and the allowed values.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
import reprlib
import types
from typing import Any, ClassVar, get_args, get_origin, get_type_hints, TypeVar, Union

ConfigT = TypeVar('ConfigT')


def from_mapping(cls: type[ConfigT], values: Mapping[str, Any], **built: Any) -> ConfigT:
    """Return `cls(**values)` after checking the keys and the types of the values.

    Fields are scalars (bool, int, float or str), possibly None. An int is accepted for a float,
    a bool never for a number. `built` are fields that are not scalars.

    Raises:
        ValueError: Not a mapping, an unknown key, a wrong type, or a value that the dataclass
            refuses.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f'{cls.__name__}: expected a mapping, got {type(values).__name__}')
    hints = get_type_hints(cls)
    allowed = [field.name for field in fields(cls)  # type: ignore[arg-type]
               if field.name not in built]
    unknown = sorted(set(map(str, values)) - set(allowed))
    if unknown:
        raise ValueError(
            f'{cls.__name__}: unknown keys {reprlib.repr(unknown)}; allowed are {sorted(allowed)}')
    checked = {key: _checked(cls, key, value, hints[key]) for key, value in values.items()}
    try:
        return cls(**checked, **built)
    except TypeError as error:
        raise ValueError(f'{cls.__name__}: {error}') from error


def _checked(cls: type, key: str, value: Any, hint: Any) -> Any:
    union = get_origin(hint) in (Union, types.UnionType)
    kinds = get_args(hint) if union else (hint,)
    if value is None and type(None) in kinds:
        return None
    if isinstance(value, bool):
        if bool in kinds:
            return value
    elif float in kinds and isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f'{cls.__name__}.{key}: a number of {value.bit_length()} bits is '
                             'too large') from None
    elif any(kind is not type(None) and isinstance(value, kind) for kind in kinds):
        return value
    names = ' or '.join('null' if kind is type(None) else kind.__name__ for kind in kinds)
    raise ValueError(f'{cls.__name__}.{key}: expected {names}, got {reprlib.repr(value)}')


def check_range(config: Any, name: str, low: float, high: float) -> None:
    """Raise a ValueError that names the field if its value is outside [low, high]."""
    value = getattr(config, name)
    if not low <= value <= high:
        raise ValueError(f'{type(config).__name__}.{name}: {value} is not in [{low}, {high}]')


@dataclass(frozen=True)
class BoundedConfig:
    """A configuration whose BOUNDS are the smallest and the largest value of its numbers."""

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {}

    def __post_init__(self) -> None:
        for name, (low, high) in self.BOUNDS.items():
            check_range(self, name, low, high)
