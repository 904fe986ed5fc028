# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Numbers with their 95 % intervals: success rates, their differences, means over seeds and tasks.

Means over seeds follow Agarwal et al. 2021 ("Deep Reinforcement Learning at the Edge of the
Statistical Precipice"): a stratified bootstrap, which resamples the seeds of each task, with
percentile intervals. With three seeds such an interval is too narrow, but shows the spread.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, hypot
import warnings

import numpy as np

_RESAMPLES = 5000
_SEED = 20_250_516


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: The estimate.
        low: Lower end; None: there are too few values for an interval.
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


def rate_difference(before: Estimate, after: Estimate) -> Estimate:
    """Return the difference of two success rates with Newcombe's interval (1998, method 10).

    It treats the two as independent: if both were counted on the same initial states, the
    interval is wider than necessary.
    """
    change = after.value - before.value
    down = hypot(after.value - after.low, before.high - before.value)
    up = hypot(after.high - after.value, before.value - before.low)
    return Estimate(change, change - down, change + up, min(before.n, after.n))


def mean(strata: Sequence[Sequence[float]]) -> Estimate:
    """Return the mean over all values; each stratum (the seeds of a task) is resampled alone."""
    return _bootstrap(strata, np.mean)


def interquartile_mean(strata: Sequence[Sequence[float]]) -> Estimate:
    """Return the mean of the middle half of all values; of fewer than 4 values it is the mean."""
    from scipy.stats import trim_mean

    return _bootstrap(strata, lambda values, axis: trim_mean(values, 0.25, axis=axis))


def _bootstrap(strata: Sequence[Sequence[float]], statistic: Callable[..., np.ndarray],
               ) -> Estimate:
    """Return a statistic of all values with its interval.

    Raises:
        ValueError: There are no values.
    """
    from scipy.stats import bootstrap

    samples = [np.asarray(values, float) for values in strata if len(values)]
    if not samples:
        raise ValueError('there are no values')
    joined = np.concatenate(samples)
    value = float(statistic(joined, axis=0))
    if min(map(len, samples)) < 2:
        return Estimate(value, None, None, len(joined))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # about equal values: their interval is a point
        interval = bootstrap(
            samples, lambda *parts, axis: statistic(np.concatenate(parts, axis=axis), axis=axis),
            n_resamples=_RESAMPLES, method='percentile', vectorized=True,
            random_state=np.random.default_rng(_SEED)).confidence_interval
    return Estimate(value, float(interval.low), float(interval.high), len(joined))


def whole_percent(fraction: float) -> int:
    """Return a fraction in percent, half a percent going up.

    ``round`` goes to the even number and sees 57.499999999999993 in 0.575: two rates and their
    difference would not agree on paper.
    """
    return floor(100 * fraction + 0.5 + 1e-9)
