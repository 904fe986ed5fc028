# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recorder and learner as processes; the test publishes for the robot and the policy.

The journal holds the experience, the learner's counts say how much of it was received.
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
from played_arm import (
    ABORTED,
    CHUNK,
    CONTRACT,
    demonstration_bags,
    PlayedEpisode,
    Player,
    processes,
    SUCCESS,
)
from rclpy.serialization import deserialize_message
import torch
import yaml

from inril_ros.graph.domain import reserve_domain
from inril_ros.learning.policies.artifact import save_policy
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.nodes.base import qos
from inril_ros.robot.messages.codecs import stamp_ns
from inril_ros.transport.journal.journal import read_journal

MODEL = ModelConfig(
    observation_size=CONTRACT.observation_size, action_size=CONTRACT.action_size,
    chunk_length=CHUNK, denoising_steps=4, sampling_steps=2, actor_width=8, critic_width=8,
    critic_layers=1)
WARMUP = 30  # environment steps
SETTINGS = {'imitation_batch': 8, 'm': 4, 'host': {
    'name': 'idql', 'warmup_steps': WARMUP, 'warmup_updates': 8, 'updates_per_step': 0.2,
    'batch': 8, 'candidates': 2, 'target_candidates': 2}}


class Lab:
    """A robot played by the test, with a running recorder and learner."""

    def __init__(self, folder, domain_id, supervisor):
        self.journal_folder, self.supervisor = folder / 'journal', supervisor
        self._domain_id, self._next_start = domain_id, 10 ** 12
        self._restarted, self.versions = 0, []
        self.join()

    def join(self):
        """Join the graph, and wait until all nodes are connected."""
        self.player = player = Player(self._domain_id)
        player.check = self.supervisor.check
        self.learner, self.recorder = LearnerStatus(), RecorderStatus()
        player.listen(LearnerStatus, 'learner/status', qos.STATE, self._on_learner_status)
        player.listen(RecorderStatus, 'recorder/status', qos.STATE, self._on_recorder_status)
        player.listen(PolicyWeights, 'weights/pieces', qos.WEIGHTS, lambda piece: None)
        player.listen(WeightsManifest, 'weights/manifest', qos.MANIFEST,
                      lambda manifest: self.versions.append(manifest.version))
        self._again = player.publisher(Transition, 'transition', qos.EXPERIENCE)
        player.wait_ready('recorder_node', 'learner_node')

    def _on_learner_status(self, status):
        if stamp_ns(status) >= self._restarted:  # not the last message of a killed learner
            self.learner = status

    def _on_recorder_status(self, status):
        self.recorder = status

    def episode(self, ticks, outcome=SUCCESS):
        """Return an episode that begins after the previous one."""
        episode = PlayedEpisode(self._next_start, ticks, outcome)
        self._next_start = episode.end + 10 ** 10
        return episode

    def run(self, ticks, outcome=SUCCESS):
        """Play an episode and wait until the recorder has saved it."""
        episode = self.episode(ticks, outcome)
        self.player.play(episode.messages())
        self.wait_saved(episode)
        return episode

    def wait_saved(self, episode):
        self.player.until(lambda: self.player.event(episode, EpisodeEvent.SAVED),
                          lambda: f'{episode.id} to be saved: {self.recorder}')

    def wait_discarded(self, episode):
        self.player.until(lambda: self.player.event(episode, EpisodeEvent.DISCARDED),
                          lambda: f'{episode.id} to be discarded: {self.recorder}')
        return self.player.event(episode, EpisodeEvent.DISCARDED).reason

    def journal(self):
        """Return the transitions in the journal; their numbers have no gaps."""
        records = [deserialize_message(raw, Transition)
                   for _, raw in read_journal(self.journal_folder)]
        assert [record.sequence for record in records] == list(range(1, len(records) + 1))
        return records

    def wait_journaled(self, number):
        self.player.until(lambda: len(self.journal()) >= number, f'{number} transitions')

    def wait_learner_has_all(self):
        """Wait until the learner has the whole journal and the recorder knows it."""
        number = len(self.journal())
        self.player.until(
            lambda: (self.learner.sequence, self.recorder.acknowledged) == (number, number)
            and self.recorder.journaled == number,
            lambda: f'all {number} transitions: {self.learner}, {self.recorder}')

    def check_once(self):
        """Check that the learner has counted each journaled transition once."""
        self.wait_learner_has_all()
        records = self.journal()
        aborted = {record.episode_id for record in records if record.outcome == ABORTED}
        assert self.learner.transitions == sum(record.outcome != ABORTED for record in records)
        assert self.learner.env_steps == sum(
            record.steps for record in records if record.episode_id not in aborted)
        return records

    def wait_learned(self):
        """Wait until the learner has done all updates that its experience allows."""
        beyond = self.learner.env_steps - WARMUP
        due = 8 + int(0.2 * beyond) if beyond >= 0 else 0
        self.player.until(lambda: self.learner.rl_updates == due,
                          lambda: f'{due} updates: {self.learner}')
        assert self.learner.il_updates == due // 4

    def repeat(self, records):
        """Send transitions again, as a second recorder would."""
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
        """Restart it and rejoin: others may still be connected to the dead one's subscriptions."""
        self.player.close()
        self.supervisor.restart('recorder_node')
        self.join()


def learner_start(folder):
    """Write a cloned model, demonstrations and settings; return the learner's parameters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_policy(folder / 'model', BestOfN(MODEL))
    (folder / 'settings.yaml').write_text(yaml.safe_dump(SETTINGS), encoding='utf-8')
    return {'pretrained': str(folder / 'model'), 'config': str(folder / 'settings.yaml'),
            'demonstrations': str(demonstration_bags(folder / 'demonstrations')),
            'device': 'cpu'}


@contextmanager
def laboratory(folder, recorder=None, **learner):
    """Yield a lab; recorder and learner can get further parameters."""
    learner = {**learner_start(folder), 'run_dir': str(folder), **learner}
    recorder = {'journal': str(folder / 'journal'), 'resend': 0.3, **(recorder or {})}
    with reserve_domain() as domain, processes(
            folder, domain, recorder_node=recorder, learner_node=learner) as supervisor:
        lab = Lab(folder, domain, supervisor)
        yield lab
        lab.player.close()
