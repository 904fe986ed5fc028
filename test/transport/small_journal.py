# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A small journal of texts, and its records."""

from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.transport.journal.journal import Journal

TYPE = 'std_msgs/msg/String'
TEXT = ros_typestore().generate_msgdef(TYPE)[0]


def record(text):
    message = ros_typestore().types[TYPE](text)
    return bytes(ros_typestore().serialize_cdr(message, TYPE))


def opened(folder):
    return Journal(folder, TYPE, TEXT)


def fill(journal, records):
    for content in records:
        journal.append(journal.next_sequence, 999 + journal.next_sequence, content)


def segments_in(folder):
    return sorted(folder.glob('*.mcap'))


def numbered(records):
    return list(enumerate(records, start=1))
