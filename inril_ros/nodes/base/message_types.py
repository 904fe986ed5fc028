# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Message classes by the names of their types, and what can be read of a serialised message."""

from functools import cache
import importlib
import struct
from typing import Any


@cache
def message_type(name: str) -> Any:
    """Return the class of a type name: ``sensor_msgs/msg/JointState``, or of an action.

    Raises:
        ValueError: There is no such type here; the message names its package.
    """
    package, kind, message = name.split('/')
    try:
        return getattr(importlib.import_module(f'{package}.{kind}'), message)
    except (ImportError, AttributeError) as error:
        raise ValueError(f'type {name} is not there: install the ROS package {package}') from error


@cache
def begins_with_header(name: str) -> bool:
    """Say whether messages of a type begin with a header, and so with a stamp.

    Raises:
        ValueError: There is no such type here.
    """
    fields = message_type(name).get_fields_and_field_types()
    return next(iter(fields.items()), ('', ''))[1] == 'std_msgs/Header'


def serialised_stamp(raw: bytes) -> int:
    """Return the stamp [ns] of a serialised message that begins with a header."""
    order = '<' if raw[1] & 1 else '>'
    seconds, nanoseconds = struct.unpack_from(order + 'iI', raw, 4)
    return seconds * 1_000_000_000 + nanoseconds
