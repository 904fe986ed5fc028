# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One fine-tuning session: ingest experience, take the updates that it allows, export weights.

The learner process and the benchmark both use this class, so results are those of the code that
runs on the robot. There is no clock: the number of updates follows from the ingested steps.
"""
from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import replace
import json
import math

import numpy as np
import torch
from torch import Tensor

from inril_ros.learning import saved_state
from inril_ros.learning.device import select_device
from inril_ros.learning.episode_intake import EpisodeIntake
from inril_ros.learning.experience import check_sizes, Episode, Transition
from inril_ros.learning.exploration import ExplorationConfig
from inril_ros.learning.hosts.catalogue import make_host
from inril_ros.learning.hosts.settings.names import with_control
from inril_ros.learning.interleave.controls import RewardExchange
from inril_ros.learning.interleave.interleaver import Interleaver
from inril_ros.learning.interleave.schedule import CountingSchedule
from inril_ros.learning.interleave.sources import imitates_all, ImitationMemory, ImitationSource
from inril_ros.learning.metrics import LearnerMetrics
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.pretrain import heldout_indices, imitation_pairs, split_episodes
from inril_ros.learning.remembered_images import frozen_images_hash, remembered_episode
from inril_ros.learning.replay import Origin
from inril_ros.learning.session_config import SessionConfig
from inril_ros.learning.stored.experience_store import ExperienceStore, Recalled, Snapshot
from inril_ros.learning.stored_episodes import pack_stored, recall


class FineTuningSession:
    """Fine-tune a cloned policy; deterministic for a seed, a device and an order of calls.

    Attributes:
        config: The settings.
        device: Where the updates are computed.
        demonstrated: Numbers of steps of the demonstrations, held out or not.
        host: The RL algorithm.
        intake: What arrived, with its counters.
        memory, source: What imitation may learn from, and what it draws from that.
        interleaver: Takes the updates.
    """

    def __init__(self, config: SessionConfig, pretrained: Policy,
                 demonstrations: Sequence[Episode], seed: int, device: str = 'auto',
                 heldout: Collection[int] = (),
                 store: ExperienceStore | None = None) -> None:
        """Begin a session with a copy of the pre-trained policy.

        `demonstrations` are the episodes that it was cloned from; `heldout` are the indices of
        those that cloning kept out, which this session doesn't learn from either. With a `store`
        episodes are kept in files, which a `snapshot` refers to.

        Raises:
            ValueError: No demonstrations, indices that none of them has, sizes that differ from
                the model, an unknown device, or a policy that the host can't start from.
        """
        self.config = config
        self.device = select_device(device)
        model = pretrained.config
        self._sizes = (model.observation_size, model.action_size), model.image_shape
        for index, episode in enumerate(demonstrations):
            check_sizes(f'demonstration {index}', episode, *self._sizes)
        self.demonstrated = [episode.steps for episode in demonstrations]
        self._heldout_indices = sorted(heldout)
        training, self._heldout = split_episodes(demonstrations, heldout)
        if not training:
            raise ValueError('a session needs at least one demonstration')

        self._random = np.random.default_rng(seed)
        # On the CPU for every device: the same seed draws the same noise everywhere.
        self._generator = torch.Generator().manual_seed(seed)
        self.host = make_host(
            with_control(config.host, config.control, config.control_weight), pretrained,
            self._random, self._generator, self.device)
        self.memory = self._empty_memory()
        self.source = ImitationSource(config.imitation_source, config.demonstration_share,
                                      config.intervention_share)
        self.interleaver = Interleaver(
            config, self.host, self._imitation_batch, self._random, self._generator,
            self.heldout_il_loss, seed)
        self.intake = EpisodeIntake(*self._sizes, self.host.check)
        self._measured_at, self._measured_loss = -1, math.nan
        self._exchange = RewardExchange(self._random)
        self._store = store
        for episode in training:
            self.host.check('a demonstration', episode)
            self._remember(episode, Origin.DEMONSTRATION)

    @property
    def in_files(self) -> bool:
        """Return whether episodes are kept in files, so that there are snapshots."""
        return self._store is not None

    @property
    def policy(self) -> Policy:
        """Return the acting policy."""
        return self.host.policy

    @property
    def exploration(self) -> ExplorationConfig | None:
        """Return the noise to add to the actions while learning, or None."""
        return self.host.exploration

    @property
    def longest_episode(self) -> int | None:
        """Return the steps after which a training episode is cut, or None: at the time limit."""
        return self.config.longest_episode(float(np.mean(self.demonstrated)))

    # ---- experience ------------------------------------------------------------------------

    def ingest(self, transition: Transition) -> bool:
        """Ingest one transition; return False, and change nothing, for a duplicate.

        Learning uses an episode when it ends; see `EpisodeIntake.add`.

        Raises:
            ValueError: It can't be learned from; nothing is changed.
            RewardsOutOfRangeError: Rewards to which the host would clip values.
        """
        episodes = self.intake.add(transition)
        for episode in episodes or ():
            self._remember(episode, Origin.ONLINE)
        return episodes is not None

    def abandon(self, episode_id: str) -> None:
        """Drop an aborted episode: it is never learned from, and its steps allow no updates."""
        self.intake.abandon(episode_id)

    def cut_off(self, episode_id: str) -> None:
        """End an episode whose last steps never came, as at a time-out.

        Raises:
            ValueError: Its transitions can't be learned from.
        """
        episode = self.intake.cut_off(episode_id)
        if episode is not None:
            self._remember(episode, Origin.ONLINE)

    def _remember(self, episode: Episode, origin: Origin) -> None:
        if self.policy.config.image_shape is None and episode.images is not None:
            episode = replace(episode, images=None)  # the policy does not use them
        episode = self._in_files(episode, origin)
        remembered = self._remembered(episode)
        self.memory.add(remembered, origin)
        if self.config.control != 'shuffled_rewards' or origin is Origin.DEMONSTRATION:
            self.host.remember(remembered, origin)
        else:
            for each in self._exchange.add(episode):
                self.host.remember(self._remembered(self._in_files(each, origin)), origin)

    def _remembered(self, episode: Episode) -> Episode:
        return remembered_episode(episode, self.policy.cloned.encoder, self.device)

    def forget(self, numbers: Set[int]) -> None:
        """Forget episodes, because their files are damaged."""
        self.memory.forget(numbers)
        self.host.forget(numbers)

    def _in_files(self, episode: Episode, origin: Origin) -> Episode:
        return episode if self._store is None else self._store.add(episode, origin)

    def _empty_memory(self) -> ImitationMemory:
        return ImitationMemory(*self._sizes[0], self.policy.config.chunk_length,
                               self.policy.cloned.encoder.remembered_shape,
                               keep_all=imitates_all(self.config.imitation_source),
                               capacity=self.config.host.remembered_steps)

    # ---- learning --------------------------------------------------------------------------

    @property
    def schedule(self) -> CountingSchedule:
        """Return the schedule of imitation, with its counters."""
        return self.interleaver.schedule

    @property
    def rl_updates(self) -> int:
        """Return the RL gradient steps taken."""
        return self.schedule.rl_updates

    @property
    def il_updates(self) -> int:
        """Return the IL gradient steps taken."""
        return self.schedule.il_updates

    @property
    def env_steps(self) -> int:
        """Return the environment steps that were ingested, which allow the updates."""
        return self.intake.env_steps

    @property
    def updates_due(self) -> int:
        """Return the number of updates that the experience so far allows."""
        return self.host.updates_due(self.env_steps)

    @property
    def warming_up(self) -> bool:
        """Return whether the critic is not yet good enough."""
        return self.host.warming_up

    def update(self) -> dict[str, float]:
        """Take one RL update and, where the schedule demands it, imitation.

        Return what to log: rl_loss, mean_value and other values of the host; rl_updates,
        il_updates, m, ratio (realised), dose (|path of IL| / |path of RL|), rl_path and il_path
        (over about the last `dose_window` RL updates); il_loss if there was imitation, and
        alignment_* if it was measured.

        Raises:
            RuntimeError: There is no experience yet; see `updates_due`.
        """
        if not self.updates_due and not self.intake.episodes:
            raise RuntimeError('update() before the first episode: wait until updates_due > 0')
        return self.interleaver.update()

    @property
    def metrics(self) -> LearnerMetrics:
        """Return the state of learning, with the held-out loss as of `measure_heldout`."""
        came = self.intake
        return replace(
            self.interleaver.metrics, transitions=came.transitions, env_steps=came.env_steps,
            episodes=came.episodes, successes=came.successes, rescued=came.rescued,
            rl_updates=self.rl_updates, il_updates=self.il_updates, updates_due=self.updates_due,
            heldout_il_loss=self._measured_loss, alignment=self.interleaver.alignment_in_words,
            alignment_events=len(self.interleaver.probe.pool))

    def measure_heldout(self) -> None:
        """Measure the held-out imitation loss for `metrics`, if there were updates since."""
        if self._measured_at != self.rl_updates:
            self._measured_at = self.rl_updates
            loss = self.heldout_il_loss()
            self._measured_loss = math.nan if loss is None else loss

    def _imitation_batch(self, random: np.random.Generator,
                         rows: int) -> tuple[Observations, Tensor]:
        """Return what an IL step learns from: observations of B rows, chunks (B, T, A)."""
        state, images, chunks = self.memory.pairs(self.source.rows(self.memory, rows, random))
        return (Observations.from_arrays(state, images, self.device),
                torch.tensor(chunks, device=self.device))

    def heldout_il_loss(self) -> float | None:
        """Return the imitation loss on the held-out demonstrations, or None if there are none."""
        if not self._heldout:
            return None
        observations, chunks = imitation_pairs(
            [self._remembered(episode) for episode in self._heldout],
            self.policy.config.chunk_length)
        return self.host.heldout_imitation_loss(
            observations.to(self.device), chunks.to(self.device))

    # ---- results ---------------------------------------------------------------------------

    def export(self) -> tuple[dict[str, Tensor], str, int]:
        """Return a copy of the acting weights on the CPU, their ModelConfig, the RL updates."""
        tensors = {name: tensor.detach().cpu().clone()
                   for name, tensor in self.policy.state_dict().items()}
        return tensors, self.policy.config.to_json(), self.schedule.rl_updates

    def state_dict(self) -> tuple[dict[str, Tensor], str]:
        """Return the whole session: flat tensors, and a JSON document for the rest.

        A session with the same configuration, demonstrations and kind of device continues from it
        bit for bit.
        """
        tensors = saved_state.array_tensors('memory', self.memory.state_dict())
        return self._state(tensors, replay=True)

    def snapshot(self) -> Snapshot:
        """Return what changed since the last one, for a checkpoint beside the session's store.

        It is as good as `state_dict`, and takes no longer with more experience. The next one must
        not be made before the store has saved this one.

        Raises:
            ValueError: The session has no store.
        """
        if self._store is None:
            raise ValueError('a snapshot refers to files, and this session was begun without any')
        self._store.changed(self.host.take_changes())
        tensors, numbers = pack_stored(self.memory.numbers, self.host.stored)
        return Snapshot(*self._state(tensors, replay=False), numbers, self._store.next_number)

    def _state(self, tensors: dict[str, Tensor], replay: bool) -> tuple[dict[str, Tensor], str]:
        """Return the tensors and what isn't experience in files, and the document."""
        host_tensors, host_document = self.host.state_dict(replay)
        interleaver_tensors, interleaver_document = self.interleaver.state_dict()
        waiting_tensors, waiting_document = saved_state.pack_episode(self._exchange.waiting)
        intake_tensors, intake_document = self.intake.state_dict()
        tensors = {
            **tensors,
            **saved_state.prefixed('host', host_tensors),
            **saved_state.prefixed('interleaver', interleaver_tensors),
            'generator': self._generator.get_state(),
            **intake_tensors,
            **saved_state.prefixed('waiting', waiting_tensors),
        }
        document = {
            'config': self.config.to_mapping(),
            'heldout': self._heldout_indices,
            'model_config': self.policy.config.to_json(),
            'host': host_document,
            'random': self._random.bit_generator.state,
            'interleaver': interleaver_document,
            **intake_document,
            'waiting': waiting_document,
        }
        frozen = frozen_images_hash(self.policy.cloned.encoder)
        if frozen is not None:
            document['frozen_images'] = frozen
        # Images never change, and the replay's are gigabytes: they are not copied once more.
        return ({name: tensor.detach().to('cpu', copy=not name.endswith('.images'))
                 for name, tensor in tensors.items()}, json.dumps(document, sort_keys=True))

    def load_state_dict(self, tensors: dict[str, Tensor], document_json: str,
                        experience: Iterable[Recalled] | None = None) -> list[str]:
        """Continue a saved session.

        Args:
            tensors: Its tensors.
            document_json: Its document.
            experience: The episodes that a snapshot refers to, from its store; None: the session
                was saved as a whole.

        Returns:
            What is left out because data of it is missing, as sentences.

        Raises:
            ValueError: The configuration, the model or the held-out demonstrations differ from
                the saved ones (the keys that differ are named), tensors are missing, or a former
                version saved it with interventions.
        """
        document = json.loads(document_json)
        saved = {'episode_cut': None, **document['config']}
        # Sessions saved before had a share of their own, and cut no episode.
        former = heldout_indices(len(self.demonstrated), saved.pop('heldout_share', 0.0))
        saved_state.check_same(
            'list of held-out demonstrations', {'indices': document.get('heldout', [*former])},
            {'indices': self._heldout_indices})
        saved_state.check_same('session configuration', saved, self.config.to_mapping())
        saved_state.check_same('model configuration', json.loads(document['model_config']),
                               json.loads(self.policy.config.to_json()))
        self.host.load_state_dict(saved_state.unprefixed('host', tensors), document['host'])
        saved_state.check_frozen_images(
            document.get('frozen_images'), frozen_images_hash(self.policy.cloned.encoder))
        self.interleaver.load_state_dict(  # without tensors before the first update
            saved_state.unprefixed('interleaver', tensors, may_lack=True), document['interleaver'])
        self.memory = self._empty_memory()
        left_out = []
        if experience is None:
            self.memory.load_state_dict(saved_state.tensor_arrays('memory', tensors))
        else:
            left_out = recall(
                tensors, ((self._remembered(episode), origin, context)
                          for episode, origin, context in experience), self.memory, self.host)
        self._generator.set_state(saved_state.required(tensors, 'generator'))
        self._random.bit_generator.state = document['random']
        saved_state.check_imitated(document['counters'], len(self.memory.intervention_rows))
        self.intake.load_state_dict(tensors, document)
        self._exchange.waiting = saved_state.unpack_episode(
            saved_state.unprefixed('waiting', tensors, may_lack=True), document['waiting'])
        return left_out
