# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Decoding of a recording's messages, each by the definition that the recording has of its type.

A definition is read when the first message that needs it is decoded: bags are full of topics that
nobody reads, whose definitions are missing, broken, or not of ROS.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from rosbags.interfaces import Nodetype
from rosbags.typesys import get_types_from_idl, get_types_from_msg, get_typestore, Stores
from rosbags.typesys.store import Typestore

from inril_ros.data.bags.connection import Source
from inril_ros.data.raw.typestore import ros_typestore

_IDL_RULE = '=' * 80 + '\n'


class UndecodableError(ValueError):
    """Messages that can't be decoded; the message says why."""


def types_of(source: Source) -> Typestore:
    """Return the type store with the type of a source and of all its parts.

    Raises:
        UndecodableError: The encoding isn't of ROS, or the definition is missing or broken.
    """
    types = _stored(source.msgtype, source.encoding, source.form, source.definition,
                    source.digest)
    if isinstance(types, str):
        raise UndecodableError(types)
    return types


def decoder(source: Source) -> Callable[[bytes], Any]:
    """Return the function that decodes the messages of a source.

    Raises:
        UndecodableError: See ``types_of``.
    """
    types, kind = types_of(source), source.msgtype
    if source.encoding == 'ros1':
        return lambda raw: types.deserialize_ros1(raw, kind)
    return lambda raw: types.deserialize_cdr(raw, kind)


@cache
def _stored(kind: str, encoding: str, form: str, text: str, digest: str) -> Typestore | str:
    """Return the type store of a definition, or why there is none."""
    if encoding not in ('cdr', 'ros1'):
        return f'its messages are encoded as {encoding or "nothing known"}; cdr and ros1 are read'
    if not form:
        if encoding == 'cdr' and kind in ros_typestore().fielddefs:
            return ros_typestore()
        return (f'the bag has no definition of {kind or "its type"}, which is none of the common '
                'types. `ros2 bag convert` adds it where the package of the type is installed')
    try:
        fields = _fields(kind, form, text)
        if kind not in fields:
            return f'its definition in the bag defines {sorted(fields)} instead of {kind}'
        store = get_typestore(Stores.EMPTY)
        store.register(_completed(fields))
        told = (store.generate_msgdef(kind)[1] if encoding == 'ros1' else store.hash_rihs01(kind))
    except Exception as error:  # the library raises what it likes
        return f'its definition in the bag is broken: {type(error).__name__}: {error}'
    if digest not in ('', '*', told):
        return (f'its definition in the bag is not that of the publisher: the type hash is {told} '
                f'instead of {digest}')
    return store


def _fields(kind: str, form: str, text: str) -> dict[str, Any]:
    text = text.replace('\r\n', '\n')
    if not form.endswith('idl'):
        return get_types_from_msg(text, kind)
    if not text.startswith(f'{_IDL_RULE}IDL: '):
        return get_types_from_idl(text)
    fields: dict[str, Any] = {}
    for part in text.split(_IDL_RULE)[1:]:
        fields.update(get_types_from_idl(part.partition('\n')[2]))
    return fields


def _completed(fields: dict[str, Any]) -> dict[str, Any]:
    """Return definitions with the common types that they use and don't define."""
    known, whole, waiting = ros_typestore().fielddefs, dict(fields), list(fields)
    while waiting:
        for name in _used(whole[waiting.pop()][1]):
            if name not in whole and name in known:
                whole[name] = known[name]
                waiting.append(name)
    return whole


def _used(entries: Any) -> Iterator[str]:
    """Yield the types that the fields of a type are of."""
    for _, (node, about) in entries:
        while node in (Nodetype.ARRAY, Nodetype.SEQUENCE):
            node, about = about[0]
        if node == Nodetype.NAME:
            yield about
