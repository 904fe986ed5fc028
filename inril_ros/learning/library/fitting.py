# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Clone demonstrations and fine-tune the clone in a Gymnasium environment.

The session that learns is the robot's: what is learned here is learned there in the same way. An
action is executed as it is, though: no contract, no limits of a robot, no safety gate.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TYPE_CHECKING

import torch

from inril_ros.learning.configuration import check_range
from inril_ros.learning.device import select_device
from inril_ros.learning.experience import Episode
from inril_ros.learning.exploration import ExplorationNoise
from inril_ros.learning.library.demonstrations import ActionBounds, learning_episodes
from inril_ros.learning.library.environment import EnvironmentLane, Spaces, SuccessRule
from inril_ros.learning.library.evaluation import evaluate_in, seed_of, Success
from inril_ros.learning.library.playing import play
from inril_ros.learning.library.progress import Progress, ProgressLines
from inril_ros.learning.policies.artifact import build_policy
from inril_ros.learning.policies.model_config import model_config
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.pretrain import pretrain, PretrainConfig, PretrainResult
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig

if TYPE_CHECKING:
    import gymnasium

REWARDS = ('success', 'environment')
Watch = Callable[[Progress], object]


@dataclass(frozen=True)
class FitConfig:
    """Settings of `fit` and `clone`."""

    env_steps: int = 10_000
    """Environment steps of fine-tuning, at least: the last episode is not cut."""
    seed: int = 0
    """Seed of the clone, of the initial states of training and of everything random."""
    evaluate_every: int = 5000
    """Environment steps from one evaluation to the next; the first one is the clone's."""
    evaluation_episodes: int = 50
    """Episodes per evaluation, always from the same initial states."""
    reward: str = 'success'
    """success: 1 at success, else 0, as hosts expect by default. environment: the environment's;
    set lowest_value and highest_value of the host to the possible returns, or to None."""
    time_limit: int | None = None
    """Most steps of an episode; None: what the environment was registered with, or 1000. Training
    episodes may be shorter; see `episode_cut` of the session."""
    device: str = 'auto'
    """Where is learned: auto (CUDA if there is a GPU), cpu, cuda or cuda:<n>."""
    model: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the policy's model, without its sizes and kind: see ModelConfig."""
    cloning: PretrainConfig = field(default_factory=PretrainConfig)
    """Settings of behaviour cloning."""
    session: SessionConfig = field(default_factory=SessionConfig)
    """Settings of the method, and of the host that it runs on."""

    def __post_init__(self) -> None:
        check_range(self, 'env_steps', 0, 2**40)
        check_range(self, 'seed', 0, 2**63 - 1)
        check_range(self, 'evaluate_every', 1, 2**40)
        check_range(self, 'evaluation_episodes', 1, 100_000)
        if self.time_limit is not None:
            check_range(self, 'time_limit', 1, 2**31)
        taken = sorted({'observation_size', 'action_size', 'kind'} & self.model.keys())
        if taken:
            raise ValueError(f'FitConfig.model: {taken} follow from the demonstrations and the '
                             'host; leave them out')
        if self.reward not in REWARDS:
            raise ValueError(f'FitConfig.reward: {self.reward!r} is unknown; allowed are '
                             f'{REWARDS}')


@dataclass(frozen=True)
class Fitted:
    """The result of `fit`."""

    policy: Policy
    """The policy after the last update, on the CPU."""
    cloned: PretrainResult
    """The clone that it began as, with its losses."""
    evaluations: Sequence[Success]
    """Success over training; the first one is the clone's."""
    session: FineTuningSession
    """The session, with its metrics and its state."""


def clone(demonstrations: Iterable[Any], action_space: Any, config: FitConfig | None = None, *,
          watch: Watch | None = None) -> PretrainResult:
    """Clone demonstrations, without an environment.

    Args:
        demonstrations: Objects with the attributes of Demonstration.
        action_space: A Gymnasium Box, or ActionBounds: the range of the actions.
        config: Settings; None: the defaults.
        watch: Called with the progress; None: lines are printed.

    Raises:
        ValueError: The demonstrations don't fit each other or the action space; settings are
            wrong, or name a plug-in that can't be used.
    """
    config = config or FitConfig()
    episodes = learning_episodes(demonstrations, ActionBounds.of(action_space), config.reward)
    return _clone(episodes, config, watch or ProgressLines())


def fit(env: gymnasium.Env, demonstrations: Iterable[Any], config: FitConfig | None = None, *,
        succeeded: SuccessRule | None = None, cloned: PretrainResult | None = None,
        watch: Watch | None = None) -> Fitted:
    """Clone demonstrations and fine-tune the clone in an environment.

    Deterministic for a seed and a kind of device, if the environment is. A training episode and
    an evaluation end at success.

    Args:
        env: An environment that observes vectors and takes them. It is not closed.
        demonstrations: Objects with the attributes of Demonstration.
        config: Settings; None: the defaults.
        succeeded: Says whether a step has done the task, by (info, reward, terminated); None:
            `info` does, as `is_success` or `success`.
        cloned: What `clone` made of the same demonstrations; None: they are cloned first.
        watch: Called with the progress; None: lines are printed.

    Raises:
        ValueError: As `clone`; the spaces are no vectors; nothing says what is a success; or
            rewards make returns possible that the host clips.
    """
    config, watch = config or FitConfig(), watch or ProgressLines()
    lane = EnvironmentLane(env, succeeded, config.reward, config.time_limit)
    spaces = Spaces(env)
    episodes = learning_episodes(demonstrations, spaces.bounds, config.reward)
    shown = episodes[0].observations.shape[1]
    if shown != spaces.observation_size:
        raise ValueError(f'the demonstrations have observations of {shown} values, the '
                         f'environment observes {spaces.observation_size}')
    cloned = cloned or _clone(episodes, config, watch)
    session = FineTuningSession(config.session, cloned.policy, episodes, config.seed,
                                config.device, cloned.heldout)
    points = [*range(0, config.env_steps, config.evaluate_every), config.env_steps]
    evaluations: list[Success] = []
    while points:
        if session.env_steps < points[0]:
            _train(session, lane, config, watch)
            continue
        evaluations.append(evaluate_in(
            lane, session.policy, config.evaluation_episodes, session.env_steps,
            lambda done: watch(Progress('evaluating', done, config.evaluation_episodes))))
        watch(Progress('evaluating', config.evaluation_episodes, config.evaluation_episodes,
                       success=evaluations[-1]))
        points = [point for point in points if point > session.env_steps]
    tensors, model, _ = session.export()
    return Fitted(build_policy(model, tensors), cloned, tuple(evaluations), session)


def _clone(episodes: Sequence[Episode], config: FitConfig, watch: Watch) -> PretrainResult:
    model = model_config(
        config.session.host.POLICY_KIND, episodes[0].observations.shape[1],
        episodes[0].actions.shape[1], config.model)
    return pretrain(
        episodes, model, config.cloning, config.seed, select_device(config.device),
        lambda step, loss: watch(Progress('cloning', step, config.cloning.steps)))


def _train(session: FineTuningSession, lane: EnvironmentLane, config: FitConfig,
           watch: Watch) -> None:
    """Play one episode with exploration, and take the updates that it allows."""
    episode = session.intake.episodes
    seed = seed_of(config.seed, episode)
    noise = None if session.exploration is None else [ExplorationNoise(
        session.exploration, session.policy.config.action_size, seed)]
    lane.begin(seed, session.longest_episode)
    (played,) = play([lane], session.policy, torch.Generator().manual_seed(seed), explore=True,
                     noise=noise)
    for transition in played.transitions(str(episode)):
        session.ingest(transition)
    done = min(session.env_steps, config.env_steps)
    while session.updates_due:
        session.update()
        watch(Progress('fine-tuning', done, config.env_steps, session.metrics))
    watch(Progress('fine-tuning', done, config.env_steps, session.metrics))
