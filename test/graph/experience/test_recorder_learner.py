# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Transfer of experience: no transition is lost or counted twice, whichever process dies."""

from inril_ros.msg import EpisodeEvent, Transition
import numpy as np
from played_arm import ABORTED, CHUNK, CONTRACT, FAILURE, RUN, SUCCESS, TIME_LIMIT
import pytest
from recorder_learner_lab import laboratory, WARMUP

from inril_ros.transport.journal.journal import read_journal


@pytest.fixture(scope='module')
def lab(tmp_path_factory):
    with laboratory(tmp_path_factory.mktemp('lab')) as lab:
        yield lab


@pytest.fixture(scope='module')
def synchronous_lab(tmp_path_factory):
    """A lab whose learner learns while no episode is open, and only then."""
    with laboratory(tmp_path_factory.mktemp('synchronous'), synchronous=True) as lab:
        yield lab


def check_is(records, episode):
    """Compare transitions with their episode."""
    assert len(records) == -(-episode.ticks // CHUNK)
    for index, record in enumerate(records):
        first = index * CHUNK
        steps = min(CHUNK, episode.ticks - first)
        last = index == len(records) - 1
        assert (record.run_id, record.episode_id) == (RUN, episode.id)
        assert (record.first_tick, record.steps) == (first, steps)
        assert np.array_equal(
            np.reshape(record.observations, (steps + 1, record.observation_size)),
            [episode.observation(tick) for tick in range(first, first + steps + 1)])
        for actions in (record.requested, record.executed):
            assert np.array_equal(np.reshape(actions, (steps, record.action_size)),
                                  [episode.action(tick) for tick in range(first, first + steps)])
        assert np.array_equal(record.extras, episode.extras(first))
        won = last and episode.outcome == SUCCESS
        assert list(record.rewards) == [0.0] * (steps - 1) + [float(won)]
        assert record.truncated == (last and episode.outcome == TIME_LIMIT)
        assert record.terminated == (last and episode.outcome in (SUCCESS, FAILURE))
        assert record.outcome == (episode.outcome if last else EpisodeEvent.UNKNOWN)


def test_the_robot_s_transitions_are_journaled_and_learned_once(lab):
    episodes = [lab.run(10), lab.run(CHUNK, FAILURE), lab.run(30, TIME_LIMIT), lab.run(1)]
    records = lab.check_once()
    for episode in episodes:
        check_is([record for record in records if record.episode_id == episode.id], episode)
    assert [record.episode_id for record in records] == [
        episode.id for episode in episodes for _ in range(-(-episode.ticks // CHUNK))]
    lab.wait_learned()
    assert lab.versions and lab.learner.weights_version == max(lab.versions)


def test_the_status_counts_successes_without_a_person_and_those_that_one_rescued(lab):
    def counts():
        lab.wait_learner_has_all()
        status = lab.learner
        return np.array([status.episodes, status.successes, status.rescued])

    before = counts()
    lab.run(10)
    lab.run(10, FAILURE)
    rescued = lab.episode(10)
    rescued.person = range(5, 7)
    lab.player.play(rescued.messages())
    lab.wait_saved(rescued)
    assert (counts() - before).tolist() == [3, 1, 1]


def test_an_episode_aborted_before_any_decision_leaves_no_records(lab):
    before = lab.journal()
    episode = lab.episode(2, ABORTED)
    lab.player.play(episode.messages())
    lab.wait_discarded(episode)
    assert lab.journal() == before
    lab.run(6)
    assert len(lab.check_once()) == len(before) + 2


def test_repeated_early_or_foreign_transitions_are_not_counted(lab):
    lab.run(22)
    records = lab.check_once()
    counted, duplicates, number = lab.learner.transitions, lab.learner.duplicates, len(records)
    later = Transition(run_id=RUN, contract_hash=CONTRACT.hash, sequence=number + 2,
                       previous_sequence=number + 1, episode_id='later')
    stranger = Transition(run_id='another', contract_hash=CONTRACT.hash, sequence=number + 1)
    other_arm = Transition(run_id=RUN, contract_hash='f' * 64, sequence=number + 1)
    lab.repeat([later, stranger, other_arm, *reversed(records), *records])
    lab.player.until(lambda: lab.learner.duplicates >= duplicates + 2 * number,
                     lambda: f'duplicates: {lab.learner}')
    assert (lab.learner.transitions, lab.learner.sequence) == (counted, number)
    log = lab.supervisor.log_path('learner_node').read_text()
    assert f'/transition refused (1 so far): of run another, this is run {RUN}' in log
    assert '/transition refused (2 so far): made under contract ffffffffffff' in log
    lab.run(9)
    lab.check_once()


def test_a_learner_restarted_with_less_gets_the_rest_without_new_experience(lab):
    lab.run(12)
    number = len(lab.check_once())
    lab.kill('learner_node')
    lab.restart_learner()
    assert len(lab.check_once()) == number
    lab.wait_learned()


def test_a_killed_learner_gets_everything_again_and_the_robot_never_waits(lab):
    number = len(lab.journal())
    episode = lab.episode(20, TIME_LIMIT)
    lab.player.play([*episode.opening(), *episode.steps(9)])
    lab.wait_journaled(number + 2)
    lab.kill('learner_node')
    lab.player.play([*episode.steps(9, 20), *episode.closing()])
    lab.wait_saved(episode)
    lab.run(7, FAILURE)
    assert len(lab.journal()) == number + 5 + 2
    lab.restart_learner()
    records = lab.check_once()
    check_is(records[number:number + 5], episode)


def test_a_learner_continues_from_its_checkpoint_and_gets_the_rest(lab):
    lab.run(WARMUP)
    lab.check_once()
    lab.wait_learned()
    saved, updates, version = (
        lab.learner.sequence, lab.learner.rl_updates, lab.learner.weights_version)
    lab.player.call('learner_node/save')
    lab.run(20, FAILURE)
    lab.check_once()
    lab.kill('learner_node')
    lab.restart_learner()
    lab.run(5)
    assert len(lab.check_once()) == saved + 5 + 2
    lab.wait_learned()
    assert lab.learner.rl_updates > updates and lab.learner.weights_version > version
    log = lab.supervisor.log_path('learner_node').read_text()
    assert f'continued at transition {saved}' in log


def test_an_aborted_episode_is_forgotten(synchronous_lab):
    lab = synchronous_lab
    episode = lab.episode(14, ABORTED)
    before = begin(lab, episode)
    lab.player.play(episode.closing())
    assert lab.wait_discarded(episode).startswith('aborted')
    check_forgotten(lab, before, episode)


def test_a_killed_recorder_loses_nothing_and_its_episode_is_forgotten(synchronous_lab):
    lab = synchronous_lab
    episode = lab.episode(24)
    before = begin(lab, episode)
    lab.kill('recorder_node')
    lab.player.play([*episode.steps(14, 24), *episode.closing()])
    lab.restart_recorder()
    check_forgotten(lab, before, episode)


def test_a_recorder_started_during_an_episode_reports_it_as_lost(synchronous_lab):
    lab = synchronous_lab
    episode = lab.episode(24)
    before = begin(lab, episode)
    lab.kill('recorder_node')
    lab.restart_recorder()
    lab.player.play([*episode.steps(14, 24), *episode.closing()])
    assert 'beginning was not seen' in lab.wait_discarded(episode)
    check_forgotten(lab, before, episode)


def begin(lab, episode):
    """Play 14 ticks of an episode; return the journal with the three decisions of it."""
    lab.run(10)
    number = len(lab.journal())
    lab.player.play([*episode.opening(), *episode.steps(14)])
    lab.wait_journaled(number + 3)
    records = lab.journal()
    assert [record.episode_id for record in records[number:]] == [episode.id] * 3
    return records


def check_forgotten(lab, before, episode):
    """Check that an episode was marked as aborted, once, and that learning continues without it.

    A synchronous learner would wait for the end of this one for ever.
    """
    other = lab.run(WARMUP, FAILURE)
    records = lab.check_once()
    assert records[:len(before)] == before
    marker = records[len(before)]
    assert (marker.episode_id, marker.run_id, marker.outcome) == (episode.id, RUN, ABORTED)
    assert marker.steps == len(marker.observations) == len(marker.executed) == 0
    assert marker.truncated and not marker.terminated
    check_is(records[len(before) + 1:], other)
    lab.wait_learned()


def test_records_in_every_checkpoint_leave_the_journal_and_nothing_is_lost(
        tmp_path):
    with laboratory(tmp_path, {'journal_gigabytes': 1e-9}, keep_checkpoints=1) as lab:
        def first():
            try:
                return next(read_journal(lab.journal_folder))[0]
            except FileNotFoundError:  # the recorder removed the segment at this moment
                return 0

        lab.run(30)
        lab.wait_learner_has_all()
        before = lab.recorder.journaled
        lab.restart_recorder()  # which starts a segment
        lab.run(30)
        lab.player.until(lambda: lab.learner.sequence > before, lambda: f'{lab.learner}')
        assert first() == 1  # the limit is exceeded, but no checkpoint has it
        lab.player.call('learner_node/save')
        lab.player.until(lambda: first() > 1, lambda: f'{first()}')
        assert first() == before + 1
        lab.run(10)
        lab.kill('learner_node')
        lab.restart_learner()
        last = [number for number, _ in read_journal(lab.journal_folder)][-1]
        lab.player.until(lambda: lab.learner.sequence == last, lambda: f'{lab.learner}')
        assert lab.learner.env_steps == 70
