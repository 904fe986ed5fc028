# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A learner that is killed repeatedly ends with the weights of an uninterrupted one.

Journal, outbox, ledger, checkpoints and a real session, without ROS: the work of the recorder and
the learner node in lockstep, in a process that the test kills at random points, also while it
writes a checkpoint.
"""

import hashlib
import os
from pathlib import Path
import signal
import tempfile

import numpy as np
import pytest
from run_length import LONG
import torch

from inril_ros.learning.experience import Episode, Transition
from inril_ros.learning.hosts.settings.off_policy import IDQLConfig
from inril_ros.learning.policies.artifact import to_bytes
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig
from inril_ros.nodes.learner.run_checkpoints import RunCheckpoints
from inril_ros.transport.journal.journal import Journal, read_journal
from inril_ros.transport.journal.ledger import IngestLedger, Verdict
from inril_ros.transport.journal.outbox import Outbox

KILLS = 50 if LONG else 15
EPISODES, STEPS, DECISION = 20, 12, 4
EVENTS = EPISODES * (STEPS // DECISION) * 3  # approximate number per run; see `work`
MODEL = ModelConfig(observation_size=3, action_size=2, actor_width=16, critic_width=16)
CONFIG = SessionConfig(
    host=IDQLConfig(warmup_steps=60, warmup_updates=10, batch=16, candidates=4,
                    target_candidates=2), imitation_batch=16, m=3, dose_window=7)


def episode(number):
    random = np.random.default_rng(number)
    success = number % 2 == 0
    rewards = np.zeros(STEPS)
    rewards[-1] = success
    return Episode(random.normal(size=(STEPS + 1, 3)), random.uniform(-1, 1, (STEPS, 2)), rewards,
                   success, success)


def transition(number):
    """Return the transition with a number, from 1 on."""
    index, decision = divmod(number - 1, STEPS // DECISION)
    whole, first = episode(100 + index), decision * DECISION
    after = first + DECISION
    last = after == STEPS
    return Transition(
        f'episode {index}', first, whole.observations[first:after + 1], whole.actions[first:after],
        whole.rewards[first:after], np.zeros(DECISION), last and whole.success,
        last and not whole.success, last and whole.success)


def session(store=None):
    torch.manual_seed(3)
    return FineTuningSession(CONFIG, BestOfN(MODEL), [episode(n) for n in range(5)], 0, 'cpu',
                             store=store)


def resumed(folder):
    """Return a run's checkpoints, and its session and ledger as of the newest one."""
    checkpoints = RunCheckpoints(folder, 2, {'run_id': 'a', 'contract_hash': 'b'})
    found, made, ledger = checkpoints.newest(), session(checkpoints.experience), IngestLedger()
    if found is not None:
        assert checkpoints.restore(found, made, lambda done, of: None) == []
        ledger = IngestLedger(found.document['sequences']['robot'])
    return checkpoints, made, ledger


def work(folder, write_end):
    """Record, send, learn and save until all is done; write a byte after each event."""
    torch.set_num_threads(1)
    journal = Journal(folder / 'journal', 'std_msgs/msg/String', 'string data')
    outbox = Outbox(journal.after, journal.last_sequence, patience=0.0, window=8)
    checkpoints, made, ledger = resumed(folder)
    last, now = EPISODES * STEPS // DECISION, 0.0
    while ledger.sequence < last or journal.last_sequence < last:
        assert journal.next_sequence <= last + 1
        now += 1.0
        if journal.next_sequence <= last:
            number = journal.next_sequence
            journal.append(number, 0, b'%d' % number)
            outbox.add(number, b'%d' % number)
            os.write(write_end, b'j')
        for parcel in outbox.due(now):
            if ledger.judge(parcel.sequence, parcel.previous) is Verdict.NEW:
                made.ingest(transition(int(parcel.record)))
                ledger.take(parcel.sequence)
                os.write(write_end, b'i')
                while made.updates_due:
                    made.update()
                os.write(write_end, b'u')
                if ledger.sequence % 5 == 0 and (
                        not checkpoints.busy or checkpoints.finished()):
                    save(checkpoints, made, ledger)
            outbox.acknowledge(ledger.sequence, now)
        outbox.acknowledge(ledger.sequence, now)
    checkpoints.finished(wait=True)
    save(checkpoints, made, ledger)
    checkpoints.finished(wait=True)
    journal.close()


def save(checkpoints, made, ledger):
    checkpoints.begin(made, {'robot': ledger.sequence}, 0)


def work_until_killed(folder, events):
    """Work in a separate process, killed after a number of events; None: not killed."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        os.close(read_end)
        status = 1
        try:
            work(folder, write_end)
            status = 0
        finally:
            os._exit(status)
    os.close(write_end)
    while events is None or events > 0:
        came = os.read(read_end, 1)
        if not came:  # it has ended
            break
        events = None if events is None else events - 1
    else:
        os.kill(child, signal.SIGKILL)
    os.close(read_end)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def end_of(folder):
    """Return the hash of the whole learned state, weights included."""
    _, made, ledger = resumed(folder)
    assert ledger.sequence == EPISODES * STEPS // DECISION
    tensors, document = made.state_dict()
    return hashlib.sha256(to_bytes(tensors) + document.encode()).hexdigest()


@pytest.fixture(scope='module')
def scratch():
    """Yield a folder, in memory if possible: faster, and no different for a killed process."""
    memory = '/dev/shm'
    with tempfile.TemporaryDirectory(
            dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(scope='module')
def uninterrupted(scratch):
    session()  # the slow imports, once for all processes
    assert work_until_killed(scratch / 'uninterrupted', None) == 0
    return end_of(scratch / 'uninterrupted')


@pytest.mark.timeout(1200)  # a minute on idle cores, with --long
def test_after_many_kills_the_weights_are_those_of_an_uninterrupted_run(
        scratch, uninterrupted):
    """Some processes die at once, some late in the run; after a completed run a new one begins."""
    random = np.random.default_rng(0)
    killed, runs, folder = 0, 0, scratch / 'run0'
    while killed < KILLS:
        status = work_until_killed(folder, int(random.integers(1, EVENTS // 2)))
        assert status in (0, -signal.SIGKILL)
        killed += status == -signal.SIGKILL
        if status == 0:
            assert end_of(folder) == uninterrupted
            runs += 1
            folder = scratch / f'run{runs}'
    assert work_until_killed(folder, None) == 0
    assert end_of(folder) == uninterrupted
    numbers = [number for number, _ in read_journal(folder / 'journal')]
    assert numbers == list(range(1, EPISODES * STEPS // DECISION + 1))


def test_a_run_with_other_experience_ends_with_other_weights(uninterrupted):
    """Otherwise the comparison would prove nothing."""
    made = session()
    for number in range(1, EPISODES * STEPS // DECISION + 1):
        if number != 7:
            made.ingest(transition(number))
            while made.updates_due:
                made.update()
    tensors, document = made.state_dict()
    assert hashlib.sha256(to_bytes(tensors) + document.encode()).hexdigest() != uninterrupted
