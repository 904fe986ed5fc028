# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Plays episodes in worlds that are stepped in turn, with one policy call for all of them.

A world is a lane: a simulated robot of a study, or a Gymnasium environment. Lanes that have ended
drop out of the batch.
"""
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
import torch

from inril_ros.learning.experience import Episode, FloatArray, Transition
from inril_ros.learning.exploration import ExplorationNoise
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.policy import Policy


@dataclass
class PlayedEpisode:
    """An episode of N steps in one lane; it grows while it is played."""

    observations: list[FloatArray] = field(default_factory=list)
    """N + 1 arrays (O,)."""
    actions: list[FloatArray] = field(default_factory=list)
    """N arrays (A,) in -1..1, as executed."""
    rewards: list[float] = field(default_factory=list)
    """N rewards."""
    starts: list[int] = field(default_factory=list)
    """First step of each decision."""
    extras: list[FloatArray] = field(default_factory=list)
    """(D,) extra values of each decision."""
    outcome: Literal['none', 'success', 'failure'] = 'none'
    """How it ended; none: a time limit ended it."""
    images: list[NDArray[np.uint8]] = field(default_factory=list)
    """N + 1 arrays (C, H, W, 3); empty if the policy has no cameras."""
    done: list[bool] = field(default_factory=list)
    """Whether the task is done at each of the N + 1 ticks."""

    @property
    def steps(self) -> int:
        """Number of steps, N."""
        return len(self.actions)

    @property
    def success(self) -> bool:
        """Whether the episode succeeded."""
        return self.outcome == 'success'

    def episode(self) -> Episode:
        """Return the whole episode, as demonstrations are stored."""
        return Episode(np.stack(self.observations), np.stack(self.actions),
                       np.array(self.rewards), terminated=self.outcome != 'none',
                       success=self.success, images=self._images(0, self.steps))

    def transitions(self, name: str) -> list[Transition]:
        """Return the decisions as the recorder would send them."""
        transitions = []
        for first, after, extras in zip(
                self.starts, [*self.starts[1:], self.steps], self.extras, strict=True):
            ends = after == self.steps
            transitions.append(Transition(
                name, first, np.stack(self.observations[first:after + 1]),
                np.stack(self.actions[first:after]), np.array(self.rewards[first:after]),
                np.ones(after - first, np.uint8),
                terminated=ends and self.outcome != 'none',
                truncated=ends and self.outcome == 'none', success=ends and self.success,
                extras=extras, images=self._images(first, after)))
        return transitions

    def _images(self, first: int, last: int) -> NDArray[np.uint8] | None:
        """Return the images of the observations from first to last, both included."""
        return np.stack(self.images[first:last + 1]) if self.images else None


class Lane(ABC):
    """One world and its present episode, which `begin` of the subclass begins.

    Attributes:
        played: The episode so far.
    """

    def __init__(self) -> None:
        self.played = PlayedEpisode()

    @property
    @abstractmethod
    def ended(self) -> bool:
        """Whether the episode is over."""

    @abstractmethod
    def act(self, action: FloatArray) -> None:
        """Execute one action (A,) in -1..1, and add the step to the episode."""

    def follow(self, actions: FloatArray, extras: FloatArray) -> None:
        """Execute one decision (S, A) in -1..1 with its extras (D,), until the episode ends."""
        self.played.starts.append(self.played.steps)
        self.played.extras.append(extras)
        for action in actions:
            self.act(action)
            if self.ended:
                return


def play(
    lanes: Sequence[Lane], policy: Policy, generator: torch.Generator, *,
    explore: bool = False, noise: Sequence[ExplorationNoise] | None = None,
) -> list[PlayedEpisode]:
    """Play the episodes that the lanes have begun to their ends, and return them.

    Args:
        lanes: The lanes.
        policy: The acting policy, on any device.
        generator: Generator of the policy's random numbers.
        explore: Explore, as in training episodes.
        noise: Noise to add to the actions, one for each episode.
    """
    device = next(policy.parameters()).device
    memory = policy.begin(len(lanes))
    running = list(range(len(lanes)))
    while running:
        observations = _batch([lanes[index].played for index in running]).to(device)
        with torch.inference_mode():
            decision = policy.decide(observations, memory, generator, explore)
        actions, extras = decision.actions.cpu().numpy(), decision.extras.cpu().numpy()
        for row, index in enumerate(running):
            chunk = actions[row]
            if noise is not None:
                chunk = np.clip(chunk + noise[index].chunk(len(chunk)), -1.0, 1.0)
            lanes[index].follow(chunk, extras[row])
        left = [row for row, index in enumerate(running) if not lanes[index].ended]
        if len(left) < len(running):
            running = [running[row] for row in left]
            memory = memory.rows(torch.tensor(left, dtype=torch.int64))
    return [lane.played for lane in lanes]


def _batch(running: Sequence[PlayedEpisode]) -> Observations:
    """Return the present observations of B running episodes."""
    state = torch.from_numpy(np.stack([each.observations[-1] for each in running]))
    if not running[0].images:
        return Observations(state)
    return Observations(state, torch.from_numpy(np.stack([each.images[-1] for each in running])))
