# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The interface of every policy: decisions for several robots (lanes) at once.

State dict and configuration define a policy completely: a model is one file of tensors and one of
JSON, and the acting process needs nothing else.
"""
from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn, Tensor

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.model_config import ModelConfig


@dataclass(frozen=True)
class Decision:
    """A decision for each of B lanes."""

    actions: Tensor
    """(B, S, A) in [-1, 1], executed in succession without a new decision."""
    extras: Tensor
    """(B, D) float32: what the learner must know about how actions were drawn; D may be 0."""


@dataclass
class Memory:
    """What a policy keeps for B lanes between decisions: the plan that it follows."""

    plans: Tensor
    """(B, T, A) the last chunk that the base policy proposed."""
    positions: Tensor
    """(B,) int64, its next step; T: finished."""

    @classmethod
    def empty(cls, lanes: int, chunk_length: int, action_size: int,
              device: torch.device | str = 'cpu') -> Memory:
        """Return the memory at the start of an episode in each lane."""
        return cls(torch.zeros(lanes, chunk_length, action_size, device=device),
                   torch.full((lanes,), chunk_length, device=device))

    def rows(self, lanes: Tensor) -> Memory:
        """Return the memory of some lanes, when others have ended."""
        return Memory(self.plans[lanes], self.positions[lanes])


class Policy(nn.Module, ABC):
    """Observations in, actions out.

    `config` is a frozen dataclass with at least observation_size, action_size, chunk_length and
    to_json().
    """

    config: Any
    config_class: ClassVar[type[ModelConfig]] = ModelConfig
    """The class of `config`; a plug-in's policy may have settings of its own."""

    @property
    @abstractmethod
    def cloned(self) -> nn.Module:
        """Return the part that behaviour cloning trains.

        It has an `encoder` (ObservationEncoder) and `loss(observations, chunks (B, T, A),
        generator) -> scalar`.
        """

    @property
    def decision_steps(self) -> int:
        """Return S, the steps executed per decision: T, or 1 where each step is corrected."""
        return self.config.chunk_length

    @property
    def extras_size(self) -> int:
        """Return D, the number of extras of a decision."""
        return 0

    def begin(self, lanes: int) -> Memory:
        """Return the memory at the beginning of an episode in each of B lanes."""
        return Memory.empty(lanes, self.config.chunk_length, self.config.action_size,
                            next(self.parameters()).device)

    @abstractmethod
    def decide(self, observations: Observations, memory: Memory, generator: torch.Generator,
               explore: bool) -> Decision:
        """Return one decision per lane, and update the memory in place.

        The same weights, observations (B lanes, not normalised), memory and state of the
        generator give the same decision. With `explore` actions are drawn as for learning,
        otherwise they are the best ones.
        """

    def check(self) -> None:
        """Raise a ValueError if tensors that control the policy are out of bounds."""
