# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""CPU time of the updates of each host, on one thread, and the shares of its parts.

Experience is made up: a policy acts on random observations of the built-in arm's size. Nothing is
simulated, and every host still gets all values about its actions that it needs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
import time
from typing import Any

import numpy as np
import torch

from inril_ros.learning.experience import Episode, Transition
from inril_ros.learning.hosts.catalogue import HOSTS
from inril_ros.learning.library.playing import PlayedEpisode
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.catalogue import make_policy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig

SIZES = {'observation_size': 39, 'action_size': 4}  # of Meta-World's arm
EPISODE = 80  # steps
LANES = 16
ON_POLICY = ('dppo', 'residual_ppo')
# A verifier learns once, by the updates of idql; a search for noise learns nothing.
MEASURED = tuple(name for name in HOSTS if name not in ('noise_search', 'verifier'))
_DEMONSTRATIONS = 8
_PROBE_METHODS = ('begin', 'after_rl', 'end', 'in_action_space')


@dataclass(frozen=True)
class HostCosts:
    """CPU time of a host with its default settings at one m.

    Attributes:
        host: Name of the host.
        m: RL units per imitation event: updates, or iterations of an on-policy host.
        rl: Median time of an RL update without imitation [ms].
        il: Time of one imitation step [ms].
        il_share: Share of imitation in all CPU time of learning.
        alignment_share: Share of measuring alignment in it.
        updates: Number of RL updates measured.
        il_steps: Number of imitation steps measured.
        readings: Number of alignment readings measured.
    """

    host: str
    m: float
    rl: float
    il: float
    il_share: float
    alignment_share: float
    updates: int
    il_steps: int
    readings: int


def made_up_session(
    host: dict[str, Any], model: dict[str, Any] | None = None, device: str = 'cpu',
    **settings: Any,
) -> FineTuningSession:
    """Return a session of a host (name and settings) with made-up demonstrations."""
    session = SessionConfig.from_mapping({'host': host, **settings})
    config = ModelConfig(**SIZES, kind=session.host.POLICY_KIND, **(model or {}))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        policy = make_policy(config)
    random = np.random.default_rng(0)
    shown = [Episode(_observations(random, EPISODE), random.uniform(
        -0.9, 0.9, (EPISODE, config.action_size)), _rewards(True), True, True,
        images=_images(random, EPISODE + 1, config))
        for _ in range(_DEMONSTRATIONS)]
    return FineTuningSession(session, policy, shown, 0, device)


class MadeUpWorld:
    """Source of made-up episodes for a session; half of them succeed."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(1)
        self._generator = torch.Generator().manual_seed(1)
        self._episodes = 0

    def play(self, session: FineTuningSession) -> list[Transition]:
        """Return a round of whole episodes of the session's policy, as transitions in order."""
        policy = session.policy
        seen = [_observations(self._random, EPISODE) for _ in range(LANES)]
        images = [_images(self._random, EPISODE + 1, policy.config) for _ in range(LANES)]
        memory, rounds = policy.begin(LANES), []
        for first in range(0, EPISODE, policy.decision_steps):
            observed = Observations.from_arrays(
                np.stack([each[first] for each in seen]),
                None if images[0] is None else np.stack([each[first] for each in images]),
                session.device)
            with torch.inference_mode():
                rounds.append(policy.decide(observed, memory, self._generator, explore=True))
        transitions = []
        for lane in range(LANES):
            self._episodes += 1
            success = bool(self._episodes % 2)
            transitions += PlayedEpisode(
                list(seen[lane]),
                list(np.concatenate([decision.actions[lane].cpu().numpy()
                                     for decision in rounds])[:EPISODE]),
                _rewards(success), list(range(0, EPISODE, policy.decision_steps)),
                [decision.extras[lane].cpu().numpy() for decision in rounds],
                'success' if success else 'none',
                [] if images[lane] is None else list(images[lane]),
            ).transitions(str(self._episodes))
        return transitions

    def feed(self, session: FineTuningSession) -> float:
        """Give a session rounds until updates are due; return the CPU time of ingesting them."""
        spent = 0.0
        while not session.updates_due:
            transitions = self.play(session)
            began = time.process_time()
            for transition in transitions:
                session.ingest(transition)
            spent += time.process_time() - began
        return spent


def host_costs(host: str, updates: int, m: float = 10) -> HostCosts:
    """Measure one host over at least this many updates and whole cycles up to an imitation event.

    As in the studies, on-policy hosts do m iterations per event of 50 imitation steps, all others
    m updates per imitation step.
    """
    torch.set_num_threads(1)
    on_policy = host in ON_POLICY
    warm = {'warmup_iterations': 0} if on_policy else {'warmup_steps': 500, 'warmup_updates': 20}
    settings = {'unit': 'iteration', 'il_steps': 50, 'alignment_every': 1,
                'imitation_batch': 256} if on_policy else {}
    session, world = made_up_session({'name': host, **warm}, m=m, **settings), MadeUpWorld()
    measuring = _Stopwatch(session.interleaver.probe)
    world.feed(session)
    while session.warming_up:  # none of this is measured
        session.update()
        world.feed(session)
    spent = measuring.seconds = 0.0
    plain: list[float] = []
    with_event: list[float] = []
    first_il, imitated = session.il_updates, False
    # The share of rare imitation events is only right over whole cycles.
    while not imitated or len(plain) + len(with_event) < updates:
        spent += world.feed(session)
        il_updates, before = session.il_updates, measuring.seconds
        began = time.process_time()
        session.update()
        took = time.process_time() - began
        spent += took
        imitated = session.il_updates > il_updates
        (with_event if imitated else plain).append(took - (measuring.seconds - before))
    rl, steps = median(plain), session.il_updates - first_il
    imitation = max(sum(with_event) - rl * len(with_event), 0.0)
    return HostCosts(
        host, m, 1e3 * rl, 1e3 * imitation / steps, imitation / spent, measuring.seconds / spent,
        len(plain) + len(with_event), steps, measuring.readings)


class _Stopwatch:
    """The CPU time of an alignment probe."""

    def __init__(self, probe: Any) -> None:
        self.seconds, self.readings = 0.0, 0
        for name in _PROBE_METHODS:
            setattr(probe, name, self._timed(getattr(probe, name), name))

    def _timed(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            began = time.process_time()
            result = call(*arguments)
            self.seconds += time.process_time() - began
            self.readings += name in ('end', 'in_action_space')
            return result
        return timed


def _observations(random: np.random.Generator, steps: int) -> np.ndarray:
    return random.normal(size=(steps + 1, SIZES['observation_size'])).astype(np.float32)


def _images(random: np.random.Generator, number: int, config: ModelConfig) -> np.ndarray | None:
    shape = config.image_shape
    return None if shape is None else random.integers(0, 256, (number, *shape), np.uint8)


def _rewards(success: bool) -> np.ndarray:
    return np.append(np.zeros(EPISODE - 1), float(success)).astype(np.float32)
