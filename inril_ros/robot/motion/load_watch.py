# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether the arm presses too hard for too long: the load limits of a contract, tick by tick.

A motor that stalls burns within seconds, whatever the policy has learned to wish. Time above a
limit counts up, time below it counts down and never below 0: a noisy sensor that dips under the
limit now and then doesn't start the count again.
"""

from collections.abc import Mapping

import numpy as np

from inril_ros.robot.contract.contract import Contract, Observation
from inril_ros.robot.contract.load_limits import is_vector, LoadLimit


class LoadWatch:
    """The load limits of one robot; without a clock.

    Args:
        contract: The robot's contract.
    """

    def __init__(self, contract: Contract) -> None:
        self._limits = {name: _Limit(name, rule, contract.observations[rule.observation])
                        for name, rule in contract.load_limits.items()}
        self._exceeded: dict[str, str] = {}

    @property
    def exceeded(self) -> Mapping[str, str]:
        """Why each limit holds the arm, by its name, until ``forget``."""
        return self._exceeded

    def forget(self) -> None:
        """Count from 0, and hold nothing any more: a person has seen to it."""
        self._exceeded.clear()
        for limit in self._limits.values():
            limit.forget()

    def look(self, values: Mapping[str, np.ndarray], seconds: float) -> list[str]:
        """Count the present loads; return the limits that hold the arm from now on, by name.

        Args:
            values: Observations of the tick by name.
            seconds: [s] Time since the tick before.
        """
        new = []
        for name, limit in self._limits.items():
            reason = limit.reason(values, seconds)
            if reason and name not in self._exceeded:
                self._exceeded[name] = reason
                new.append(name)
        return new

    def unmeasured(self, values: Mapping[str, np.ndarray] | None) -> tuple[str, ...]:
        """Return which loads are not known in this tick, in words; empty if all are.

        Args:
            values: Observations of the tick by name; None if they are not valid.
        """
        if values is None:
            return tuple(f'{name} is not checked: no valid observation' for name in self._limits)
        return tuple(f'{name} is not checked: {limit.observation} is not finite'
                     for name, limit in self._limits.items() if not limit.is_finite(values))


class _Limit:
    """One limit and the time above it."""

    def __init__(self, name: str, rule: LoadLimit, entry: Observation) -> None:
        self._name, self._rule = name, rule
        self.observation = rule.observation
        self._vector = is_vector(entry)
        size = 1 if self._vector else entry.length
        what = entry.field.rpartition('.')[2] or 'effort'
        self._labels = [f'{what} of {joint}' for joint in entry.joints] or (
            [what] if size == 1 else [f'{what} {index}' for index in range(size)])
        self._limit = np.broadcast_to(rule.limit, size)
        self._stop = np.broadcast_to(rule.stop_above or (np.inf,), size)
        self.forget()

    def forget(self) -> None:
        """Count from 0."""
        self._above = np.zeros(len(self._limit), bool)  # at the measurement before
        self._time = np.zeros(len(self._limit))

    def is_finite(self, values: Mapping[str, np.ndarray]) -> bool:
        """Return whether the load is a number."""
        return bool(np.isfinite(values[self.observation]).all())

    def reason(self, values: Mapping[str, np.ndarray], seconds: float) -> str:
        """Count; return why the arm is to be held, empty if it isn't."""
        if np.isnan(values[self.observation]).any():  # holds by itself, and counts as loaded
            self._time += max(0.0, seconds)
            return self._too_long('load that is not a number')
        load = np.abs(values[self.observation]) if not self._vector else (
            np.linalg.norm(values[self.observation], keepdims=True))
        above = load > self._limit
        # Between two measurements above the limit it was above, between others below.
        self._time += np.where(above & self._above, 1.0, -1.0) * max(0.0, seconds)
        np.maximum(self._time, 0.0, out=self._time)
        self._above = above
        if (load > self._stop).any():
            worst = int(np.argmax(load - self._stop))
            return (f'{self._name}: {self._labels[worst]} is {load[worst]:.3g}, above '
                    f'{self._stop[worst]:g}')
        worst = int(np.argmax(self._time))
        return self._too_long(f'{self._labels[worst]} above {self._limit[worst]:g}')

    def _too_long(self, what: str) -> str:
        if self._time.max() <= self._rule.hold_after:
            return ''
        return f'{self._name}: {what} for more than {self._rule.hold_after:g} s'
