# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Means and interquartile means over seeds and tasks, with bootstrap intervals.

As Agarwal et al. 2021 ("Deep Reinforcement Learning at the Edge of the Statistical Precipice")
report results: seeds are resampled within each task (stratified bootstrap), percentile intervals.
With three seeds such an interval is too narrow; it says at least how far they lie apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import warnings

import numpy as np
from scipy import stats

_RESAMPLES = 5000
_SEED = 20_250_516


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: The estimate.
        low: Lower end; None: there are too few values for an interval.
        high: Upper end, likewise.
        n: Values that it rests on.
    """

    value: float
    low: float | None
    high: float | None
    n: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of 0."""
        return self.low is not None and (self.low > 0.0 or self.high < 0.0)


def mean(strata: Sequence[Sequence[float]]) -> Estimate:
    """Return the mean over all values, each stratum (a task's seeds) resampled by itself."""
    return _estimate(strata, lambda values, axis: np.mean(values, axis=axis))


def interquartile_mean(strata: Sequence[Sequence[float]]) -> Estimate:
    """Return the mean of the middle half of all values; of fewer than 4 values it is the mean."""
    return _estimate(strata, lambda values, axis: stats.trim_mean(values, 0.25, axis=axis))


def _estimate(
    strata: Sequence[Sequence[float]], statistic: Callable[[np.ndarray, int], np.ndarray],
) -> Estimate:
    """Return a statistic of all values with its interval.

    Raises:
        ValueError: There are no values.
    """
    samples = [np.asarray(values, float) for values in strata if len(values)]
    if not samples:
        raise ValueError('there are no values')
    joined = np.concatenate(samples)
    value = float(statistic(joined, 0))
    if min(map(len, samples)) < 2:
        return Estimate(value, None, None, len(joined))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of values that are all equal; the interval is a point
        interval = stats.bootstrap(
            samples, lambda *parts, axis: statistic(np.concatenate(parts, axis=axis), axis),
            n_resamples=_RESAMPLES, method='percentile', vectorized=True,
            random_state=np.random.default_rng(_SEED)).confidence_interval
    return Estimate(value, float(interval.low), float(interval.high), len(joined))
