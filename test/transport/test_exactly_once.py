# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Outbox and ledger: whatever fails, each record arrives exactly once.

A model of the two sides: a real journal in a folder, a network that loses, repeats and reorders
messages, a learner whose checkpoint is some time old.
"""

from pathlib import Path
import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    RuleBasedStateMachine,
)
import pytest

from inril_ros.transport.journal.journal import Journal
from inril_ros.transport.journal.ledger import FARTHEST, IngestLedger, IngestLedgers, Verdict
from inril_ros.transport.journal.outbox import Outbox, Parcel

PATIENCE = 1.0
WINDOW = 4


def opened(folder):
    return Journal(Path(folder), 'std_msgs/msg/String', 'string data', segment_bytes=1500)


class ExactlyOnce(RuleBasedStateMachine):
    """Any order of events between a recorder and a learner."""

    @initialize()
    def begin(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.journal = opened(self.scratch.name)
        self.outbox = Outbox(self.journal.after, 0, PATIENCE, WINDOW)
        self.now, self.written = 0.0, []
        self.ledger, self.learned, self.checkpoint = IngestLedger(), [], (0, [])
        self.parcels, self.acks = [], []

    @rule(size=st.integers(0, 300))
    def experience(self, size):
        sequence = self.journal.next_sequence
        record = b'%d:' % len(self.written) + b'x' * size
        self.journal.append(sequence, 0, record)
        self.outbox.add(sequence, record)
        self.written.append(record)
        self.send()

    @rule(seconds=st.floats(0.0, 2.0))
    def wait(self, seconds):
        self.now += seconds
        self.send()

    def send(self):
        self.parcels += self.outbox.due(self.now)

    @precondition(lambda self: self.parcels)
    @rule(data=st.data(), keep=st.booleans())
    def deliver(self, data, keep):
        """Deliver any parcel that was sent; it may arrive again later."""
        index = data.draw(st.integers(0, len(self.parcels) - 1))
        parcel = self.parcels[index] if keep else self.parcels.pop(index)
        if self.ledger.judge(parcel.sequence, parcel.previous) is Verdict.NEW:
            self.learned.append(parcel.record)
            self.ledger.take(parcel.sequence)
        self.acks.append(self.ledger.sequence)

    @precondition(lambda self: self.parcels)
    @rule(data=st.data())
    def lose(self, data):
        self.parcels.pop(data.draw(st.integers(0, len(self.parcels) - 1)))

    @precondition(lambda self: self.acks)
    @rule(data=st.data())
    def acknowledge(self, data):
        """Deliver any acknowledgement, also an old one."""
        index = data.draw(st.integers(0, len(self.acks) - 1))
        self.outbox.acknowledge(self.acks.pop(index), self.now)
        self.send()

    @rule()
    def save_checkpoint(self):
        self.checkpoint = (self.ledger.sequence, list(self.learned))

    @rule()
    def kill_learner(self):
        sequence, learned = self.checkpoint
        self.ledger, self.learned = IngestLedger(sequence), list(learned)
        self.acks.append(sequence)

    @rule()
    def kill_recorder(self):
        self.journal.close()
        self.journal = opened(self.scratch.name)
        self.outbox = Outbox(self.journal.after, self.journal.last_sequence, PATIENCE, WINDOW)
        self.send()

    @invariant()
    def learned_equals_experienced(self):
        if hasattr(self, 'learned'):
            assert self.learned == self.written[:len(self.learned)]
            assert len(self.outbox._window) <= WINDOW

    def teardown(self):
        """Once the network works again, everything arrives."""
        if not hasattr(self, 'journal'):
            return
        self.acks.clear()
        for _ in range(3 * len(self.written) + 3):
            self.outbox.acknowledge(self.ledger.sequence, self.now)
            self.now += PATIENCE
            for parcel in self.outbox.due(self.now):
                if self.ledger.judge(parcel.sequence, parcel.previous) is Verdict.NEW:
                    self.learned.append(parcel.record)
                    self.ledger.take(parcel.sequence)
        assert self.learned == self.written
        self.journal.close()
        self.scratch.cleanup()


ExactlyOnce.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestExactlyOnce = ExactlyOnce.TestCase


def test_without_a_learner_the_robot_continues_in_bounded_memory(tmp_path):
    journal = opened(tmp_path)
    outbox = Outbox(journal.after, 0, PATIENCE, window=8)
    for number in range(1, 501):
        journal.append(number, 0, b'r%d' % number)
        outbox.add(number, b'r%d' % number)
        outbox.due(float(number))
        assert len(outbox._window) <= 8
    ledger, now, turns = IngestLedger(), 1000.0, 0
    while outbox.waiting:
        now += 0.001  # each acknowledgement releases the next ones at once
        turns += 1
        for parcel in outbox.due(now):
            assert parcel.record == b'r%d' % parcel.sequence
            if ledger.judge(parcel.sequence, parcel.previous) is Verdict.NEW:
                ledger.take(parcel.sequence)
            outbox.acknowledge(ledger.sequence, now)
    assert ledger.sequence == 500 and turns < 200
    journal.close()


@given(st.lists(st.integers(1, 50), unique=True, min_size=1).map(sorted), st.data())
def test_numbers_lost_by_the_journal_do_not_block_the_others(numbers, data):
    """The journal has only these numbers left; the learner may have any of the lost ones."""
    has = data.draw(st.integers(0, numbers[-1]))

    def after(sequence):
        return iter([(number, b'') for number in numbers if number > sequence])

    outbox, ledger = Outbox(after, numbers[-1], PATIENCE, window=3), IngestLedger(has)
    taken, now = [], 0.0
    while outbox.waiting:
        outbox.acknowledge(ledger.sequence, now)
        now += PATIENCE
        for parcel in outbox.due(now):
            if ledger.judge(parcel.sequence, parcel.previous) is Verdict.NEW:
                ledger.take(parcel.sequence)
                taken.append(parcel.sequence)
    assert taken == [number for number in numbers if number > has]


@pytest.mark.parametrize(('sequence', 'previous', 'verdict'), [
    (5, 4, Verdict.DUPLICATE), (6, 5, Verdict.NEW), (9, 5, Verdict.NEW), (9, 3, Verdict.NEW),
    (7, 6, Verdict.EARLY), (6, 6, Verdict.EARLY), (6, 9, Verdict.EARLY),
    (1, 0, Verdict.DUPLICATE), (5 + FARTHEST, 5, Verdict.NEW), (6 + FARTHEST, 5, Verdict.WRONG),
    (2 ** 64 - 1, 5, Verdict.WRONG)])
def test_whether_a_record_is_new_depends_on_its_previous_number(sequence, previous, verdict):
    ledger = IngestLedger(5)
    assert ledger.judge(sequence, previous) is verdict
    assert ledger.duplicates == (verdict is Verdict.DUPLICATE)


@given(wrong=st.integers(6, FARTHEST), lost=st.booleans())
def test_after_a_wrong_number_the_next_transitions_are_taken_by_their_content(wrong, lost):
    """Numbers 1 to 5 are ingested. The rest comes repeatedly, or from a journal that is new."""
    ledger = IngestLedger(5)
    assert ledger.judge(wrong, 5) is Verdict.NEW
    ledger.take(wrong)
    first, taken = (1 if lost else 6), []
    for _ in range(2):
        for number in range(first, first + 4):
            if ledger.judge(number, number - 1, number not in taken) is Verdict.NEW:
                ledger.take(number)
                taken.append(number)
    assert taken == list(range(first, first + 4)) and ledger.sequence == taken[-1]
    assert ledger.restarts == (wrong >= first) and ledger.duplicates == 4


def test_each_sent_record_names_the_previous_number():
    outbox = Outbox(lambda sequence: iter(()), 0, PATIENCE)
    outbox.add(1, b'a')
    outbox.add(2, b'b')
    assert outbox.due(0.0) == [Parcel(1, 0, b'a'), Parcel(2, 1, b'b')]
    assert outbox.due(0.5) == []
    assert outbox.due(1.0) == [Parcel(1, 0, b'a'), Parcel(2, 1, b'b')]
    outbox.acknowledge(1, 1.2)
    assert outbox.due(2.1) == []
    assert outbox.due(2.3) == [Parcel(2, 1, b'b')]


@given(st.lists(st.one_of(
    st.tuples(st.sampled_from(['left', 'right']), st.integers(1, 6)),
    st.sampled_from(['save', 'kill'])), max_size=60))
def test_robots_with_equal_numbers_are_distinguished(events):
    """Either robot's numbers come in any order and repeatedly, and the learner dies in between."""
    ledgers, learned, checkpoint = IngestLedgers(), [], ({}, [])
    for event in events:
        if event == 'save':
            checkpoint = ledgers.sequences, list(learned)
        elif event == 'kill':
            ledgers, learned = IngestLedgers(checkpoint[0]), list(checkpoint[1])
        else:
            robot, sequence = event
            ledger = ledgers.of(robot)
            if ledger.judge(sequence, sequence - 1) is Verdict.NEW:
                ledger.take(sequence)
                learned.append(event)
    for robot in ('left', 'right'):
        of_it = [sequence for name, sequence in learned if name == robot]
        assert of_it == list(range(1, ledgers.of(robot).sequence + 1))


def test_the_ledger_keeps_the_numbers_of_an_absent_robot():
    ledgers = IngestLedgers({'left': 7, 'right': 3})
    ledgers.of('left').take(8)
    assert ledgers.sequences == {'left': 8, 'right': 3}
