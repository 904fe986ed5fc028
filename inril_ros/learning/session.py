# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
One fine-tuning session: take in experience, take the updates that it allows, export weights.

The learner process and the benchmark both drive this class, so what is measured is what runs.
There is no clock in here: the number of updates follows from the number of steps taken in.
"""
from __future__ import annotations

from collections.abc import Sequence
import copy
from dataclasses import asdict
import json

import numpy as np
import torch
from torch import Tensor

from inril_ros.learning import session_state
from inril_ros.learning.device import select_device
from inril_ros.learning.experience import Episode, FloatArray, join_transitions, Transition
from inril_ros.learning.interleave.dose import Dose
from inril_ros.learning.interleave.schedule import FixedSchedule
from inril_ros.learning.interleave.sources import ImitationSource
from inril_ros.learning.learners.idql import CriticBatch, IDQL
from inril_ros.learning.policies.best_of_n import ActingPolicy
from inril_ros.learning.pretrain import (
    imitation_loss,
    imitation_pairs,
    move_average,
    split_episodes,
)
from inril_ros.learning.replay import draw, Origin, WindowBatch, WindowReplay
from inril_ros.learning.session_config import SessionConfig


class FineTuningSession:
    """
    Fine-tune a cloned policy; deterministic for a seed, a device and an order of calls.

    Public counters: `env_steps`, `transitions`, `duplicates`, `episodes`, `successes`, `gaps`.
    """

    def __init__(self, config: SessionConfig, pretrained: ActingPolicy,
                 demonstrations: Sequence[Episode], seed: int, device: str = 'auto') -> None:
        """
        Begin a session. The pre-trained policy is copied, not changed.

        :param demonstrations: the episodes it was cloned from, in the same order
        :raises ValueError: no demonstrations, sizes that differ from the model, unknown device
        """
        self.config = config
        self.device = select_device(device)
        model = pretrained.config
        for index, episode in enumerate(demonstrations):
            sizes = (episode.observations.shape[1], episode.actions.shape[1])
            if sizes != (model.observation_size, model.action_size):
                raise ValueError(f'demonstration {index} has (O, A) = {sizes}, the model '
                                 f'{(model.observation_size, model.action_size)}')
        training, self._heldout = split_episodes(demonstrations, config.heldout_share)
        if not training:
            raise ValueError('a session needs at least one demonstration')

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.policy = ActingPolicy(model)
            self.policy.load_state_dict(pretrained.state_dict())
            self.policy.candidates.fill_(1)
            self.policy.to(self.device).train()
            # What imitation trains; `policy.actor`, which acts, is its moving average.
            self.actor = copy.deepcopy(self.policy.actor)
            self.host = IDQL(self.policy, config.critic_learning_rate, config.polyak,
                             config.lowest_value, config.highest_value)
        self.imitation_optimiser = torch.optim.AdamW(
            self.actor.parameters(), lr=config.imitation_learning_rate,
            weight_decay=config.imitation_weight_decay)
        self.schedule = FixedSchedule(config.m)
        self.source = ImitationSource(config.imitation_source, config.demonstration_share)
        self.dose = Dose(config.dose_window)
        self._random = np.random.default_rng(seed)
        # On the CPU whatever the device: the same seed draws the same noise everywhere.
        self._generator = torch.Generator().manual_seed(seed)
        self.replay = WindowReplay(model.observation_size, model.action_size, model.chunk_length,
                                   config.target_candidates, config.gamma)
        self.env_steps = 0
        self.transitions = 0
        self.duplicates = 0
        self.gaps = 0
        self.episodes = 0
        self.successes = 0
        self._open: dict[str, list[Transition]] = {}
        self._closed: set[str] = set()
        for episode in training:
            self._remember(episode, Origin.DEMONSTRATION)

    # ---- experience ------------------------------------------------------------------------

    def ingest(self, transition: Transition) -> bool:
        """
        Take in one transition; return False, and change nothing, if it was taken in before.

        Transitions of one episode come in order; episodes may interleave. If some are missing in
        between, both sides are kept, the first as an episode that was cut off. An episode
        becomes available to learning when it ends.

        :raises ValueError: sizes that differ from the model, or ticks or observations that do
            not fit what is known of the episode
        """
        model = self.policy.config
        sizes = (transition.observations.shape[1], transition.actions.shape[1])
        if sizes != (model.observation_size, model.action_size):
            raise ValueError(f'transition of episode {transition.episode_id!r} has (O, A) = '
                             f'{sizes}, the model '
                             f'{(model.observation_size, model.action_size)}')
        pieces = self._open.get(transition.episode_id, [])
        expected = pieces[-1].first_tick + pieces[-1].steps if pieces else 0
        if transition.episode_id in self._closed or transition.first_tick < expected:
            self.duplicates += 1
            return False
        if pieces and transition.first_tick > expected:
            self.gaps += 1
            self._remember(join_transitions(pieces), Origin.ONLINE)
            pieces = []
        pieces = [*pieces, transition]
        if pieces[:-1]:
            join_transitions(pieces[-2:])  # refuses a seam that does not fit, before any change
        self.transitions += 1
        self.env_steps += transition.steps
        self._open[transition.episode_id] = pieces
        if transition.ends_episode:
            del self._open[transition.episode_id]
            self._closed.add(transition.episode_id)
            self.episodes += 1
            self.successes += transition.success
            self._remember(join_transitions(pieces), Origin.ONLINE)
        return True

    def abandon(self, episode_id: str) -> None:
        """Forget an episode that was stopped: what came of it so far is never learned from."""
        self._open.pop(episode_id, None)
        self._closed.add(episode_id)

    @property
    def open_episodes(self) -> int:
        """Return how many episodes have begun and not ended."""
        return len(self._open)

    def _remember(self, episode: Episode, origin: Origin) -> None:
        """Add an episode to the replay, with the chunks that the actor proposes in its states."""
        observations = self._tensor(episode.observations)
        candidates = self.policy.propose(observations, self.config.target_candidates,
                                         self._generator)
        self.replay.add(episode, candidates.cpu().numpy(), origin)

    # ---- learning --------------------------------------------------------------------------

    @property
    def rl_updates(self) -> int:
        """Return the RL gradient steps taken."""
        return self.schedule.rl_updates

    @property
    def il_updates(self) -> int:
        """Return the IL gradient steps taken."""
        return self.schedule.il_updates

    @property
    def updates_due(self) -> int:
        """Return how many calls of `update` the experience so far allows."""
        if self.env_steps < self.config.warmup_steps or not len(self.replay.online_rows):
            return 0
        steps = self.env_steps - self.config.warmup_steps
        allowed = self.config.warmup_updates + int(self.config.updates_per_step * steps)
        return max(allowed - self.schedule.rl_updates, 0)

    @property
    def warming_up(self) -> bool:
        """Return whether the critic is not yet good enough to choose."""
        done = self.schedule.rl_updates
        return done == 0 or done < self.config.warmup_updates

    def update(self) -> dict[str, float]:
        """
        Take one RL update and, where the schedule says so, one IL update.

        Return what to log: rl_loss, mean_value, the counters rl_updates and il_updates, ratio
        (realised), dose (|path of IL| / |path of RL|), rl_path, il_path (over the last
        `dose_window` RL updates or so), and il_loss if there was an IL update.

        :raises RuntimeError: there is no experience yet; see `updates_due`
        """
        if not len(self.replay.online_rows):
            raise RuntimeError('update() before the first episode: wait until updates_due > 0')
        batch = self._critic_batch()
        with self.dose.rl(self.host.parameters):
            logged = self.host.update(batch)
        self.schedule.count_rl()
        if self.schedule.imitation_due:
            logged['il_loss'] = self._imitate()
            self.schedule.count_il()
        if not self.warming_up:
            self.policy.candidates.fill_(self.config.candidates)
        logged.update(
            rl_updates=float(self.schedule.rl_updates), il_updates=float(self.schedule.il_updates),
            ratio=self.schedule.ratio, dose=self.dose.ratio,
            rl_path=self.dose.rl_path, il_path=self.dose.il_path)
        return logged

    def _critic_batch(self) -> CriticBatch:
        positives = round(self.config.positive_share * self.config.batch)
        rows = np.concatenate([
            draw(self.replay.positive_rows, positives, self._random),
            draw(self.replay.online_rows, self.config.batch - positives, self._random)])
        batch: WindowBatch = self.replay.batch(rows)
        return CriticBatch(**{name: self._tensor(array) for name, array in vars(batch).items()})

    def _imitate(self) -> float:
        rows = self.source.rows(self.replay, self.config.imitation_batch, self._random)
        observations, chunks = self.replay.pairs(rows)
        parameters = list(self.actor.parameters())
        with self.dose.il(parameters):
            loss = self.actor.loss(self._tensor(observations), self._tensor(chunks),
                                   self._generator)
            self.imitation_optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.imitation_optimiser.step()
        move_average(self.policy.actor, self.actor, self.config.actor_average)
        return float(loss.detach())

    def heldout_il_loss(self) -> float | None:
        """Return the denoising loss on the demonstrations kept out of learning, or None."""
        if not self._heldout:
            return None
        pairs = imitation_pairs(self._heldout, self.policy.config.chunk_length)
        return imitation_loss(self.policy.actor, *pairs)

    def _tensor(self, array: FloatArray) -> Tensor:
        return torch.tensor(array, device=self.device)

    # ---- results ---------------------------------------------------------------------------

    def export(self) -> tuple[dict[str, Tensor], str, int]:
        """Return a copy of the acting weights on the CPU, their ModelConfig, the RL updates."""
        tensors = {name: tensor.detach().cpu().clone()
                   for name, tensor in self.policy.state_dict().items()}
        return tensors, self.policy.config.to_json(), self.schedule.rl_updates

    def state_dict(self) -> tuple[dict[str, Tensor], str]:
        """
        Return the whole session: flat tensors, and a JSON document for the rest.

        A session built from the same configuration, demonstrations and kind of device continues
        from it bit for bit.
        """
        tensors = {
            **session_state.prefixed('policy', self.policy.state_dict()),
            **session_state.prefixed('actor', self.actor.state_dict()),
            **session_state.prefixed('target', self.host.target.state_dict()),
            **session_state.optimiser_tensors('critic_optimiser', self.host.optimiser),
            **session_state.optimiser_tensors('imitation_optimiser', self.imitation_optimiser),
            **session_state.prefixed('replay', {name: torch.from_numpy(array) for name, array
                                                in self.replay.state_dict().items()}),
            'generator': self._generator.get_state(),
        }
        open_tensors, open_document = session_state.pack_open(self._open)
        tensors.update(open_tensors)
        document = {
            'config': asdict(self.config),
            'model_config': self.policy.config.to_json(),
            'random': self._random.bit_generator.state,
            'schedule': self.schedule.state_dict(),
            'dose': self.dose.state_dict(),
            'counters': {name: getattr(self, name) for name in session_state.COUNTERS},
            'open': open_document,
            'closed': sorted(self._closed),
        }
        return ({name: tensor.detach().cpu().clone() for name, tensor in tensors.items()},
                json.dumps(document, sort_keys=True))

    def load_state_dict(self, tensors: dict[str, Tensor], document_json: str) -> None:
        """
        Continue a saved session.

        :raises ValueError: the configuration or the model differs from the saved one (the keys
            that differ are named), or tensors are missing
        """
        document = json.loads(document_json)
        session_state.check_same('session configuration', document['config'], asdict(self.config))
        session_state.check_same('model configuration', json.loads(document['model_config']),
                                 json.loads(self.policy.config.to_json()))
        self.policy.load_state_dict(session_state.unprefixed('policy', tensors), strict=True)
        self.actor.load_state_dict(session_state.unprefixed('actor', tensors), strict=True)
        self.host.target.load_state_dict(session_state.unprefixed('target', tensors), strict=True)
        session_state.load_optimiser('critic_optimiser', self.host.optimiser, tensors)
        session_state.load_optimiser('imitation_optimiser', self.imitation_optimiser, tensors)
        model = self.policy.config
        self.replay = WindowReplay(model.observation_size, model.action_size, model.chunk_length,
                                   self.config.target_candidates, self.config.gamma)
        self.replay.load_state_dict({name: tensor.numpy() for name, tensor
                                     in session_state.unprefixed('replay', tensors).items()})
        self._generator.set_state(session_state.required(tensors, 'generator'))
        self._random.bit_generator.state = document['random']
        self.schedule.load_state_dict(document['schedule'])
        self.dose.load_state_dict(document['dose'])
        for name in session_state.COUNTERS:
            setattr(self, name, int(document['counters'][name]))
        self._open = session_state.unpack_open(document['open'], tensors)
        self._closed = set(document['closed'])
