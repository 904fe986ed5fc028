# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Serialised messages that differ in some numbers only, made many at once."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from inril_ros.data.raw.message_layout import layout_of
from inril_ros.data.raw.messages import serialised
from inril_ros.data.raw.raw_values import Codec, numbers_of
from inril_ros.data.raw.typestore import ros_typestore


class MessageTemplate:
    """Serialises what is like a message.

    Args:
        message: The rest of all messages.
        changing: What reads the numbers that differ, by name; no number twice.

    Raises:
        LayoutError: They aren't numbers of the message.
    """

    def __init__(self, message: Any, changing: Mapping[str, Codec]) -> None:
        raw, kind, types = serialised(message), message.__msgtype__, ros_typestore()
        self._row = np.frombuffer(raw, np.uint8)
        self._numbers = numbers_of(raw, kind, types, changing, layout_of(raw, kind, types))

    def rows(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return messages (n, size) uint8 in CDR with values (n, numbers) by their names."""
        count = len(next(iter(values.values())))
        rows = np.tile(self._row, (count, 1))
        for name, numbers in self._numbers.items():
            numbers.put(rows, values[name])
        return rows
