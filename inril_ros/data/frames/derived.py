# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Policy observations from frames: what the contract derives from what was observed."""

from collections import deque

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.rotations import relative_pose


class DerivedQuantities:
    """The quantities of one episode, tick by tick, with as much of the past as they need.

    Args:
        contract: Says what is derived from what.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._past: dict[str, deque[np.ndarray]] = {}
        for derived in contract.derived.values():
            if derived.memory:
                source = derived.inputs[0]
                longest = max(derived.memory, self._past[source].maxlen or 0
                              if source in self._past else 0)
                self._past[source] = deque(maxlen=longest)
        self._values: dict[str, np.ndarray] = {}

    def begin(self) -> None:
        """Forget the past: the next frame is the first of an episode."""
        for values in self._past.values():
            values.clear()

    def next(self, observed: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Return the policy's quantities, in its order, of the next frame."""
        self._values = dict(observed)
        quantities = [self._value(name) for name in self._contract.policy_observations]
        present = {name: self._value(name) for name in self._past}
        for name, value in present.items():
            self._past[name].append(value)
        return quantities

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
            pose, frame = derived.relative
            return relative_pose(self._value(pose), self._value(frame))
        if derived.change:
            before = self._before(derived.change, derived.ticks)
            return derived.scale * (self._value(derived.change) - before)
        if derived.previous:
            return derived.scale * self._before(derived.previous, derived.ticks)
        past = [self._before(derived.history, ticks) for ticks in range(derived.ticks - 1, 0, -1)]
        return derived.scale * np.concatenate([*past, self._value(derived.history)])

    def _before(self, name: str, ticks: int) -> np.ndarray:
        """Return a value of so many ticks ago; before the first tick that of the first."""
        past = self._past[name]
        if len(past) >= ticks:
            return past[-ticks]
        return past[0] if past else self._value(name)
