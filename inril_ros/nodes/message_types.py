# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Message classes by the names of their types, which contracts and bags give."""

from functools import cache
import importlib
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
