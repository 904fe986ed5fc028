# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages that nobody should send: bytes that are none, and readable ones with wild values.

About half of the values are those that a node looks for, so that what follows is reached too: its
run, an episode that may be running, a present time, joints that it knows.
"""

import math

from rclpy.serialization import serialize_message
from rosidl_parser.definition import (
    AbstractNestedType,
    AbstractString,
    Array,
    BasicType,
    NamespacedType,
)

from inril_ros.nodes.base.message_types import message_type

_FLOATS = [0.0, 1.0, -1.0, 1e-30, 1e30, math.inf, -math.inf, math.nan]
_TEXTS = ['', 'x', 'x' * 3000, '../../etc/passwd', '\u2028"\\', '[' * 500, 'NaN', '\x01']
_BITS = {'octet': 8, 'uint8': 8, 'uint16': 16, 'uint32': 32, 'uint64': 64,
         'int8': -8, 'int16': -16, 'int32': -32, 'int64': -64}
_LENGTHS = [0, 0, 1, 1, 2, 3, 7, 8, 50]


class HostileMessages:
    """Makes messages from a source of random numbers.

    Args:
        random: The source.
        known: Values that the node looks for, by the name of the field; a name with ``[]`` is
            that of an array.
    """

    def __init__(self, random, known):
        self._random, self._known = random, known

    def raw(self, kind):
        """Return serialised bytes for a topic of a type."""
        way = self._random.random()
        if way < 0.15:
            return self._random.randbytes(self._random.choice([0, 1, 4, 12, 60, 400]))
        whole = serialize_message(self.message(kind))
        if way < 0.75:
            return whole
        damaged = bytearray(whole)
        for _ in range(self._random.randint(1, 4)):
            place = self._random.randrange(len(damaged))
            damaged[place] = self._random.choice([0, 1, 127, 128, 255])
        return bytes(damaged[:self._random.choice([len(whole), self._random.randrange(
            len(whole) + 1)])])

    def message(self, kind):
        """Return a readable message."""
        made = kind()
        for name, slot in zip(made.get_fields_and_field_types(), made.SLOT_TYPES, strict=True):
            setattr(made, name, self._value(name, slot))
        return made

    def _value(self, name, slot):
        nested = isinstance(slot, AbstractNestedType)
        key = f'{name}[]' if nested else name
        if key in self._known and self._random.random() < 0.5:
            return self._random.choice(self._known[key])
        if nested:
            length = slot.size if isinstance(slot, Array) else self._random.choice(_LENGTHS)
            return [self._value('', slot.value_type) for _ in range(length)]
        if isinstance(slot, NamespacedType):
            return self.message(message_type('/'.join(slot.namespaced_name())))
        if isinstance(slot, AbstractString):
            return self._random.choice(_TEXTS)
        assert isinstance(slot, BasicType)
        if slot.typename == 'boolean':
            return self._random.random() < 0.5
        if slot.typename in ('float', 'double'):
            return self._random.choice(_FLOATS)
        bits = _BITS[slot.typename]
        low, high = (0, 2 ** bits - 1) if bits > 0 else (-2 ** (-bits - 1), 2 ** (-bits - 1) - 1)
        value = self._random.choice([0, 1, 2, 3, 5, 8, high, high // 2, low, self._random.randint(
            low, high)])
        return bytes([value]) if slot.typename == 'octet' else value
