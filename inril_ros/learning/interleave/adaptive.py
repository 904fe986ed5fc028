# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Controllers that choose m, the RL units per imitation event, from what the events show.

All begin at m0, keep m within bounds, and move it by at most a factor `most_change` per event.
`observe` is called once per event, before the next RL step. What an event did not measure is
None and changes nothing; what is not finite changes nothing either and is counted in `ignored`.

The controller that computes m from a model of both losses is in model_based.py.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import math
from typing import Any

from inril_ros.learning.interleave.alignment_pool import PooledAlignment


@dataclass(frozen=True)
class Limits:
    """How any controller may move m."""

    m_min: float = 2.0
    m_max: float = 30.0
    m0: float = 10.0
    smoothing: float = 0.9
    """Share of the old log m that is kept per event, where a controller has a target for m."""
    most_change: float = 2.0
    """Largest factor per event."""

    def __post_init__(self) -> None:
        if not 1.0 <= self.m_min <= self.m0 <= self.m_max < math.inf:
            raise ValueError('1 <= m_min <= m0 <= m_max < infinity is required, got '
                             f'{self.m_min}, {self.m0}, {self.m_max}')
        if not 0.0 <= self.smoothing < 1.0:
            raise ValueError(f'smoothing {self.smoothing} is not in [0, 1)')
        if not 1.0 < self.most_change < math.inf:
            raise ValueError(f'most_change {self.most_change} is not a factor > 1')

    def towards(self, m: float, target: float) -> float:
        """Return m after one smoothed event with this target (any number >= 0, or inf)."""
        target = min(max(target, self.m_min), self.m_max)
        return self.moved(m, (1.0 - self.smoothing) * math.log(target / m))

    def moved(self, m: float, change: float) -> float:
        """Return m after a change of log m, within the bounds."""
        most = math.log(self.most_change)
        return min(max(m * math.exp(min(max(change, -most), most)), self.m_min), self.m_max)


@dataclass(frozen=True)
class CycleLosses:
    """Both losses along one cycle: m RL units, then the imitation event.

    On data kept out of learning. For PPO the RL loss is the importance-weighted surrogate of a
    held-out slice of the rollout, for off-policy hosts the actor loss. Each loss on the same
    batch and noise at all its points: differences are what counts.
    """

    units: float
    """RL units in the cycle, >= 1."""
    rl_before: float
    """RL loss at the beginning of the cycle,"""
    rl_after: float
    """after the RL units,"""
    rl_imitated: float
    """and after the imitation event."""
    il_before: float
    il_middle: float
    """IL loss after half of the RL units."""
    il_after: float
    il_imitated: float


@dataclass(frozen=True)
class Event:
    """What an imitation event showed. None: not measured this time."""

    alignment: PooledAlignment | None = None
    losses: CycleLosses | None = None
    heldout_il_loss: float | None = None
    """IL loss on held-out demonstrations, before the event's IL steps."""
    dose: float | None = None
    """|path of IL| / |path of RL| over the last cycle."""
    success: float | None = None
    """Present success rate of the policy, in [0, 1]."""


class AlignmentThermostat:
    """More RL per imitation event the more the gradients conflict: m -> m0 exp(-gain * cosine).

    Gated: the pooled cosine counts only while it can be told from zero at the pool's level and
    has a value; otherwise m goes back towards m0. (Ungated, noise would set m: a single event's
    cosine has no meaning with PPO-type hosts.)
    """

    def __init__(self, limits: Limits, gain: float = 3.0) -> None:
        """Begin at m0; ValueError for a gain that is not positive."""
        self.limits = limits
        self.gain = positive('gain', gain)
        self.m = limits.m0
        self.ignored = 0

    def observe(self, event: Event) -> None:
        """Move m by the event's `alignment`."""
        if event.alignment is None:
            return
        target = self.target(event.alignment)
        if target is None:
            self.ignored += 1
            return
        self.m = self.limits.towards(self.m, target)

    def target(self, alignment: PooledAlignment) -> float | None:
        """Return where m should go; None if the cosine is not finite."""
        if not alignment.distinguishable or alignment.cosine is None:
            return self.limits.m0
        if not math.isfinite(alignment.cosine):
            return None
        cosine = min(max(alignment.cosine, -1.0), 1.0)
        return self.limits.m0 * math.exp(-self.gain * cosine)

    def state_dict(self) -> dict[str, Any]:
        """Return m and the count, as JSON-able data."""
        return {'m': self.m, 'ignored': self.ignored}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.m, self.ignored = float(state['m']), int(state['ignored'])


class AnchorConstraint:
    """Keep the held-out IL loss at (1 + slack) of what it was after cloning, like an adaptive KL.

    log m <- log m + rate ((1 + slack) reference - IL loss) / reference. This integrates, so
    `smoothing` does not apply: a moving average inside an integrating loop would make it swing.
    The loss of a fixed held-out set has little noise.
    """

    def __init__(self, limits: Limits, reference: float, slack: float = 0.2, rate: float = 0.2,
                 base_success: float | None = None, release: float = 0.0) -> None:
        """Begin at m0.

        :param reference: held-out IL loss after cloning
        :param base_success: success of the cloned policy; each event at which the policy does
            better adds `release` to the slack. None or 0: the slack stays
        Raises:
            ValueError: A reference or rate that is not positive, a negative slack or
                release.
        """
        self.limits = limits
        self.reference = positive('reference', reference)
        self.slack = not_negative('slack', slack)
        self._rate = positive('rate', rate)
        self._base_success = base_success
        self._release = not_negative('release', release)
        self.m = limits.m0
        self.ignored = 0

    def observe(self, event: Event) -> None:
        """Move m by the event's `heldout_il_loss`, the slack by `success`."""
        if self._base_success is not None and event.success is not None:
            self.ignored += not math.isfinite(event.success)
            self.slack += self._release * (event.success > self._base_success)
        if event.heldout_il_loss is None:
            return
        if not math.isfinite(event.heldout_il_loss):
            self.ignored += 1
            return
        excess = event.heldout_il_loss / self.reference - (1.0 + self.slack)
        self.m = self.limits.moved(self.m, -self._rate * excess)

    def state_dict(self) -> dict[str, Any]:
        """Return m, the slack and the count, as JSON-able data."""
        return {'m': self.m, 'slack': self.slack, 'ignored': self.ignored}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.m, self.slack = float(state['m']), float(state['slack'])
        self.ignored = int(state['ignored'])


class DoseController:
    """Keep |path of IL| / |path of RL| per cycle at a target: a cycle twice as long halves it.

    With Adam an IL step moves the parameters by its learning rate whatever the gradient, so the
    same m is a strong pull at one learning rate and a weak one at another.
    """

    def __init__(self, limits: Limits, target: float) -> None:
        """Begin at m0; ValueError for a target that is not positive."""
        self.limits = limits
        self._target = positive('target', target)
        self.m = limits.m0
        self.ignored = 0

    def observe(self, event: Event) -> None:
        """Move m by the event's `dose`."""
        if event.dose is None:
            return
        if not math.isfinite(event.dose) or event.dose < 0.0:
            self.ignored += 1
            return
        self.m = self.limits.towards(self.m, self.m * event.dose / self._target)

    def state_dict(self) -> dict[str, Any]:
        """Return m and the count, as JSON-able data."""
        return {'m': self.m, 'ignored': self.ignored}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.m, self.ignored = float(state['m']), int(state['ignored'])


def positive(name: str, value: float) -> float:
    """Return the value, or raise a ValueError that names it: it must be > 0 and finite."""
    if not 0.0 < value < math.inf:
        raise ValueError(f'{name}: {value!r} is not allowed; it is a positive number')
    return float(value)


def not_negative(name: str, value: float) -> float:
    """Return the value, or raise a ValueError that names it: it must be >= 0 and finite."""
    if not 0.0 <= value < math.inf:
        raise ValueError(f'{name}: {value!r} is not allowed; it is a number >= 0')
    return float(value)
