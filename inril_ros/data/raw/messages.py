# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages made without ROS: blank ones to fill in, and their serialised form for bags."""

from array import array
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype

from inril_ros.data.raw.typestore import ros_typestore

_TYPECODES = {'float64': 'd', 'float32': 'f', 'int8': 'b', 'uint8': 'B', 'int16': 'h',
              'uint16': 'H', 'int32': 'i', 'uint32': 'I', 'int64': 'q', 'uint64': 'Q',
              'byte': 'B', 'char': 'B'}


def blank_message(kind: str) -> Any:
    """Return a message of a type with zeros, empty strings and empty, extensible arrays.

    Raises:
        KeyError: The type is unknown.
    """
    store = ros_typestore()
    _, entries = store.fielddefs[kind]
    return store.types[kind](*(_blank(entry) for _, entry in entries))


def message_class(kind: str) -> Any:
    """Return a factory of blank messages of a type, for codecs where there is no ROS."""
    return lambda: blank_message(kind)


def serialised(message: Any) -> bytes:
    """Return a message in CDR, as in a bag."""
    return bytes(ros_typestore().serialize_cdr(with_numpy(message), message.__msgtype__))


def _blank(entry: tuple[Nodetype, Any]) -> Any:
    node, about = entry
    if node == Nodetype.BASE:
        return {'string': '', 'wstring': '', 'bool': False}.get(
            about[0], 0.0 if about[0].startswith('float') else 0)
    if node == Nodetype.NAME:
        return blank_message(about)
    inner, length = about
    count = length if node == Nodetype.ARRAY else 0
    if inner[0] == Nodetype.BASE and inner[1][0] in _TYPECODES:
        return array(_TYPECODES[inner[1][0]], bytes(count * array(
            _TYPECODES[inner[1][0]]).itemsize))
    return [_blank(inner) for _ in range(count)]


def with_numpy(value: Any) -> Any:
    """Return a message with numpy arrays, which the serialiser needs."""
    if isinstance(value, array):
        return np.asarray(value)
    if isinstance(value, list):
        return [with_numpy(item) for item in value]
    if is_dataclass(value):
        changed = {item.name: with_numpy(getattr(value, item.name)) for item in fields(value)
                   if item.init}
        return replace(value, **{name: item for name, item in changed.items()
                                 if item is not getattr(value, name)})
    return value
