# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The serialised form is the same with and without ROS: classes and `ros_typestore()` agree.

Bags are written by one and read by the other. A stale build, an edited `.msg` or a difference
between the two serialisers shows here, and not in a user's demonstrations.
"""

from array import array
import importlib
import json
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.interfaces import Nodetype

from inril_ros.data.raw.typestore import ros_typestore

NAMES = sorted(path.stem for path in (Path(__file__).resolve().parents[2] / 'msg').glob('*.msg'))
STORE = ros_typestore()
INTEGERS = {f'{kind}{bits}': np.iinfo(f'{kind}{bits}')
            for kind in ('int', 'uint') for bits in (8, 16, 32, 64)}
# NUL ends a C string and lone surrogates are no text; both are refused by ROS as well.
TEXT = st.text(st.characters(exclude_categories=['Cs'], exclude_characters='\0'), max_size=20)


def base_values(name):
    """Return values of a primitive type, NaN and infinities included."""
    if name in INTEGERS:
        return st.integers(int(INTEGERS[name].min), int(INTEGERS[name].max))
    if name in ('float32', 'float64'):
        return st.floats(width=int(name[5:]))
    if name == 'bool':
        return st.booleans()
    if name == 'byte':
        return st.integers(0, 255)
    assert name == 'string', f'no strategy for {name}'
    return TEXT


def field_values(node):
    """Return values of one field, from its description in the type store."""
    kind, detail = node
    if kind == Nodetype.BASE:
        return base_values(detail[0])
    if kind == Nodetype.NAME:
        return message_values(detail)
    assert kind == Nodetype.SEQUENCE, f'no strategy for {node}'
    return st.lists(field_values(detail[0]), max_size=5)


def message_values(type_name):
    """Return a message as nested dictionaries."""
    fields = STORE.fielddefs[type_name][1]
    return st.fixed_dictionaries({name: field_values(node) for name, node in fields})


def ros_class(type_name):
    package, _, name = type_name.split('/')
    return getattr(importlib.import_module(f'{package}.msg'), name)


def to_ros(type_name, values):
    message = ros_class(type_name)()
    for name, (kind, detail) in STORE.fielddefs[type_name][1]:
        value = values[name]
        setattr(message, name, to_ros(detail, value) if kind == Nodetype.NAME else value)
    return message


def to_rosbags(type_name, values):
    converted = {}
    for name, (kind, detail) in STORE.fielddefs[type_name][1]:
        value = values[name]
        if kind == Nodetype.NAME:
            value = to_rosbags(detail, value)
        elif kind == Nodetype.SEQUENCE and detail[0][1][0] != 'string':
            value = np.array(value, dtype=detail[0][1][0])
        converted[name] = value
    return STORE.types[type_name](**converted)


def comparable(value):
    """Return either kind of message as plain data; floats as bits, so that NaN equals NaN."""
    if isinstance(value, (np.ndarray, array, list, tuple)):
        return [comparable(item) for item in value]
    if hasattr(value, 'get_fields_and_field_types'):
        return {name: comparable(getattr(value, name))
                for name in value.get_fields_and_field_types()}
    if hasattr(value, '__dataclass_fields__'):
        # The class has the constants as well; the store has the fields only.
        return {name: comparable(getattr(value, name))
                for name, _ in STORE.fielddefs[value.__msgtype__][1]}
    if isinstance(value, (float, np.floating)):
        # Python's and numpy's conversions from float32 may set a NaN's quiet bit.
        return 'nan' if np.isnan(value) else np.float64(value).tobytes()
    return value.item() if isinstance(value, np.generic) else value


def test_no_message_is_missing_from_either_side():
    generated = {name for name in dir(importlib.import_module('inril_ros.msg')) if name[0] != '_'}
    assert NAMES
    assert set(NAMES) == generated
    assert {f'inril_ros/msg/{name}' for name in NAMES} <= set(STORE.fielddefs)


@pytest.mark.parametrize('name', NAMES)
def test_the_type_hash_is_that_of_the_generated_code(name):
    share = Path(get_package_share_directory('inril_ros'))
    description = json.loads((share / 'msg' / f'{name}.json').read_text())
    hashes = {entry['type_name']: entry['hash_string'] for entry in description['type_hashes']}
    type_name = f'inril_ros/msg/{name}'
    assert STORE.hash_rihs01(type_name) == hashes[type_name]


@pytest.mark.parametrize('name', NAMES)
def test_constants_agree(name):
    constants = {entry[0]: entry[2] for entry in STORE.fielddefs[f'inril_ros/msg/{name}'][0]}
    generated = ros_class(f'inril_ros/msg/{name}')
    assert {key: getattr(generated, key) for key in constants} == constants


@pytest.mark.parametrize('name', NAMES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_each_side_reads_what_the_other_wrote(name, data):
    type_name = f'inril_ros/msg/{name}'
    values = data.draw(message_values(type_name))
    by_ros, by_rosbags = to_ros(type_name, values), to_rosbags(type_name, values)

    written_without_ros = bytes(STORE.serialize_cdr(by_rosbags, type_name))
    read_by_ros = deserialize_message(written_without_ros, ros_class(type_name))
    # serialize_message returns a buffer of the estimated size: after an empty sequence of 8-byte
    # values that is more than the message, and more than rosbags accepts. Published messages
    # have the exact size.
    written_by_ros = serialize_message(by_ros)[:len(written_without_ros)]
    read_without_ros = STORE.deserialize_cdr(written_by_ros, type_name)

    assert comparable(read_without_ros) == comparable(by_ros)
    assert comparable(read_by_ros) == comparable(by_rosbags)
    assert comparable(read_by_ros) == comparable(by_ros)
