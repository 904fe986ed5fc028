# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a contract, and what follows from them: sizes, limits, topics, times."""

from collections.abc import Mapping
from functools import cached_property
import math
from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from inril_ros.robot.angles import Angles
from inril_ros.robot.contract.actions import Action
from inril_ros.robot.contract.fields import TRANSFORMS
from inril_ros.robot.contract.load_limits import LoadLimit
from inril_ros.robot.contract.measurement import measured_places, Place, Places
from inril_ros.robot.contract.quantities import has_quaternion, joint_angles, quantity_length
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
from inril_ros.robot.contract.streams import Camera, Derived, Observation, PolicyImages

#: [ns] Stands for an unlimited time.
FOREVER = 2 ** 62
_Name = Annotated[str, Field(pattern=r'^[a-z][a-z0-9_]*$')]


@dataclass(frozen=True, config=STRICT)
class ContractParts:
    """The keys of a contract, before it is checked that they fit together.

    Attributes:
        name: Name of the robot.
        control_rate: [Hz] Number of ticks per second.
        observations: Observations by name.
        actions: Actions by name; the action vector has their order.
        policy_observations: Names of the observations and derived quantities that the policy
            gets, in order.
        episode: Beginning and end of episodes.
        derived: Quantities computed from observations, by name.
        observation_delay: [s] A frame shows the robot this long before its tick, so that values
            that are interpolated have a sample on both sides. 0: the newest values.
        cameras: Cameras by name.
        policy_images: Images that the policy gets.
        workspace: Box that must not be left.
        kinematics: Source of the arm's geometry.
        teleoperation: Topics of a person's device, and how the person takes over.
        chunks: What is executed where action chunks overlap.
        safety: Rules for holding the arm.
        load_limits: Limits of measured forces, torques and efforts by name, above which the arm is
            held.
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
    load_limits: dict[_Name, LoadLimit] = Field(default_factory=dict)

    @property
    def period(self) -> float:
        """Duration of a tick [s]."""
        return 1.0 / self.control_rate

    @property
    def period_ns(self) -> int:
        """Duration of a tick [ns]."""
        return round(1e9 / self.control_rate)

    @property
    def time_limit_ticks(self) -> int:
        """Highest number of ticks of an episode."""
        return max(1, round(self.episode.time_limit * self.control_rate))

    @property
    def action_size(self) -> int:
        """A, the length of the action vector."""
        return sum(action.length for action in self.actions.values())

    @property
    def observation_size(self) -> int:
        """O, the length of the policy observation."""
        return sum(self.length(name) for name in self.policy_observations)

    @property
    def image_shape(self) -> tuple[int, int, int, int] | None:
        """Shape (C, H, W, 3) of a policy observation's images; None if it has none."""
        wanted = self.policy_images
        return None if wanted is None else (len(wanted.cameras), wanted.height, wanted.width, 3)

    @property
    def policy_cameras(self) -> dict[str, Camera]:
        """The policy's cameras by name, in its order."""
        wanted = () if self.policy_images is None else self.policy_images.cameras
        return {name: self.cameras[name] for name in wanted}

    def ticks_per_image(self, camera: str) -> int:
        """Return for how many ticks a simulated camera shows an image, in lockstep."""
        return max(1, math.ceil(self.control_rate / self.cameras[camera].rate - 1e-9))

    def length(self, name: str) -> int:
        """Return the number of values of an observation or derived quantity."""
        return quantity_length(name, self.observations, self.derived)

    def has_quaternion(self, name: str) -> bool:
        """Return whether an observation or derived quantity is an orientation or a pose."""
        return has_quaternion(name, self.observations, self.derived)

    def joint_angles(self, name: str) -> Angles | None:
        """Return which values of a quantity are angles of joints; None if none is."""
        return joint_angles(name, self.observations, self.derived, self.actions)

    @cached_property
    def action_minimum(self) -> np.ndarray:
        """Lower limits (A,), in the units of the actions."""
        return np.concatenate([action.minimum for action in self.actions.values()])

    @cached_property
    def action_maximum(self) -> np.ndarray:
        """Upper limits (A,), in the units of the actions."""
        return np.concatenate([action.maximum for action in self.actions.values()])

    @cached_property
    def _places(self) -> Places:
        return measured_places(self.observations, self.actions)

    def places(self, action: str) -> tuple[Place, ...]:
        """Return where the joints of an action are measured; empty if not all of them are.

        Those of position commands always are.
        """
        return self._places[action]

    def measured(self, action: str, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the observed positions (n,) of the n joints of an action.

        Args:
            action: Name of an action whose joints are measured.
            values: Observations by name.
        """
        return np.array([values[place.observation][place.element]
                         for place in self.places(action)])

    def relieved(self, limit: str) -> tuple[str, ...]:
        """Return the actions whose joints go back to where they are when a load limit acts."""
        rule = self.load_limits[limit]
        if rule.relieve is not None:
            return rule.relieve
        loaded = self.observations[rule.observation]
        return tuple(name for name, entry in self.actions.items() if entry.commands_positions
                     and any(joint in loaded.joints and place.topic == loaded.topic
                             for joint, place in zip(entry.joints, self.places(name))))

    def home(self, action: str) -> dict[str, float]:
        """Return the home positions by joint of those joints of an action that have one."""
        named = self.episode.home
        return {joint: named[key] for joint in self.actions[action].joints
                for key in (joint, f'{action}.{joint}') if key in named}

    def action_slice(self, name: str) -> slice:
        """Return the slice of an action in the action vector (A,)."""
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
        """Return the observed topics that are sent once and kept for later subscribers.

        An episode may have no message of them.
        """
        return {entry.topic for entry in self.observations.values() if entry.latched} | {
            static_topic(entry.topic) for entry in self.observations.values()
            if entry.type == TRANSFORMS}

    def lookback(self, lockstep: bool) -> dict[str, int]:
        """Return the highest age [ns] that a message may have at a tick, by topic.

        Latched messages may have any age. In lockstep all others are as old as the tick, and not
        listed.
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
    """Return the topic of the transforms that never change, for one of TF such as ``/tf``."""
    return f'{topic}_static'
