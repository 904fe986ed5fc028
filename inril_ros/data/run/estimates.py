# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Numbers with their 95 % intervals: success rates, means over runs, paired differences.

A mean over runs has Student's t interval, which keeps its coverage with few values; resampling
three seeds covers 75 %, not 95 %. Below ``LEAST_VALUES`` no interval is given at all. The tests
of a study's differences are corrected for their number (Holm 1979).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, hypot, inf, sqrt

import numpy as np

#: Fewer values have no interval.
LEAST_VALUES = 5
#: A claim should rest on this many pairs.
RECOMMENDED_VALUES = 10


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: The estimate.
        low: Lower end; None: fewer than ``LEAST_VALUES`` values, so no interval.
        high: Upper end; None with ``low``.
        n: Number of values or episodes that it rests on.
    """

    value: float
    low: float | None
    high: float | None
    n: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of 0."""
        return self.low is not None and (self.low > 0.0 or self.high < 0.0)


def success_rate(successes: int, episodes: int) -> Estimate:
    """Return a success rate with its Wilson score interval (Wilson 1927, eq. 5).

    Raises:
        ValueError: No episodes, or more successes than episodes.
    """
    if not 0 <= successes <= episodes or episodes < 1:
        raise ValueError(f'{successes} successes in {episodes} episodes')
    # Imported here: it takes a second, and most commands don't need it.
    from scipy.stats import binomtest

    interval = binomtest(successes, episodes).proportion_ci(0.95, method='wilson')
    return Estimate(successes / episodes, interval.low, interval.high, episodes)


def most_errors(bound: float, trials: int) -> int:
    """Return how many of some trials may be errors without showing a rate beyond a bound.

    The lower end of the interval of the rate is at most the bound.
    """
    count = 0
    while count < trials and success_rate(count + 1, trials).low <= bound:
        count += 1
    return count


def trials_without_error(bound: float) -> int:
    """Return the trials, all without an error, after which the rate is known to be in a bound.

    The upper end of Wilson's interval of 0 of n is z^2 / (n + z^2), z = 1.96.

    Raises:
        ValueError: The bound is no share between 0 and 1.
    """
    from scipy.special import ndtri

    if not 0.0 < bound < 1.0:
        raise ValueError(f'a bound of {bound} is no share between 0 and 1')
    square = float(ndtri(0.975)) ** 2
    return ceil(square / bound - square)


def rate_difference(before: Estimate, after: Estimate) -> Estimate:
    """Return the difference of two success rates with Newcombe's interval (1998, method 10).

    It treats the two as independent: if both were counted on the same initial states, the
    interval is wider than necessary.
    """
    change = after.value - before.value
    down = hypot(after.value - after.low, before.high - before.value)
    up = hypot(after.high - after.value, before.value - before.low)
    return Estimate(change, change - down, change + up, min(before.n, after.n))


def mean(values: Sequence[float]) -> Estimate:
    """Return the mean of independent values with Student's t interval.

    Raises:
        ValueError: There are no values.
    """
    from scipy.special import stdtrit

    sample, n = np.asarray(values, float), len(values)
    if not n:
        raise ValueError('there are no values')
    value = float(sample.mean())
    if n < LEAST_VALUES:
        return Estimate(value, None, None, n)
    half = float(stdtrit(n - 1, 0.975) * sample.std(ddof=1) / sqrt(n))
    return Estimate(value, value - half, value + half, n)


def p_of_no_difference(differences: Sequence[float]) -> float | None:
    """Return the two-sided p-value of Student's t-test of mean 0; None: too few values."""
    from scipy.special import stdtr

    sample, n = np.asarray(differences, float), len(differences)
    if n < LEAST_VALUES:
        return None
    value, deviation = sample.mean(), sample.std(ddof=1)
    if value == 0.0:
        return 1.0
    t = abs(value) * sqrt(n) / deviation if deviation > 0.0 else inf
    return float(2.0 * stdtr(n - 1, -t))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979), in the same order.

    Among all that stay below a level, the chance of a false one is at most that level.
    """
    raw, order = np.asarray(p_values, float), np.argsort(p_values)
    corrected = np.empty(len(raw))
    corrected[order] = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    return np.minimum(corrected, 1.0).tolist()


def whole_percent(fraction: float) -> int:
    """Return a fraction in percent, half a percent going up.

    ``round`` goes to the even number and sees 57.499999999999993 in 0.575: two rates and their
    difference would not agree on paper.
    """
    return floor(100 * fraction + 0.5 + 1e-9)
