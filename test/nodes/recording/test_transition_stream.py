# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The recorder's end of the stream: no record in its journal and no acknowledgement blocks it."""

import time

from inril_ros.msg import EpisodeEvent, Transition, TransitionAck
import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.serialization import serialize_message

from inril_ros.nodes.base import qos
from inril_ros.nodes.base.guarded_node import GuardedNode
from inril_ros.nodes.recording.transition_stream import TransitionStream
from inril_ros.transport.journal.journal import Journal, read_journal
from inril_ros.transport.journal.retention import Retention

RUN, CONTRACT = 'this-run', 'c' * 64
FOREIGN = {
    'run': ({'run_id': 'another'}, 'of run another'),
    'contract': ({'contract_hash': 'f' * 64}, 'made under contract ffffffffffff'),
    'episode': ({'episode_id': '../../x'}, 'is no UUID')}


def transition(number, **changed):
    return Transition(**{'run_id': RUN, 'contract_hash': CONTRACT, 'sequence': number, 'steps': 1,
                         'episode_id': 'e', 'terminated': number % 4 == 0, **changed})


def write(folder, records):
    """Write a journal that an earlier process has left."""
    journal = Journal(folder, 'std_msgs/msg/String', 'string data')
    for record in records:
        journal.append(journal.next_sequence, 0, record)
    journal.close()


class Stream:
    """A stream, and a learner that takes whatever comes and acknowledges what it is told to."""

    def __init__(self, folder, gigabytes=0.0):
        self.context = Context()
        rclpy.init(context=self.context)
        self.node = GuardedNode('recorder', context=self.context)
        self.outside = rclpy.create_node('learner', context=self.context)
        self.came = []
        self.outside.create_subscription(
            Transition, 'transition', self.came.append, qos.EXPERIENCE)
        self.acks = self.outside.create_publisher(TransitionAck, 'transition_ack', qos.EXPERIENCE)
        self.stream = TransitionStream(
            self.node, folder, RUN, CONTRACT, 0.05, False, Retention(gigabytes))
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.executor.add_node(self.outside)
        self.until(lambda: all(map(self.met, (
            self.stream.endpoints[0], self.acks))), 'the endpoints to meet')

    @staticmethod
    def met(publisher):
        return publisher.get_subscription_count()

    def until(self, reached, what):
        deadline = time.monotonic() + 60.0
        while not reached():
            assert time.monotonic() < deadline, what
            self.executor.spin_once(timeout_sec=0.01)
            self.stream.resend()

    def acknowledge(self, sequence, **changed):
        """Acknowledge, and wait until that has come."""
        came, subscription = [], self.stream.endpoints[1]
        take = subscription.callback
        subscription.callback = lambda raw: (take(raw), came.append(1))
        self.acks.publish(TransitionAck(run_id=RUN, sequence=sequence, **changed))
        self.until(lambda: came, f'acknowledgement of {sequence}')
        subscription.callback = take

    @property
    def refused(self):
        """Number of refused acknowledgements."""
        return self.node.refused.count('transition_ack')

    def numbers(self, last):
        """Wait for a transition, and return the numbers that have come, without repetitions."""
        self.until(lambda: any(each.sequence == last for each in self.came), f'{last}')
        return sorted({each.sequence for each in self.came})

    def close(self):
        self.stream.close()
        self.executor.shutdown()
        self.node.destroy_node()
        self.outside.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def opened(tmp_path):
    made = []

    def make(**more):
        made.append(Stream(tmp_path, **more))
        return made[-1]
    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize('kind', [*FOREIGN, 'bytes'])
def test_a_foreign_record_is_sent_as_the_end_of_its_episode_and_those_behind_it_come(
        kind, opened, tmp_path, capfd):
    changed, reason = FOREIGN.get(kind, ({}, 'are no Transition'))
    records = [serialize_message(transition(1)), serialize_message(transition(2, **changed)),
               serialize_message(transition(3)), serialize_message(transition(4))]
    if kind == 'bytes':
        records[1] = b'\0\1\0\0 of another version'
    write(tmp_path, records)
    lab = opened()
    assert lab.numbers(4) == [1, 2, 3, 4]
    by_number = {each.sequence: each for each in lab.came}
    stands = by_number.pop(2)
    assert (stands.run_id, stands.contract_hash, stands.steps) == (RUN, CONTRACT, 0)
    assert stands.truncated and stands.outcome == EpisodeEvent.ABORTED
    assert stands.previous_sequence == 1 and by_number[3].previous_sequence == 2
    assert all(each.outcome != EpisodeEvent.ABORTED for each in by_number.values())
    lab.until(lambda: lab.stream.sent > 8, 'repetitions')  # which are not counted again
    assert lab.stream.untaken == 1
    [line] = [line for line in capfd.readouterr().err.splitlines() if 'not learned from' in line]
    assert 'transition 2 is not learned from' in line and reason in line
    lab.acknowledge(4)
    assert lab.stream.acknowledged == 4 == lab.stream.last_sequence


def test_a_journal_of_another_run_costs_no_new_experience(opened, tmp_path):
    write(tmp_path, [
        serialize_message(transition(number, run_id='former', episode_id=f'e{number}'))
        for number in range(1, 8)])
    lab = opened()
    lab.stream.send(transition(0, episode_id='new', terminated=True))
    assert lab.numbers(8) == list(range(1, 9))
    ends = [each for each in lab.came if each.outcome == EpisodeEvent.ABORTED]
    assert {each.sequence for each in ends} == set(range(1, 8)) and lab.stream.untaken == 7
    # Its last episode had not ended, but it is none of this run's: no record is added for it.
    assert [number for number, _ in read_journal(tmp_path)] == list(range(1, 9))


@pytest.mark.parametrize('wild', [5, 2 ** 33, 2 ** 63, 2 ** 64 - 1])
def test_an_acknowledgement_of_what_was_never_sent_is_refused(
        wild, opened, tmp_path, capfd):
    lab = opened(gigabytes=1e-9)
    for number in range(1, 5):
        lab.stream.send(transition(number))
    lab.acknowledge(2)
    lab.acknowledge(wild, kept_sequence=wild)
    assert lab.stream.acknowledged == 2 and lab.refused == 1
    assert f'the learner has transition {wild}, and the journal' in capfd.readouterr().err
    lab.stream.send(transition(5))
    assert lab.numbers(5)[-3:] == [3, 4, 5]
    assert [number for number, _ in read_journal(tmp_path)] == [1, 2, 3, 4, 5]
    lab.acknowledge(5)
    assert lab.stream.acknowledged == 5


@pytest.mark.parametrize('genuine', [0, 3])
def test_a_wild_acknowledgement_before_any_other_withholds_nothing(genuine, opened, tmp_path):
    write(tmp_path, [serialize_message(transition(number)) for number in range(1, 5)])
    lab = opened()
    lab.acknowledge(2 ** 40)
    lab.stream.send(transition(5))
    lab.came.clear()
    lab.acknowledge(genuine)
    awaited = set(range(genuine + 1, 6))
    lab.until(lambda: awaited <= {each.sequence for each in lab.came}, f'{awaited}')


def test_a_learner_that_has_more_than_the_journal_gets_what_is_new(opened, tmp_path):
    """The journal was put back to an earlier state; the learner still has 300."""
    write(tmp_path, [serialize_message(transition(number)) for number in range(1, 5)])
    lab = opened()
    lab.acknowledge(300)
    assert lab.stream.acknowledged == 4
    sent = lab.stream.sent
    lab.stream.send(transition(5, episode_id='new'))
    assert lab.stream.sent == sent + 1 and lab.numbers(5)[-1] == 5
    lab.acknowledge(5)  # it took it by its content
    lab.acknowledge(300)
    assert lab.stream.acknowledged == 5 and lab.refused == 2


def test_acknowledgements_of_another_run_are_ignored(opened):
    lab = opened()
    lab.stream.send(transition(1))
    lab.acks.publish(TransitionAck(run_id='another', sequence=1))
    lab.acknowledge(0)
    assert lab.stream.acknowledged == 0
