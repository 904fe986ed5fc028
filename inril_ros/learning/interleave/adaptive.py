# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Controllers that choose m, the RL units per imitation event, from measurements at the events.

All begin at m0, keep m within bounds, and move it by at most a factor `most_change` per event.
`observe` is called once per event, before the next RL step. A value that was not measured is None
and changes nothing; one that is not finite changes nothing either and is counted in `ignored`.

The controller that computes m from a model of both losses is in model_based.py.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import math
from typing import Any, ClassVar

from inril_ros.learning.interleave.alignment_pool import PooledAlignment


@dataclass(frozen=True)
class Limits:
    """Bounds on m and on its changes, for every controller."""

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

    On data kept out of learning. The RL loss of PPO hosts is the importance-weighted surrogate of
    a held-out slice of the rollout, that of off-policy hosts the actor loss. Each loss is taken
    on the same batch with the same noise at all points, because only differences count.
    """

    units: float
    """RL units in the cycle, >= 1."""
    middle_units: float
    """RL units until `il_middle`, about half of them: between 0 and `units`."""
    rl_before: float
    """RL loss at the beginning of the cycle,"""
    rl_after: float
    """after the RL units,"""
    rl_imitated: float
    """and after the imitation event."""
    il_before: float
    il_middle: float
    """IL loss after `middle_units`."""
    il_after: float
    il_imitated: float


@dataclass(frozen=True)
class Event:
    """Measurements at an imitation event; None: not measured this time."""

    alignment: PooledAlignment | None = None
    losses: CycleLosses | None = None
    heldout_il_loss: float | None = None
    """IL loss on held-out demonstrations, before the event's IL steps."""
    dose: float | None = None
    """|path of IL| / |path of RL| over the last cycle."""


class Controller:
    """Chooses m for an AdaptiveSchedule.

    Attributes:
        m: The present m.
        ignored: Number of events with a value that was not finite.
    """

    needs_heldout: ClassVar[bool] = False
    """Whether it needs the IL loss on held-out demonstrations, which is measured per event."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.m = limits.m0
        self.ignored = 0

    def observe(self, event: Event) -> None:
        """Move m by what an event measured."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Return everything needed to continue, as JSON-able data."""
        return {'m': self.m, 'ignored': self.ignored}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.m, self.ignored = float(state['m']), int(state['ignored'])


class AlignmentThermostat(Controller):
    """More RL per imitation event the more the gradients conflict: m -> m0 exp(-gain * cosine).

    Gated: the pooled cosine counts only while it is distinguishable from zero at the pool's level
    and has a value; otherwise m goes back towards m0. Without the gate, noise would set m: a
    single event's cosine has no meaning with PPO hosts.
    """

    def __init__(self, limits: Limits, gain: float = 3.0) -> None:
        """Begin at m0; ValueError for a gain that is not positive."""
        super().__init__(limits)
        self.gain = positive('gain', gain)

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
        """Return the m to move towards; None if the cosine is not finite."""
        if not alignment.distinguishable or alignment.cosine is None:
            return self.limits.m0
        if not math.isfinite(alignment.cosine):
            return None
        cosine = min(max(alignment.cosine, -1.0), 1.0)
        return self.limits.m0 * math.exp(-self.gain * cosine)


class AnchorConstraint(Controller):
    """Keep the held-out IL loss at (1 + slack) of its value after cloning, like an adaptive KL.

    log m <- log m + rate ((1 + slack) reference - IL loss) / reference. This integrates, so
    `smoothing` does not apply: a moving average inside an integrating loop would make it
    oscillate. The loss of a fixed held-out set has little noise.
    """

    needs_heldout = True

    def __init__(self, limits: Limits, reference: float, slack: float = 0.2,
                 rate: float = 0.2) -> None:
        """Begin at m0; `reference` is the held-out IL loss after cloning.

        Raises:
            ValueError: A reference or rate that is not positive, or a negative slack.
        """
        super().__init__(limits)
        self.reference = positive('reference', reference)
        self.slack = not_negative('slack', slack)
        self._rate = positive('rate', rate)

    def observe(self, event: Event) -> None:
        """Move m by the event's `heldout_il_loss`."""
        if event.heldout_il_loss is None:
            return
        if not math.isfinite(event.heldout_il_loss):
            self.ignored += 1
            return
        excess = event.heldout_il_loss / self.reference - (1.0 + self.slack)
        self.m = self.limits.moved(self.m, -self._rate * excess)

    def state_dict(self) -> dict[str, Any]:
        """Return m, the slack and the count."""
        return {**super().state_dict(), 'slack': self.slack}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        super().load_state_dict(state)
        self.slack = float(state['slack'])


class DoseController(Controller):
    """Keep |path of IL| / |path of RL| per cycle at a target: a cycle twice as long halves it.

    With Adam an IL step moves the parameters by its learning rate whatever the gradient, so the
    same m is a strong pull at one learning rate and a weak one at another.
    """

    def __init__(self, limits: Limits, target: float) -> None:
        """Begin at m0; ValueError for a target that is not positive."""
        super().__init__(limits)
        self._target = positive('target', target)

    def observe(self, event: Event) -> None:
        """Move m by the event's `dose`."""
        if event.dose is None:
            return
        if not math.isfinite(event.dose) or event.dose < 0.0:
            self.ignored += 1
            return
        self.m = self.limits.towards(self.m, self.m * event.dose / self._target)


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
