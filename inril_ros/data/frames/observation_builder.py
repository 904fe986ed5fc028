# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The policy's observations, made from the frames of an episode.

A rotation has two quaternions, q and -q, and senders give either. Here an episode begins with the
one on a fixed side, and goes on with the one that is nearer to that of the tick before: the values
don't jump where the arm doesn't. Live and recorded frames pass through here alike.
"""

from collections import deque

import numpy as np

from inril_ros.data.frames.streams import FrameError
from inril_ros.robot import rotations
from inril_ros.robot.angles import TURN
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.rotations import check_unit, HEMISPHERE, nearest, relative_pose, two_axes


class ObservationBuilder:
    """Turns the frames of one episode, in order, into policy observations (O,) float32.

    It keeps as much of the past as derived quantities such as a change need. Make a new builder,
    or call ``begin``, at the first tick of each episode.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        if any(derived.relative or derived.rotation_6d for derived in contract.derived.values()):
            rotations.load()
        names = (*contract.observations, *contract.derived)
        self._turned = {name for name in names if contract.has_quaternion(name)}
        self._angles = {name: angles for name in names
                        if (angles := contract.joint_angles(name)) is not None}
        lengths: dict[str, int] = {}
        for derived in contract.derived.values():
            if derived.memory:
                source = derived.inputs[0]
                lengths[source] = max(derived.memory, lengths.get(source, 0))
        self._past: dict[str, deque[np.ndarray]] = {
            source: deque(maxlen=length) for source, length in lengths.items()}
        self._counted_past: dict[str, deque[np.ndarray]] = {
            source: deque(maxlen=length) for source, length in lengths.items()
            if source in self._angles}
        self.begin()

    def begin(self) -> None:
        """Forget earlier frames: the next one is the first of an episode."""
        for values in (*self._past.values(), *self._counted_past.values()):
            values.clear()
        self._quaternions: dict[str, np.ndarray] = {}  # of the tick before
        self._turns: dict[str, tuple[np.ndarray, np.ndarray]] = {}  # angles there, turns so far
        self._offsets: dict[str, float | np.ndarray] = {}  # of differences, since the first tick

    def build(self, values: dict[str, np.ndarray]) -> np.ndarray:
        """Return the policy observation (O,) of the next frame.

        Raises:
            FrameError: A value is too large for float32, or a quaternion is no rotation.
        """
        self._frame = values
        self._values: dict[str, np.ndarray] = {}
        self._counted: dict[str, np.ndarray] = {}
        quantities = [self._value(name) for name in self._contract.policy_observations]
        present = {name: self._value(name) for name in self._past}
        counted = {name: self._with_turns(name) for name in self._counted_past}
        for name, value in present.items():
            self._past[name].append(value)
        for name, value in counted.items():
            self._counted_past[name].append(value)
        with np.errstate(over='ignore'):
            observation = np.concatenate(quantities).astype(np.float32)
        if not np.isfinite(observation).all():
            raise FrameError('a value of the policy observation is too large: '
                             f'{np.flatnonzero(~np.isfinite(observation)).tolist()}')
        return observation

    def _value(self, name: str) -> np.ndarray:
        if name not in self._values:
            observed = name in self._contract.observations
            value = self._frame[name] if observed else self._derive(name)
            self._values[name] = self._continued(name, value) if name in self._turned else value
        return self._values[name]

    def _continued(self, name: str, value: np.ndarray) -> np.ndarray:
        """Return an orientation or pose with the quaternion nearest to that of the tick before.

        Raises:
            FrameError: It is no rotation, as a simulator may give it.
        """
        quaternion = value[-4:]
        try:
            check_unit(quaternion)
        except ValueError as error:
            raise FrameError(f'{name}: {error}') from error
        continued = nearest(quaternion, self._quaternions.get(name, HEMISPHERE))
        self._quaternions[name] = continued
        return value if continued is quaternion else np.concatenate([value[:-4], continued])

    def _derive(self, name: str) -> np.ndarray:
        derived = self._contract.derived[name]
        if derived.difference:
            return derived.scale * self._difference(name, *derived.difference)
        if derived.relative:
            return relative_pose(*(self._value(source) for source in derived.relative))
        if derived.part:
            return derived.scale * self._value(derived.part)[list(derived.indices)]
        if derived.rotation_6d:
            return derived.scale * two_axes(self._value(derived.rotation_6d))
        if derived.cos_sin:
            angles = self._value(derived.cos_sin)
            return derived.scale * np.column_stack([np.cos(angles), np.sin(angles)]).ravel()
        if derived.change:
            before = self._before(derived.change, derived.ticks, self._counted_past)
            return derived.scale * (self._with_turns(derived.change) - before)
        if derived.previous:
            return derived.scale * self._before(derived.previous, derived.ticks, self._past)
        past = [self._before(derived.history, ticks, self._past)
                for ticks in range(derived.ticks - 1, 0, -1)]
        return derived.scale * np.concatenate([*past, self._value(derived.history)])

    def _difference(self, name: str, first: str, second: str) -> np.ndarray:
        """Return the first quantity minus the second: rotations and endless joints the short way.

        Which way is short is decided at the first tick of an episode, and stays.
        """
        if first in self._turned and second in self._turned:
            one, other = self._value(first), self._value(second)
            if name not in self._offsets:
                self._offsets[name] = 1.0 if one[-4:] @ other[-4:] >= 0.0 else -1.0
            return one - np.concatenate([other[:-4], self._offsets[name] * other[-4:]])
        apart = self._with_turns(first) - self._with_turns(second)
        both = [self._angles[source] for source in (first, second) if source in self._angles]
        if not both:
            return apart
        if name not in self._offsets:
            endless = np.logical_or.reduce([angles.endless for angles in both])
            self._offsets[name] = np.where(endless, TURN * np.round(apart / TURN), 0.0)
        return apart - self._offsets[name]

    def _with_turns(self, name: str) -> np.ndarray:
        """Return a value whose angles go on beyond a turn where they would jump."""
        if name not in self._angles:
            return self._value(name)
        if name not in self._counted:
            derived = self._contract.derived.get(name)
            if derived is not None and derived.part:
                self._counted[name] = self._with_turns(derived.part)[list(derived.indices)]
            elif derived is not None:
                self._counted[name] = self._before(
                    derived.previous, derived.ticks, self._counted_past)
            else:
                self._counted[name] = self._counted_turns(name)
        return self._counted[name]

    def _counted_turns(self, name: str) -> np.ndarray:
        value = self._value(name)
        before, turns = self._turns.get(name, (value, np.zeros(len(value))))
        more = self._angles[name].turns(value - before)
        if more is not None:
            turns = turns + more
        self._turns[name] = value, turns
        return value + TURN * turns if turns.any() else value

    def _before(
        self, name: str, ticks: int, pasts: dict[str, deque[np.ndarray]],
    ) -> np.ndarray:
        """Return a value of some ticks ago; at the first ticks the oldest one."""
        past = pasts.get(name, self._past[name])
        if len(past) >= ticks:
            return past[-ticks]
        if past:
            return past[0]
        return self._with_turns(name) if pasts is self._counted_past else self._value(name)
