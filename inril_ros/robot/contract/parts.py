# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a contract consists of, and what follows from it: sizes, limits, topics, times."""

from collections.abc import Mapping
from functools import cached_property
import math
from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from inril_ros.robot.contract.actions import Action
from inril_ros.robot.contract.fields import TRANSFORMS
from inril_ros.robot.contract.policy_images import PolicyImages
from inril_ros.robot.contract.rules import (
    ChunkRules,
    EpisodeRules,
    Kinematics,
    NotNegative,
    SafetyRules,
    STRICT,
    Teleoperation,
    Workspace,
)
from inril_ros.robot.contract.streams import Camera, Derived, Observation

#: [ns] Longer than anything lasts.
FOREVER = 2 ** 62
_Name = Annotated[str, Field(pattern=r'^[a-z][a-z0-9_]*$')]


@dataclass(frozen=True, config=STRICT)
class ContractParts:
    """The parts of a contract, before it is checked that they fit together.

    Attributes:
        name: Of the robot.
        control_rate: [Hz] Of the ticks.
        observations: What is observed, by name.
        actions: What is commanded, by name; the action vector is in this order.
        policy_observations: Observations and derived quantities that the policy gets, in order.
        episode: When an episode begins and ends.
        derived: What is computed from observations, by name.
        observation_delay: [s] A frame at a tick shows the world this much earlier, so that what
            is interpolated has a sample on both sides. 0: the newest that is known.
        cameras: What is seen, by name.
        policy_images: What the policy sees of it.
        workspace: A box that is not left.
        kinematics: Where the arm's geometry comes from.
        teleoperation: What a person's device sends.
        chunks: What is executed where action chunks overlap.
        safety: When the arm is held.
    """

    name: _Name
    control_rate: Annotated[float, Field(ge=0.01, le=1000.0)]
    observations: dict[_Name, Observation]
    actions: dict[_Name, Action]
    policy_observations: tuple[str, ...]
    episode: EpisodeRules
    derived: dict[_Name, Derived] = Field(default_factory=dict)
    observation_delay: Annotated[NotNegative, Field(le=10.0)] = 0.0
    cameras: dict[_Name, Camera] = Field(default_factory=dict)
    policy_images: PolicyImages | None = None
    workspace: Workspace | None = None
    kinematics: Kinematics | None = None
    teleoperation: Teleoperation = Field(default_factory=Teleoperation)
    chunks: ChunkRules = Field(default_factory=ChunkRules)
    safety: SafetyRules = Field(default_factory=SafetyRules)

    @property
    def period(self) -> float:
        """[s] One control tick."""
        return 1.0 / self.control_rate

    @property
    def period_ns(self) -> int:
        """[ns] One control tick."""
        return round(1e9 / self.control_rate)

    @property
    def time_limit_ticks(self) -> int:
        """Longest episode, in ticks."""
        return max(1, round(self.episode.time_limit * self.control_rate))

    @property
    def action_size(self) -> int:
        """A, the length of all actions one after the other."""
        return sum(action.length for action in self.actions.values())

    @property
    def observation_size(self) -> int:
        """O, the length of the policy observation."""
        return sum(self.length(name) for name in self.policy_observations)

    @property
    def image_shape(self) -> tuple[int, int, int, int] | None:
        """(C, H, W, 3) of the images of a policy observation; None: it has none."""
        wanted = self.policy_images
        return None if wanted is None else (len(wanted.cameras), wanted.height, wanted.width, 3)

    @property
    def policy_cameras(self) -> dict[str, Camera]:
        """The cameras that the policy looks through, in its order."""
        wanted = () if self.policy_images is None else self.policy_images.cameras
        return {name: self.cameras[name] for name in wanted}

    def ticks_per_image(self, camera: str) -> int:
        """Return how many ticks an image of a simulated camera is shown, in lockstep."""
        return max(1, math.ceil(self.control_rate / self.cameras[camera].rate - 1e-9))

    def length(self, name: str) -> int:
        """Return the number of values of an observation or derived quantity."""
        if name in self.observations:
            return self.observations[name].length
        derived = self.derived[name]
        return self.length(derived.inputs[0]) * (derived.ticks if derived.history else 1)

    @cached_property
    def action_minimum(self) -> np.ndarray:
        """Lower limits (A,), in the units of the actions."""
        return np.concatenate([action.minimum for action in self.actions.values()])

    @cached_property
    def action_maximum(self) -> np.ndarray:
        """Upper limits (A,), in the units of the actions."""
        return np.concatenate([action.maximum for action in self.actions.values()])

    def measured(self, joints: tuple[str, ...], values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the observed positions of joints (len(joints),).

        Raises:
            KeyError: One is not observed; no contract commands the position of such a one.
        """
        positions = {
            joint: values[name][index] for name, entry in self.observations.items()
            if entry.quantity == 'position' for index, joint in enumerate(entry.joints)
            if joint in joints}
        return np.array([positions[joint] for joint in joints])

    def action_slice(self, name: str) -> slice:
        """Return where an action lies in the vector of all actions (A,)."""
        start = 0
        for other, action in self.actions.items():
            if other == name:
                return slice(start, start + action.length)
            start += action.length
        raise KeyError(f'no action {name!r} in contract {self.name!r}')

    def normalise_action(self, action: np.ndarray) -> np.ndarray:
        """Map actions (..., A) from their units to -1..1."""
        low, high = self.action_minimum, self.action_maximum
        return (2.0 * (action - low) / (high - low) - 1.0).astype(np.float32)

    def denormalise_action(self, action: np.ndarray) -> np.ndarray:
        """Map actions (..., A) from -1..1 to their units."""
        low, high = self.action_minimum, self.action_maximum
        share = 0.5 * (np.asarray(action, np.float64) + 1.0)
        return (low + share * (high - low)).astype(np.float32)

    def observation_topics(self) -> dict[str, str]:
        """Return the type of each topic that observations are read from."""
        topics = {entry.topic: entry.type for entry in self.observations.values()}
        return {**topics, **{static_topic(topic): kind for topic, kind in topics.items()
                             if kind == TRANSFORMS}}

    def latched_topics(self) -> set[str]:
        """Return the observed topics that are sent once and kept for those who join later.

        An episode may be without any message of them.
        """
        return {entry.topic for entry in self.observations.values() if entry.latched} | {
            static_topic(entry.topic) for entry in self.observations.values()
            if entry.type == TRANSFORMS}

    def lookback(self, lockstep: bool) -> dict[str, int]:
        """Return how much older than a tick [ns] what it shows of each observed topic may be.

        In lockstep all that is not latched is as old as the tick.
        """
        latched = dict.fromkeys(self.latched_topics(), FOREVER)
        if lockstep:
            return latched
        wanted: dict[str, float] = {}
        for entry in self.observations.values():
            age = entry.max_age + entry.latency
            wanted[entry.topic] = max(wanted.get(entry.topic, 0.0), age)
        if self.policy_images is not None:
            for camera in self.policy_cameras.values():
                wanted[camera.topic] = self.policy_images.max_age + camera.latency
        return {**{topic: round((span + self.observation_delay) * 1e9)
                   for topic, span in wanted.items()}, **latched}

    def action_topics(self) -> dict[str, str]:
        """Return the type of each topic that commands are sent on."""
        return {entry.topic: entry.type for entry in self.actions.values()}


def static_topic(topic: str) -> str:
    """Return where the transforms are that never change, for a topic of TF such as ``/tf``."""
    return f'{topic}_static'
