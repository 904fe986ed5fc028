# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Experience on its way: no transition is lost or counted twice, whichever process dies.

Recorder and learner are processes; the test is the robot, and listens where the policy would. The
journal tells what was experienced, the learner's counts what it has of it.
"""

from contextlib import contextmanager
import os
import signal
import time

from inril_ros.msg import (
    EpisodeEvent,
    LearnerStatus,
    PolicyWeights,
    RecorderStatus,
    Transition,
    WeightsManifest,
)
import numpy as np
from played_arm import (
    ABORTED,
    CHUNK,
    CONTRACT,
    demonstration_bags,
    FAILURE,
    PlayedEpisode,
    Player,
    processes,
    RUN,
    SUCCESS,
    TIME_LIMIT,
)
import pytest
from rclpy.serialization import deserialize_message
import torch
import yaml

from inril_ros.graph.domain import reserve_domain
from inril_ros.learning.policies.artifact import save_policy
from inril_ros.learning.policies.best_of_n import ActingPolicy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.nodes import qos
from inril_ros.robot.codecs import stamp_ns
from inril_ros.transport.journal import read_journal

MODEL = ModelConfig(
    observation_size=CONTRACT.observation_size, action_size=CONTRACT.action_size,
    chunk_length=CHUNK, denoising_steps=4, sampling_steps=2, actor_width=8, critic_width=8,
    critic_layers=1)
WARMUP = 30  # environment steps
SETTINGS = {'warmup_steps': WARMUP, 'warmup_updates': 8, 'updates_per_step': 0.2, 'batch': 8,
            'imitation_batch': 8, 'candidates': 2, 'target_candidates': 2, 'm': 4}


class Lab:
    """A robot that the test plays, with recorder and learner at work."""

    def __init__(self, folder, domain_id, supervisor):
        self.journal_folder, self.supervisor = folder / 'journal', supervisor
        self._domain_id, self._next_start = domain_id, 10 ** 12
        self._restarted, self.versions = 0, []
        self.join()

    def join(self):
        """Join the graph, and wait until everyone is there."""
        self.player = player = Player(self._domain_id)
        player.check = self.supervisor.check
        self.learner, self.recorder = LearnerStatus(), RecorderStatus()
        player.listen(LearnerStatus, 'learner/status', qos.STATE, self._hear_learner)
        player.listen(RecorderStatus, 'recorder/status', qos.STATE, self._hear_recorder)
        player.listen(PolicyWeights, 'weights/pieces', qos.WEIGHTS, lambda piece: None)
        player.listen(WeightsManifest, 'weights/manifest', qos.MANIFEST,
                      lambda manifest: self.versions.append(manifest.version))
        self._again = player.publisher(Transition, 'transition', qos.EXPERIENCE)
        player.wait_ready('recorder_node', 'learner_node')

    def _hear_learner(self, status):
        if stamp_ns(status) >= self._restarted:  # not the last words of one that was killed
            self.learner = status

    def _hear_recorder(self, status):
        self.recorder = status

    def episode(self, ticks, outcome=SUCCESS):
        """Make an episode that begins after the one before it."""
        episode = PlayedEpisode(self._next_start, ticks, outcome)
        self._next_start = episode.end + 10 ** 10
        return episode

    def run(self, ticks, outcome=SUCCESS):
        """Play an episode until the recorder has it."""
        episode = self.episode(ticks, outcome)
        self.player.play(episode.messages())
        self.wait_saved(episode)
        return episode

    def wait_saved(self, episode):
        self.player.until(lambda: self.player.told(episode, EpisodeEvent.SAVED),
                          lambda: f'{episode.id} to be saved: {self.recorder}')

    def wait_discarded(self, episode):
        self.player.until(lambda: self.player.told(episode, EpisodeEvent.DISCARDED),
                          lambda: f'{episode.id} to be discarded: {self.recorder}')
        return self.player.told(episode, EpisodeEvent.DISCARDED).reason

    def journal(self):
        """Return the transitions in the journal; their numbers have no gaps."""
        records = [deserialize_message(raw, Transition)
                   for _, raw in read_journal(self.journal_folder)]
        assert [record.sequence for record in records] == list(range(1, len(records) + 1))
        return records

    def wait_journaled(self, number):
        self.player.until(lambda: len(self.journal()) >= number, f'{number} transitions')

    def wait_learner_has_all(self):
        """Wait until the learner has what the journal has, and the recorder knows it."""
        number = len(self.journal())
        self.player.until(
            lambda: (self.learner.sequence, self.recorder.acknowledged) == (number, number)
            and self.recorder.journaled == number,
            lambda: f'all {number} transitions: {self.learner}, {self.recorder}')

    def check_once(self):
        """Check that the learner counts each journaled transition once."""
        self.wait_learner_has_all()
        records = self.journal()
        real = [record for record in records if record.outcome != ABORTED]
        assert self.learner.transitions == len(real)
        assert self.learner.env_steps == sum(record.steps for record in real)
        return records

    def wait_learned(self):
        """Wait until all updates are done that the experience allows."""
        due = 8 + int(0.2 * (self.learner.env_steps - WARMUP))
        self.player.until(lambda: self.learner.rl_updates == due,
                          lambda: f'{due} updates: {self.learner}')
        assert self.learner.il_updates == due // 4

    def repeat(self, records):
        """Send transitions as a second recorder would."""
        for record in records:
            self._again.publish(record)

    def kill(self, node):
        self.player.check = None
        os.kill(self.supervisor.process_id(node), signal.SIGKILL)

    def restart_learner(self):
        self._restarted, self.learner = time.time_ns(), LearnerStatus()
        self.supervisor.restart('learner_node')
        self.player.check = self.supervisor.check

    def restart_recorder(self):
        """Restart it, and join anew: to those who knew the dead one, it seems to listen yet."""
        self.player.close()
        self.supervisor.restart('recorder_node')
        self.join()


@pytest.fixture(scope='module')
def pretrained(tmp_path_factory):
    """The cloned model, the demonstrations and the settings that a learner begins with."""
    folder = tmp_path_factory.mktemp('pretrained')
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_policy(folder / 'model', ActingPolicy(MODEL))
    (folder / 'settings.yaml').write_text(yaml.safe_dump(SETTINGS), encoding='utf-8')
    return {'pretrained': str(folder / 'model'), 'config': str(folder / 'settings.yaml'),
            'demonstrations': str(demonstration_bags(folder / 'demonstrations')),
            'device': 'cpu'}


@contextmanager
def laboratory(folder, pretrained, **learner):
    """Give a lab whose learner has further parameters."""
    learner = {**pretrained, 'run_dir': str(folder), **learner}
    recorder = {'journal': str(folder / 'journal'), 'resend': 0.3}
    with reserve_domain() as domain, processes(
            folder, domain, recorder_node=recorder, learner_node=learner) as supervisor:
        lab = Lab(folder, domain, supervisor)
        yield lab
        lab.player.close()


@pytest.fixture(scope='module')
def lab(tmp_path_factory, pretrained):
    with laboratory(tmp_path_factory.mktemp('lab'), pretrained) as lab:
        yield lab


@pytest.fixture(scope='module')
def synchronous_lab(tmp_path_factory, pretrained):
    """A lab whose learner learns while no episode is open, and only then."""
    folder = tmp_path_factory.mktemp('synchronous')
    with laboratory(folder, pretrained, synchronous=True) as lab:
        yield lab


def check_is(records, episode):
    """Check transitions against the episode that they were made of."""
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
        won = last and episode.outcome == SUCCESS
        assert list(record.rewards) == [0.0] * (steps - 1) + [float(won)]
        assert record.truncated == (last and episode.outcome == TIME_LIMIT)
        assert record.terminated == (last and episode.outcome in (SUCCESS, FAILURE))
        assert record.outcome == (episode.outcome if last else EpisodeEvent.UNKNOWN)


def test_what_the_robot_did_is_journaled_and_learned_from_once(lab):
    episodes = [lab.run(10), lab.run(CHUNK, FAILURE), lab.run(30, TIME_LIMIT), lab.run(1)]
    records = lab.check_once()
    for episode in episodes:
        check_is([record for record in records if record.episode_id == episode.id], episode)
    assert [record.episode_id for record in records] == [
        episode.id for episode in episodes for _ in range(-(-episode.ticks // CHUNK))]
    lab.wait_learned()
    assert lab.versions and lab.learner.weights_version == max(lab.versions)


def test_an_episode_that_was_aborted_before_any_decision_leaves_nothing(lab):
    before = lab.journal()
    episode = lab.episode(2, ABORTED)
    lab.player.play(episode.messages())
    lab.wait_discarded(episode)
    assert lab.journal() == before
    lab.run(6)
    assert len(lab.check_once()) == len(before) + 2


def test_transitions_that_come_again_or_too_early_or_of_others_are_not_counted(lab):
    lab.run(22)
    records = lab.check_once()
    counted, duplicates, number = lab.learner.transitions, lab.learner.duplicates, len(records)
    later = Transition(run_id=RUN, contract_hash=CONTRACT.hash, sequence=number + 2)
    stranger = Transition(run_id='another', contract_hash=CONTRACT.hash, sequence=number + 1)
    other_arm = Transition(run_id=RUN, contract_hash='f' * 64, sequence=number + 1)
    lab.repeat([later, stranger, other_arm, *reversed(records), *records])
    lab.player.until(lambda: lab.learner.duplicates >= duplicates + 2 * number,
                     lambda: f'duplicates: {lab.learner}')
    assert (lab.learner.transitions, lab.learner.sequence) == (counted, number)
    log = lab.supervisor.log_path('learner_node').read_text()
    assert f'transition of run another refused: this is run {RUN}' in log
    assert f'made under contract ffffffffffff, this is {CONTRACT.hash[:12]}' in log
    lab.run(9)
    lab.check_once()


def test_a_learner_that_comes_back_with_less_is_filled_up_though_nothing_new_comes(lab):
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


def test_a_learner_goes_on_from_its_checkpoint_and_gets_the_rest(lab):
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
    """Check that an episode was marked as aborted, once, and that learning goes on without it.

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
