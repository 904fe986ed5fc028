# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What updates cost: CPU time on one thread, of each host, and which share goes where.

Experience is made up: a policy acts on random observations of the built-in arm's size, so that
nothing is simulated and every host gets what it must know of how its actions were drawn.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
import time
from typing import Any

import numpy as np
import torch

from inril_ros.learning.experience import Episode, Transition
from inril_ros.learning.hosts.catalogue import HOSTS, POLICY_KIND
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.catalogue import make_policy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig

SIZES = {'observation_size': 39, 'action_size': 4}
"""Of Meta-World's arm."""
EPISODE = 80  # steps
LANES = 16
ON_POLICY = ('dppo', 'residual_ppo')
_DEMONSTRATIONS = 8
_TELLING = ('begin', 'after_rl', 'end', 'in_action_space')


@dataclass(frozen=True)
class HostCosts:
    """CPU time of a host with its default settings at one m.

    Attributes:
        host: Its name.
        m: RL units per imitation event: updates, or iterations of an on-policy host.
        rl: [ms] Median of an RL update without imitation.
        il: [ms] Of one imitation step.
        il_share: Of imitation in all CPU time of learning.
        alignment_share: Of measuring alignment, likewise.
        updates, il_steps, readings: How many were measured.
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
    """Return a session of a host, given by its name and settings, with made-up demonstrations."""
    config = ModelConfig(**SIZES, kind=POLICY_KIND.get(host['name'], 'best_of_n'), **(model or {}))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        policy = make_policy(config)
    random = np.random.default_rng(0)
    shown = [Episode(_observations(random, EPISODE), random.uniform(
        -0.9, 0.9, (EPISODE, config.action_size)), _rewards(True), True, True,
        images=_images(random, EPISODE + 1, config))
        for _ in range(_DEMONSTRATIONS)]
    return FineTuningSession(
        SessionConfig.from_mapping({'host': host, **settings}), policy, shown, 0, device)


class MadeUpWorld:
    """Gives a session rounds of episodes; half of them succeed."""

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
            rewards = _rewards(bool(self._episodes % 2))
            for first, decision in zip(range(0, EPISODE, policy.decision_steps), rounds):
                after = min(first + policy.decision_steps, EPISODE)
                ends = after == EPISODE
                transitions.append(Transition(
                    str(self._episodes), first, seen[lane][first:after + 1],
                    decision.actions[lane, :after - first].cpu().numpy(), rewards[first:after],
                    np.ones(after - first, np.uint8), terminated=ends and rewards[-1] > 0,
                    truncated=ends and rewards[-1] == 0, success=ends and bool(rewards[-1]),
                    extras=decision.extras[lane].cpu().numpy(),
                    images=None if images[lane] is None else images[lane][first:after + 1]))
        return transitions

    def feed(self, session: FineTuningSession) -> float:
        """Let a session take in rounds until updates are due; return the CPU time that it took."""
        spent = 0.0
        while not session.updates_due:
            transitions = self.play(session)
            began = time.process_time()
            for transition in transitions:
                session.ingest(transition)
            spent += time.process_time() - began
        return spent


def host_costs(host: str, updates: int, m: float = 10) -> HostCosts:
    """Measure one host: at least so many updates, and a whole number of imitation events.

    On-policy hosts do m iterations per event of 50 imitation steps, all others m updates per
    step, as in the studies.
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
    # Up to an event: a share of what comes once in a while needs whole cycles.
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


def all_host_costs(updates: int) -> Iterator[HostCosts]:
    """Measure each host in turn."""
    for host in HOSTS:
        yield host_costs(host, updates)


class _Stopwatch:
    """CPU time that an alignment probe takes."""

    def __init__(self, probe: Any) -> None:
        self.seconds, self.readings = 0.0, 0
        for name in _TELLING:
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
