# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""When to imitate: m RL units, then an imitation event, counted exactly.

A unit is either one RL gradient step ('minibatch') or one iteration of the host ('iteration':
collect, then all epochs), and an event is a block of `il_steps` IL gradient steps. The paper
leaves open which of the two it means. Either way the realised ratio of gradient steps is
reported, and methods are compared at equal ratio.

m may differ from cycle to cycle and need not be a whole number. With m_1, m_2, ... the lengths of
the cycles, event k falls due as soon as m_1 + ... + m_k units are counted; fractions are carried
over. Sums are of rationals, so nothing drifts however long the run.

The session counts, and imitates while `imitation_due`:

    schedule.count_rl()                 # after each RL gradient step
    schedule.count_iteration()          # after each iteration of the host
    while schedule.imitation_due:
        ...
        schedule.count_il()

A cycle's m is fixed when its first unit is counted, so a controller may observe an event any
time before the next RL step.
"""
from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
import math
from typing import Any

import numpy as np

from inril_ros.learning.interleave.adaptive import Controller
from inril_ros.learning.interleave.interleaving_config import checked_m, Unit, UNITS

_COUNTERS = ('rl_updates', 'il_updates', 'iterations', 'events', 'il_steps_due')


class CountingSchedule:
    """The counters that all schedules share; subclasses choose the length of each cycle.

    Attributes:
        rl_updates: RL gradient steps taken.
        il_updates: IL gradient steps taken.
        iterations: Finished iterations of the host.
        events: Imitation events that have fallen due.
        il_steps_due: IL gradient steps due now.
    """

    def __init__(self, unit: Unit, il_steps: int) -> None:
        """Begin at zero.

        Raises:
            ValueError: An unknown unit, or il_steps < 1.
        """
        if unit not in UNITS:
            raise ValueError(f'unit {unit!r} is unknown; allowed are {UNITS}')
        if il_steps != int(il_steps) or il_steps < 1:
            raise ValueError(f'il_steps: {il_steps!r} is not allowed; it is a whole number >= 1')
        self.unit = unit
        self.il_steps = int(il_steps)
        self.rl_updates = 0
        self.il_updates = 0
        self.iterations = 0
        self.events = 0
        self.il_steps_due = 0
        self._units = 0
        self._ended = Fraction(0)         # m_1 + ... + m_k of the finished cycles
        self._length: float | None = None  # of the cycle under way; None between cycles

    def next_length(self) -> float | None:
        """Return m of the next cycle, >= 1; None: it never ends. Called once per cycle."""
        raise NotImplementedError

    @property
    def m(self) -> float | None:
        """Return the length of the present cycle in units; None between cycles, or RL only."""
        return self._length

    def count_rl(self) -> None:
        """Count one RL gradient step."""
        self.rl_updates += 1
        if self.unit == 'minibatch':
            self._count_unit()

    def count_iteration(self) -> None:
        """Count one finished iteration of the host."""
        self.iterations += 1
        if self.unit == 'iteration':
            self._count_unit()

    def count_il(self) -> None:
        """Count one IL gradient step, even if it was not due."""
        self.il_updates += 1
        self.il_steps_due = max(self.il_steps_due - 1, 0)

    @property
    def imitation_due(self) -> bool:
        """Return whether an IL step is due before the next RL step."""
        return self.il_steps_due > 0

    @property
    def phase(self) -> float | None:
        """Return the RL units since the last event as a share of m; None: RL only, or none yet."""
        if self._length is None:
            return 0.0 if self.events else None
        return self._since_event / self._length

    @property
    def half_over(self) -> bool:
        """Return whether the last unit was the one that completes half of the cycle."""
        return self._length is not None and self._since_event == math.ceil(self._length / 2)

    @property
    def _since_event(self) -> int:
        return self._units - math.ceil(self._ended)

    @property
    def ratio(self) -> float:
        """Return the realised IL gradient steps per RL gradient step; 0 before the first."""
        return self.il_updates / self.rl_updates if self.rl_updates else 0.0

    def _count_unit(self) -> None:
        self._units += 1
        if self._length is None:
            length = self.next_length()
            self._length = None if length is None else float(length)
        if self._length is not None and self._units >= self._ended + Fraction(self._length):
            self._ended += Fraction(self._length)
            self._length = None
            self.events += 1
            self.il_steps_due += self.il_steps

    def state_dict(self) -> dict[str, Any]:
        """Return everything needed to continue, as JSON-able data."""
        return {**{name: getattr(self, name) for name in _COUNTERS}, 'units': self._units,
                'ended': [self._ended.numerator, self._ended.denominator],
                'length': self._length}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        for name in _COUNTERS:
            setattr(self, name, int(state[name]))
        self._units = int(state['units'])
        self._ended = Fraction(*state['ended'])
        self._length = None if state['length'] is None else float(state['length'])


class FixedSchedule(CountingSchedule):
    """An event after every m units; m = None (or infinity) is RL only."""

    def __init__(self, m: float | None, unit: Unit = 'minibatch', il_steps: int = 1) -> None:
        """Begin at zero.

        Raises:
            ValueError: m is neither None, infinity, nor a whole number >= 1; an unknown unit.
        """
        super().__init__(unit, il_steps)
        self._m = checked_m(m)

    def next_length(self) -> float | None:
        """Return m."""
        return self._m

    @property
    def m(self) -> int | None:
        """Return m."""
        return self._m


class RandomSchedule(CountingSchedule):
    """A control for adaptive schedules: m at random, with a given mean.

    Each cycle's m is uniform in [m_min, 2 mean - m_min], independent of everything. Uniform and
    not geometric, since its mean is exact within bounds like a controller's: a geometric m cut
    off at such bounds has another mean. In the long run there is one event per `mean` units, as
    with a fixed m.
    """

    def __init__(self, mean: float, seed: int, unit: Unit = 'minibatch', il_steps: int = 1,
                 m_min: float = 1.0) -> None:
        """Begin at zero, with its own generator; `mean` may be a fraction.

        Raises:
            ValueError: Not 1 <= m_min <= mean < infinity; an unknown unit.
        """
        super().__init__(unit, il_steps)
        if not 1.0 <= m_min <= mean < math.inf:
            raise ValueError(f'random m: 1 <= m_min <= mean < infinity is required, got '
                             f'm_min {m_min!r}, mean {mean!r}')
        self.mean = float(mean)
        self._m_min = float(m_min)
        self._random = np.random.default_rng(seed)

    def next_length(self) -> float:
        """Draw m of the next cycle."""
        return float(self._random.uniform(self._m_min, 2.0 * self.mean - self._m_min))

    def state_dict(self) -> dict[str, Any]:
        """Return everything needed to continue, as JSON-able data."""
        return {**super().state_dict(), 'random': self._random.bit_generator.state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        super().load_state_dict(state)
        self._random.bit_generator.state = state['random']


class AdaptiveSchedule(CountingSchedule):
    """The m of a controller, read at the beginning of each cycle."""

    def __init__(self, controller: Controller, unit: Unit = 'minibatch',
                 il_steps: int = 1) -> None:
        """Begin at zero with the controller's m; ValueError for an unknown unit."""
        super().__init__(unit, il_steps)
        self.controller = controller

    def next_length(self) -> float:
        """Return the controller's m, at least 1."""
        return max(self.controller.m, 1.0)

    @property
    def m(self) -> float:
        """Return the m of the present cycle, or between cycles that of the next one."""
        return self.next_length() if self._length is None else self._length

    def state_dict(self) -> dict[str, Any]:
        """Return everything needed to continue, the controller's state included."""
        return {**super().state_dict(), 'controller': self.controller.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        super().load_state_dict(state)
        self.controller.load_state_dict(state['controller'])
