# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The counterparts of a policy node: a learner that sends weights, a robot that it controls."""

from dataclasses import dataclass, replace
from itertools import count

from inril_ros.msg import (
    ActionChunk,
    EpisodeEvent,
    LearnerStatus,
    PolicyStatus,
    PolicyWeights,
    WeightsManifest,
    WeightsRequest,
)
import numpy as np
from played_arm import CHUNK, CONTRACT, PlayedEpisode, ROLLOUT, RUN
import torch

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.artifact import schema_hash, to_bytes
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.nodes.base import qos
from inril_ros.transport.weights.manifest import content_hash, cut, Manifest, piece_count

SMALL = ModelConfig(
    observation_size=CONTRACT.observation_size, action_size=CONTRACT.action_size,
    chunk_length=CHUNK, denoising_steps=4, sampling_steps=2, actor_width=8, critic_width=8,
    critic_layers=1)
# Three megabytes: several pieces.
LARGE = replace(SMALL, actor_width=256, actor_blocks=6)


def made(config, seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BestOfN(config).eval()


@dataclass(frozen=True)
class Version:
    """Weights for sending: the content and the fields of its manifest."""

    content: bytes
    manifest: dict

    @classmethod
    def of(cls, policy, **fields):
        tensors = policy.state_dict()
        return cls.of_content(to_bytes(tensors), **{
            'model_config': policy.config.to_json(), 'schema_hash': schema_hash(tensors),
            **fields})

    @classmethod
    def of_content(cls, content, **fields):
        return cls(content, {
            'run_id': RUN, 'parent_version': 0, 'learner_step': 0,
            'contract_hash': CONTRACT.hash, 'content_hash': content_hash(content),
            'total_size': len(content), 'chunk_count': piece_count(len(content)), **fields})


class Bench:
    """The learner's and the robot's side of one policy node."""

    def __init__(self, player):
        self.player = player
        self.numbers, self._starts = count(1), count(100)
        self.status, self.chunks = PolicyStatus(), []
        self._pieces = player.publisher(PolicyWeights, 'weights/pieces', qos.WEIGHTS)
        self._manifests = player.publisher(WeightsManifest, 'weights/manifest', qos.MANIFEST)
        self._learner = player.publisher(LearnerStatus, 'learner/status', qos.STATE)
        self.requests = []
        player.listen(WeightsRequest, 'weights/request', qos.EVENT, self.requests.append)
        player.listen(PolicyStatus, 'policy/status', qos.STATE, self._on_status)
        player.listen(ActionChunk, 'action_chunk', qos.EVENT, self.chunks.append)

    def _on_status(self, status):
        self.status = status

    def send(self, version, number=None, without=None):
        """Publish weights, except one piece; return their version number."""
        number = next(self.numbers) if number is None else number
        for index in range(len(cut(version.content))):
            if index != without:
                self.send_piece(version, number, index)
        self.send_manifest(version, number)
        return number

    def send_manifest(self, version, number):
        manifest = Manifest(version=number, **version.manifest).sealed()
        self._manifests.publish(WeightsManifest(format='safetensors', **vars(manifest)))

    def send_piece(self, version, number, index):
        offset, piece = cut(version.content)[index]
        message = PolicyWeights(run_id=version.manifest['run_id'], version=number, offset=offset,
                                chunk_index=index, chunk_count=len(cut(version.content)))
        message.data.frombytes(piece)
        self._pieces.publish(message)

    def send_status(self, learner_id, **fields):
        """Publish a learner's status."""
        self._learner.publish(LearnerStatus(run_id=RUN, learner_id=learner_id, **fields))

    def wait_version(self, number):
        self.player.until(lambda: self.status.weights_version == number,
                          lambda: f'version {number} to act: {self.status}')

    def refusal(self, version, number=None):
        """Publish weights that must be refused; return the reason."""
        before = self.status.refused
        self.send(version, number)
        self.player.until(lambda: self.status.refused > before,
                          lambda: f'a refusal: {self.status}')
        assert self.status.refused == before + 1
        return self.status.refusal

    def begin(self, decisions, outcome=EpisodeEvent.SUCCESS, purpose=ROLLOUT):
        """Begin an episode with this number of decisions."""
        episode = PlayedEpisode(
            next(self._starts) * 10 ** 11, decisions * CHUNK, outcome, purpose)
        self.player.play(episode.opening())
        return episode

    def decide(self, episode, index):
        """Publish the observation of a decision and wait for the chunk."""
        self.player.play(episode.before_action(index * CHUNK))
        self.player.until(lambda: len(self.made_in(episode)) > index,
                          lambda: f'chunk {index}: {self.status}')

    def made_in(self, episode):
        return [chunk for chunk in self.chunks if chunk.episode_id == episode.id]

    def act(self, decisions=1):
        """Play an episode with this number of decisions; return it and its chunks."""
        episode = self.begin(decisions)
        for index in range(decisions):
            self.decide(episode, index)
        return episode, self.made_in(episode)

    def check_acts_with(self, policy, number):
        """Check that the chunks are those of a policy and have its version number."""
        episode, chunks = self.act(2)
        random = torch.Generator().manual_seed(episode.start // 1_000_000_000)
        for tick, chunk in zip((0, CHUNK), chunks, strict=True):
            seen = torch.from_numpy(episode.observation(tick))[None]
            expected = CONTRACT.denormalise_action(
                policy.act(Observations(seen), random)[0].numpy())
            assert (chunk.weights_version, chunk.first_tick) == (number, tick)
            assert np.allclose(np.reshape(chunk.actions, (chunk.steps, chunk.size)), expected,
                               atol=1e-5)
