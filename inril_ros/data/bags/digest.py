# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A digest of the messages of bags, equal for equal recordings."""

from dataclasses import replace
import hashlib
import json
from pathlib import Path

from inril_ros.data.bags.connection import Connection
from inril_ros.data.bags.recording import open_recording, Recording


def content_digest(bags: list[Path]) -> str:
    """Return a SHA-256 over all messages of bags: topic, time and content, whatever their order.

    Two recordings with the same digest hold the same messages. The UUIDs of run and episode, which
    differ by design, don't count.
    """
    total = hashlib.sha256()
    for path in bags:
        with open_recording(path) as reader:
            for row in sorted((stamp, connection.topic, _content(reader, connection, raw))
                              for connection, stamp, raw in reader.messages()):
                total.update(json.dumps(row[:2]).encode())
                total.update(row[2])
    return total.hexdigest()


def _content(reader: Recording, connection: Connection, raw: bytes) -> bytes:
    """Return a message as bytes that depend on its values only.

    It is serialised again, because the bytes between aligned values are whatever the publisher's
    memory held.
    """
    message = reader.deserialize(raw, connection)
    if connection.msgtype.startswith('inril_ros/'):
        blank = {name: '' for name in ('run_id', 'episode_id') if hasattr(message, name)}
        message = replace(message, **blank)
    return bytes(reader.types_of(connection).serialize_cdr(message, connection.msgtype))
