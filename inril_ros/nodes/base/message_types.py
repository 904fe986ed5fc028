# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Message classes by type name."""

from functools import cache
import importlib
from typing import Any


@cache
def message_type(name: str) -> Any:
    """Return the class of a type name, such as ``sensor_msgs/msg/JointState``, or an action's.

    Raises:
        ValueError: The type is not installed; the message names its package.
    """
    package, kind, message = name.split('/')
    try:
        return getattr(importlib.import_module(f'{package}.{kind}'), message)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f'type {name} is not installed: install the ROS package {package}') from error


@cache
def begins_with_header(name: str) -> bool:
    """Return whether messages of a type begin with a header, and so with a stamp.

    Raises:
        ValueError: The type is not installed.
    """
    fields = message_type(name).get_fields_and_field_types()
    return next(iter(fields.items()), ('', ''))[1] == 'std_msgs/Header'
