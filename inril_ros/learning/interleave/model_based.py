# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""m from a model of what RL and imitation do to both losses along a cycle.

RL gains a per unit, less b m^2 for the drift of the IL loss, and the imitation event gains d. The
best m maximises the gain of a cycle per cost. Without drift there is no inner optimum, and the
more an event harms (d < 0), the rarer events should be. The model is local, first order, and has
no term for exploration: finding reward at all is outside of it.
"""
from __future__ import annotations

from collections import deque
from collections.abc import Mapping
import math
from typing import Any

import numpy as np

from inril_ros.learning.interleave.adaptive import (
    AlignmentThermostat,
    Controller,
    CycleLosses,
    Event,
    Limits,
    not_negative,
    positive,
)


class AnchorPrice:
    """The price of IL loss against RL loss, by dual ascent on IL loss <= (1 + slack) reference.

    price <- max(0, price + rate (IL loss - (1 + slack) reference)) per event.
    """

    def __init__(self, reference: float, slack: float = 0.2, rate: float = 0.1,
                 price: float = 1.0) -> None:
        """Begin at `price`, which stays if rate is 0; ValueError for negative numbers."""
        self._bound = (1.0 + not_negative('slack', slack)) * positive('reference', reference)
        self._rate = not_negative('rate', rate)
        self.price = not_negative('price', price)

    def observe(self, il_loss: float) -> None:
        """Take a step for this held-out IL loss, which is finite."""
        self.price = max(self.price + self._rate * (il_loss - self._bound), 0.0)


class ModelBased(Controller):
    """m that makes the most progress per cost, by estimates of the last `window` cycles.

    With lambda the price of IL loss and F(x) = phi1 x + phi2 x^2 the rise of the IL loss over x
    RL units, per cycle: phi1, phi2 from F in the middle and at the end; A = RL-loss drop per RL
    unit; a = A - lambda phi1, b = lambda phi2, d = drop of RL loss + lambda IL loss in the event.
    The window's means of a, b, d go into `optimal_ratio`.

    If the window is not full, or one of the means is within one standard error of zero, the
    event moves m as an `AlignmentThermostat` would (counted in `fallbacks`).
    """

    needs_heldout = True

    def __init__(self, limits: Limits, price: AnchorPrice, kappa: float = 1.0,
                 gain: float = 3.0, window: int = 10, least_b: float = 1e-12) -> None:
        """Begin at m0.

        `kappa` is the cost of an imitation event over that of an RL unit (samples and compute),
        `gain` that of the thermostat.

        Raises:
            ValueError: A number that is not positive, or window < 2.
        """
        super().__init__(limits)
        self.price = price
        self.kappa = positive('kappa', kappa)
        self.least_b = positive('least_b', least_b)
        if window < 2:
            raise ValueError(f'window {window}: two events are the least to have an error')
        self.fallbacks = 0
        self._thermostat = AlignmentThermostat(limits, gain)
        # A, phi1, phi2, RL drop and IL drop of each cycle: the price may change, these don't.
        self._cycles: deque[list[float]] = deque(maxlen=window)

    def observe(self, event: Event) -> None:
        """Move m by the event's `losses`, the price by `heldout_il_loss`."""
        if event.heldout_il_loss is not None:
            if math.isfinite(event.heldout_il_loss):
                self.price.observe(event.heldout_il_loss)
            else:
                self.ignored += 1
        if event.losses is not None:
            rates = _rates(event.losses)
            if not all(map(math.isfinite, rates)):
                self.ignored += 1
                return
            self._cycles.append(rates)
            estimate = self.estimate()
            if estimate is not None:
                self.m = self.limits.towards(self.m, optimal_ratio(
                    *estimate, self.kappa, (self.limits.m_min, self.limits.m_max)))
                return
        if event.alignment is None:
            return
        target = self._thermostat.target(event.alignment)
        if target is None:
            self.ignored += 1
            return
        self.fallbacks += 1
        self.m = self.limits.towards(self.m, target)

    def estimate(self) -> tuple[float, float, float] | None:
        """Return (a, b, d), b at least `least_b`; None while one is lost in noise."""
        if len(self._cycles) < (self._cycles.maxlen or 0):
            return None
        drop, phi1, phi2, rl_drop, il_drop = np.array(self._cycles).T
        price, events = self.price.price, len(self._cycles)
        with np.errstate(over='ignore', invalid='ignore'):  # what overflows fails the test below
            terms = np.stack([drop - price * phi1, price * phi2,
                              rl_drop + price * il_drop])  # (3, window)
            means, errors = terms.mean(axis=1), terms.std(axis=1, ddof=1) / math.sqrt(events)
        if not (np.isfinite(means) & (np.abs(means) >= errors)).all():
            return None
        return float(means[0]), max(float(means[1]), self.least_b), float(means[2])

    def state_dict(self) -> dict[str, Any]:
        """Return m, the price, the counts and the window."""
        return {**super().state_dict(), 'fallbacks': self.fallbacks, 'price': self.price.price,
                'cycles': [list(rates) for rates in self._cycles]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        super().load_state_dict(state)
        self.fallbacks = int(state['fallbacks'])
        self.price.price = float(state['price'])
        self._cycles = deque((list(map(float, rates)) for rates in state['cycles']),
                             maxlen=self._cycles.maxlen)


def optimal_ratio(a: float, b: float, d: float, kappa: float,
                  bounds: tuple[float, float]) -> float:
    """Return m in the bounds that maximises progress per cost, (a m - b m^2 + d) / (m + kappa).

    m RL units gain a per unit, less b m^2 for drift; the event gains d and costs kappa RL units.
    The inner maximum is m* = -kappa + sqrt(kappa^2 + (a kappa - d) / b) if a kappa > d, else the
    lower bound. Without drift (b <= 0) there is no inner maximum: the better bound is taken, the
    lower one on a tie.
    """
    low, high = bounds
    if b > 0.0:
        gap = min((a * kappa - d) / b, 1e300)
        # The same as -kappa + sqrt(kappa^2 + gap), without the cancellation.
        best = gap / (kappa + math.sqrt(kappa * kappa + gap)) if gap > 0.0 else low
        return min(max(best, low), high)
    ends = [((a * m - b * m * m + d) / (m + kappa), m) for m in (low, high)]
    return high if ends[1][0] > ends[0][0] else low


def _rates(losses: CycleLosses) -> list[float]:
    """Return A, phi1, phi2, and the drops of the RL and the IL loss in the imitation event."""
    middle, units = losses.middle_units, losses.units
    if not (1.0 <= units < math.inf and 0.0 < middle < units):
        return [math.nan]
    # Rise per unit until the middle and until the end: phi1 + phi2 x at both.
    first = (losses.il_middle - losses.il_before) / middle
    whole = (losses.il_after - losses.il_before) / units
    phi2 = (whole - first) / (units - middle)
    return [(losses.rl_before - losses.rl_after) / units, whole - phi2 * units, phi2,
            losses.rl_after - losses.rl_imitated, losses.il_after - losses.il_imitated]
