# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How sure a success rate is: a rate without its interval says little at 50 episodes."""

from dataclasses import dataclass
from math import floor, hypot


@dataclass(frozen=True)
class Rate:
    """A success rate with its 95 % interval, or a difference of two; all are fractions.

    Attributes:
        rate: The estimate.
        low: Lower end of the interval.
        high: Upper end.
        n: Episodes it was counted on.
    """

    rate: float
    low: float
    high: float
    n: int


def success_rate(successes: int, episodes: int) -> Rate:
    """Return a success rate with its Wilson score interval (Wilson 1927, eq. 5), 95 %.

    Raises:
        ValueError: No episodes, or more successes than episodes.
    """
    if not 0 <= successes <= episodes or episodes < 1:
        raise ValueError(f'{successes} successes in {episodes} episodes')
    # Imported here: it takes a second, and most commands never get this far.
    from scipy.stats import binomtest

    interval = binomtest(successes, episodes).proportion_ci(0.95, method='wilson')
    return Rate(successes / episodes, interval.low, interval.high, episodes)


def difference(before: Rate, after: Rate) -> Rate:
    """Return after - before with Newcombe's interval (1998, method 10), 95 %.

    It takes the two as independent. Where both were counted on the same initial states it is
    wider than need be.
    """
    change = after.rate - before.rate
    down = hypot(after.rate - after.low, before.high - before.rate)
    up = hypot(after.high - after.rate, before.rate - before.low)
    return Rate(change, change - down, change + up, min(before.n, after.n))


def whole_percent(fraction: float) -> int:
    """Return a fraction in percent, half a percent going up.

    ``round`` goes to the even number and sees 57.499999999999993 in 0.575: two rates and their
    difference would not agree on paper.
    """
    return floor(100 * fraction + 0.5 + 1e-9)
