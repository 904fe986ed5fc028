# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""When and from which initial states success is measured, and the measurement itself."""

from dataclasses import replace
from typing import Annotated, Literal, NamedTuple

from pydantic import Field
from pydantic.dataclasses import dataclass
import torch

from inril_ros.bench.task import Count, STRICT
from inril_ros.bench.vectorised import Lanes
from inril_ros.learning.policies.policy import Policy
from inril_ros.sim.seeds import derived_seed

States = Literal['studies', 'tuning']

# The initial states of tuning are those of `inril evaluate` too.
_SCENES: dict[str, str] = {'tuning': 'evaluation', 'studies': 'evaluation of studies'}
_EPISODES = {'tuning': 50, 'studies': 200}
_EVERY = 5000


@dataclass(frozen=True, config=STRICT)
class Evaluation:
    """When success is measured, and from which initial states.

    Attributes:
        every: Environment steps between evaluations; also before the first step and at the end.
            Default without ``at``: 5000.
        at: The environment steps themselves, instead, from 0 to the end of the run.
        episodes: Episodes per evaluation, each from an initial state of its own, which are the
            same for all arms and seeds. Default: 200, or 50 for ``tuning``.
        states: ``studies``, or ``tuning``: other initial states, to choose settings with. A study
            of settings that were chosen on its own initial states would flatter them.
    """

    every: Count | None = None
    at: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] | None = None
    episodes: Annotated[int, Field(ge=1, le=100_000)] | None = None
    states: States = 'studies'

    def __post_init__(self) -> None:
        if self.at is None:
            object.__setattr__(self, 'every', self.every or _EVERY)
        elif self.every is not None:
            raise ValueError('every and at exclude each other: give one of them')
        elif self.at[0] != 0 or list(self.at) != sorted(set(self.at)):
            raise ValueError(f'at: {list(self.at)} must begin with 0, the clone, which is '
                             'evaluated once for all arms, and rise from point to point')
        if self.episodes is None:
            object.__setattr__(self, 'episodes', _EPISODES[self.states])

    def until(self, env_steps: int) -> 'Evaluation':
        """Return the evaluation of a run that ends here: the points up to its end.

        Raises:
            ValueError: The run doesn't end with an evaluation.
        """
        if self.at is None:
            return self
        if env_steps not in self.at:
            raise ValueError(f'evaluation.at {list(self.at)}: the run ends at env_steps '
                             f'{env_steps}, which must be one of the points')
        return replace(self, at=tuple(point for point in self.at if point <= env_steps))

    def steps(self, env_steps: int) -> list[int]:
        """Return the environment steps at which a run of this length is evaluated."""
        if self.at is not None:
            return list(self.at)
        return [*range(0, env_steps, self.every), env_steps]

    def scene(self, index: int) -> int:
        """Return the seed of the initial state of an episode: the same for every arm and seed."""
        return derived_seed(_SCENES[self.states], index)


class Measured(NamedTuple):
    """The episodes of one evaluation.

    Attributes:
        outcomes: Whether each episode succeeded.
        returns: The return of each episode.
    """

    outcomes: list[bool]
    returns: list[float]


def evaluate(lanes: Lanes, policy: Policy, evaluation: Evaluation) -> Measured:
    """Let a policy act without exploration from the initial states of an evaluation."""
    outcomes, returns = [], []
    for first in range(0, evaluation.episodes, len(lanes)):
        names = range(first, min(first + len(lanes), evaluation.episodes))
        generator = torch.Generator().manual_seed(derived_seed('evaluation policy', first))
        for played in lanes.play(policy, [evaluation.scene(index) for index in names], generator):
            outcomes.append(played.success)
            returns.append(float(sum(played.rewards)))
    return Measured(outcomes, returns)
