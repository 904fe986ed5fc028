# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The policy's observations, made from the frames of an episode."""

from collections import deque

import numpy as np

from inril_ros.data.frames.streams import FrameError
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.rotations import relative_pose


class ObservationBuilder:
    """Turns the frames of one episode, in order, into policy observations (O,) float32.

    It keeps as much of the past as derived quantities such as a change need. Make a new builder,
    or call ``begin``, at the first tick of each episode.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        lengths: dict[str, int] = {}
        for derived in contract.derived.values():
            if derived.memory:
                source = derived.inputs[0]
                lengths[source] = max(derived.memory, lengths.get(source, 0))
        self._past: dict[str, deque[np.ndarray]] = {
            source: deque(maxlen=length) for source, length in lengths.items()}
        self._values: dict[str, np.ndarray] = {}

    def begin(self) -> None:
        """Forget earlier frames: the next one is the first of an episode."""
        for values in self._past.values():
            values.clear()

    def build(self, values: dict[str, np.ndarray]) -> np.ndarray:
        """Return the policy observation (O,) of the next frame.

        Raises:
            FrameError: A value is too large for float32, or a pose that others are relative to has
                no rotation.
        """
        self._values = dict(values)
        quantities = [self._value(name) for name in self._contract.policy_observations]
        present = {name: self._value(name) for name in self._past}
        for name, value in present.items():
            self._past[name].append(value)
        with np.errstate(over='ignore'):
            observation = np.concatenate(quantities).astype(np.float32)
        if not np.isfinite(observation).all():
            raise FrameError('a value of the policy observation is too large: '
                             f'{np.flatnonzero(~np.isfinite(observation)).tolist()}')
        return observation

    def _value(self, name: str) -> np.ndarray:
        if name not in self._values:
            self._values[name] = self._derive(name)
        return self._values[name]

    def _derive(self, name: str) -> np.ndarray:
        derived = self._contract.derived[name]
        if derived.difference:
            first, second = derived.difference
            return derived.scale * (self._value(first) - self._value(second))
        if derived.relative:
            pose, frame = (self._value(source) for source in derived.relative)
            try:
                return relative_pose(pose, frame)
            except ValueError as error:
                raise FrameError(f'derived.{name}: {error}') from error
        if derived.change:
            before = self._before(derived.change, derived.ticks)
            return derived.scale * (self._value(derived.change) - before)
        if derived.previous:
            return derived.scale * self._before(derived.previous, derived.ticks)
        past = [self._before(derived.history, ticks) for ticks in range(derived.ticks - 1, 0, -1)]
        return derived.scale * np.concatenate([*past, self._value(derived.history)])

    def _before(self, name: str, ticks: int) -> np.ndarray:
        """Return a value of some ticks ago; at the first ticks the oldest one."""
        past = self._past[name]
        if len(past) >= ticks:
            return past[-ticks]
        return past[0] if past else self._value(name)
