# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The records of a run's fine-tuning, as other tools read them."""

import json

from inril_ros.msg import Transition
from mcap.reader import make_reader
from rclpy.serialization import deserialize_message

from inril_ros.transport.journal.journal import read_journal


def journaled(run):
    """Return the numbers of the records in a run's journal, read by mcap alone."""
    numbers = []
    for path in sorted((run / 'finetune' / 'journal').glob('*.mcap')):
        with path.open('rb') as file:
            numbers += [message.sequence for _, _, message in make_reader(file).iter_messages()]
    return numbers


def journal_records(run):
    """Return the transitions of a run's journal; its last segment may have no end."""
    return [deserialize_message(raw, Transition)
            for _, raw in read_journal(run / 'finetune' / 'journal')]


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]
