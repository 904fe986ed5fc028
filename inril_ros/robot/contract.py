# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The robot contract: the one YAML file that says what a robot gives and takes.

Recording, training and acting all read the same contract, so that a number means the same thing
in a bag, in a checkpoint and on the wire. It is plain data: frozen dataclasses, validated when
loaded, hashed by content. Two contracts with the same hash are interchangeable.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
import hashlib
import math
from pathlib import Path
import re
from typing import Annotated

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
import yaml

from inril_ros.robot.contract_actions import Action
from inril_ros.robot.contract_checks import check_references
from inril_ros.robot.contract_content import content_hash, describe_difference
from inril_ros.robot.contract_rules import (
    ChunkRules,
    EpisodeRules,
    Kinematics,
    NotNegative,
    SafetyRules,
    STRICT,
    Teleoperation,
    Workspace,
)
from inril_ros.robot.contract_streams import Camera, Derived, Observation
from inril_ros.robot.contract_yaml import Lines, place_of, read_yaml
from inril_ros.robot.fields import TRANSFORMS
from inril_ros.robot.policy_images import PolicyImages

__all__ = [
    'Action', 'Camera', 'Contract', 'ContractError', 'Derived', 'describe_difference', 'explain',
    'load_contract', 'Observation', 'parse_contract']

#: [ns] Longer than anything lasts.
FOREVER = 2 ** 62
_Name = Annotated[str, Field(pattern=r'^[a-z][a-z0-9_]*$')]


class ContractError(ValueError):
    """A contract that can't be used; the message names file, key, value and what is allowed."""


@dataclass(frozen=True, config=STRICT)
class Contract:
    """All that recording, training and acting need to know about a robot.

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

    def __post_init__(self) -> None:
        check_references(self)

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

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the content, independent of comments and of the order of keys.

        Of the order only that of the actions counts: it is that of the action vector. A key at its
        default is as good as absent, so that a contract keeps its hash when keys are added that it
        doesn't use.
        """
        return content_hash(self)

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


def load_contract(path: str | Path) -> Contract:
    """Read and check a contract, and the URDF that it names.

    Raises:
        ContractError: The file is missing, isn't YAML, or breaks a rule; the message says which.
    """
    path = Path(path)
    try:
        data, lines = read_yaml(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise ContractError(f'{path}: cannot be read: {error.strerror}') from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # 2024-13-45 is a ValueError
        raise ContractError(f'{path}: is not YAML: {error}') from error
    contract = parse_contract(data, str(path), lines)
    if contract.kinematics is None:
        return contract
    return replace(contract, kinematics=_with_digest(contract.kinematics, path))


def _with_digest(kinematics: Kinematics, path: Path) -> Kinematics:
    """Return the entry with the SHA-256 of the URDF's content, by which the contract's hash."""
    urdf = path.parent / kinematics.urdf
    try:
        digest = hashlib.sha256(urdf.read_bytes()).hexdigest()
    except OSError as error:
        raise ContractError(f'{path}:\n  kinematics.urdf: {urdf} cannot be read: '
                            f'{error.strerror}') from error
    if kinematics.sha256 not in ('', digest):
        raise ContractError(f'{path}:\n  kinematics.sha256: {kinematics.sha256[:12]}..., but '
                            f'{urdf} has {digest[:12]}...: it is another URDF')
    return replace(kinematics, sha256=digest)


def parse_contract(
    data: object, source: str = 'contract', lines: Lines | None = None,
) -> Contract:
    """Check a contract given as plain data.

    Args:
        data: The content of the file.
        source: Is named in errors.
        lines: Of the keys in the file, likewise.

    Raises:
        ContractError: It breaks a rule; the message names the key, the value and what is allowed.
    """
    if not isinstance(data, dict):
        raise ContractError(f'{source}: must be a mapping of keys, got {type(data).__name__}')
    try:
        return TypeAdapter(Contract).validate_python(data)
    except ValidationError as error:
        told = '\n'.join(explain(item, lines) for item in error.errors())
        raise ContractError(f'{source}:\n{told}') from error


def explain(item: dict, lines: Lines | None = None) -> str:
    """Return one line about one error of pydantic: place, key, what is allowed, value."""
    key = '.'.join(str(part) for part in item['loc'])
    message = re.sub(r'^Value error, ', '', item['msg'])
    place = place_of(item['loc'], message, lines)
    if item['type'] in ('unexpected_keyword_argument', 'extra_forbidden'):
        return f'  {place}{key}: unknown key'
    if item['type'] in ('missing', 'missing_argument'):
        return f'  {place}{key}: missing'
    value = str(item['input'])[:120]
    return f'  {place}{key or "(whole file)"}: {message} (value: {value!r})'
