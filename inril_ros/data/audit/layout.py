# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which numbers of observations and actions are what: joints, their measurements, quaternions."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from inril_ros.data.demonstrations.npz_export import action_columns, quantity_columns
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.robot.contract.contract import Contract


@dataclass(frozen=True)
class Value:
    """One number of the action, and where what it moves is observed.

    Attributes:
        name: For example ``arm.shoulder``.
        action: Name of the action.
        index: Index in the action vector (A,).
        low: Lower limit.
        high: Upper limit.
        quantity: ``position``, ``velocity`` or ``effort``.
        measured: Index of the position in the policy observation (O,); None if that has it not.
        angle: Whether it is a joint, so that a jump by 2 pi is a wrap.
        fastest: [per s] Highest allowed speed; 0 if the contract has none.
    """

    name: str
    action: str
    index: int
    low: float
    high: float
    quantity: str
    measured: int | None
    angle: bool
    fastest: float

    @property
    def positions(self) -> bool:
        """Whether it commands a position of a joint."""
        return self.quantity == 'position'

    @property
    def span(self) -> float:
        """Range of the limits."""
        return self.high - self.low


@dataclass(frozen=True)
class Layout:
    """The columns of a contract's demonstrations.

    Attributes:
        contract: The robot's contract.
    """

    contract: Contract

    @cached_property
    def observed(self) -> list[str]:
        """Name of each number of the policy observation (O,)."""
        return quantity_columns(self.contract, self.contract.policy_observations)

    @cached_property
    def quantities(self) -> dict[str, slice]:
        """Slice of each policy observation."""
        places, start = {}, 0
        for name in self.contract.policy_observations:
            places[name] = slice(start, start + self.contract.length(name))
            start = places[name].stop
        return places

    @cached_property
    def quaternions(self) -> dict[str, slice]:
        """Slice of the quaternion of each policy observation that has one."""
        found = {}
        for name, place in self.quantities.items():
            entry = self.contract.observations.get(name)
            derived = self.contract.derived.get(name)
            if place.stop - place.start == 7 and (
                    entry.is_pose if entry is not None else derived.relative is not None):
                found[name] = slice(place.start + 3, place.stop)
            elif entry is not None and entry.length == 4 and entry.has_quaternion:
                found[name] = place
        return found

    @cached_property
    def angles(self) -> list[int]:
        """Indices of the joint positions in the policy observation."""
        return [index for name, place in self.quantities.items()
                if (entry := self.contract.observations.get(name)) is not None
                and entry.joints and entry.quantity == 'position'
                for index in range(place.start, place.stop)]

    @cached_property
    def values(self) -> list[Value]:
        """All numbers of the action."""
        contract, names, found = self.contract, action_columns(self.contract), []
        box = contract.workspace
        for action, entry in contract.actions.items():
            start = contract.action_slice(action).start
            speeds = np.broadcast_to(entry.max_velocity or (0.0,), entry.length)
            for place in range(entry.length):
                measured = None
                if contract.places(action):
                    measured = self._measured(
                        contract.places(action)[place].topic, entry.joints[place])
                elif box is not None and box.action == action \
                        and box.observation in self.quantities:
                    measured = self.quantities[box.observation].start + place
                found.append(Value(
                    names[start + place], action, start + place, entry.minimum[place],
                    entry.maximum[place], entry.quantity if entry.joints else 'velocity',
                    measured, bool(entry.joints), float(speeds[place])))
        return found

    def _measured(self, topic: str, joint: str) -> int | None:
        """Return the index of a joint's position in the policy observation."""
        for name, place in self.quantities.items():
            entry = self.contract.observations.get(name)
            if entry is not None and entry.topic == topic and entry.quantity == 'position' \
                    and joint in entry.joints:
                return place.start + entry.joints.index(joint)
        return None


@dataclass(frozen=True)
class Demonstration:
    """One demonstration to be audited.

    Attributes:
        name: Name of its bag.
        episode: Its content.
        layout: What its numbers are.
    """

    name: str
    episode: RecordedEpisode
    layout: Layout

    @property
    def period(self) -> float:
        """Duration of a tick [s]."""
        return self.layout.contract.period

    @cached_property
    def observations(self) -> np.ndarray:
        """Policy observations (N + 1, O) float64."""
        return np.asarray(self.episode.observations, np.float64)

    @cached_property
    def actions(self) -> np.ndarray:
        """Actions (N, A) float64."""
        return np.asarray(self.episode.actions, np.float64)
