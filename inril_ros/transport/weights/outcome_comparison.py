# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests after each episode whether episodes have become worse, with few false alarms.

Wald's sequential probability ratio test on episode outcomes (A. Wald, Sequential Tests of
Statistical Hypotheses, 1945), with the boundaries of an e-process: the likelihood ratio of "the
rate of success is ``good - drop`` at most" to "it is ``good`` at least" is a supermartingale under
the latter, so by Ville's inequality it ever reaches ``1 / false_alarm`` with at most that
probability, however often it is looked at. The same holds for the reciprocal and ``miss``.

The good rate comes from reference episodes: their exact lower confidence bound (C. Clopper,
E. Pearson, Biometrika 26, 1934), not their mean.
"""

from enum import Enum


class Verdict(Enum):
    """What the outcomes so far show."""

    OPEN = 'not decided yet'
    WORSE = 'it has become worse'
    NOT_WORSE = 'it has not become worse'


class SequentialTest:
    """One test, from its first episode to its verdict.

    Args:
        good: Good rate of success, 0..1.
        drop: Drop of the rate that must be found.
        false_alarm: Highest probability of WORSE while the rate is ``good`` or better.
        miss: Highest probability of NOT_WORSE while the rate is ``good - drop`` or worse.

    Raises:
        ValueError: A probability or the drop is not within (0, 1).
    """

    def __init__(self, good: float, drop: float, false_alarm: float, miss: float) -> None:
        if not (0.0 < drop < 1.0 and 0.0 < false_alarm < 1.0 and 0.0 < miss < 1.0):
            raise ValueError(f'drop {drop}, false_alarm {false_alarm} and miss {miss} '
                             'must be within (0, 1)')
        good = min(max(good, 1e-3), 1.0 - 1e-3)
        # A rate can't drop below 0: for a poor policy a share of its rate counts as bad.
        bad = max(good - drop, good / 4)
        self._factor = {True: bad / good, False: (1.0 - bad) / (1.0 - good)}
        self._bounds = (miss, 1.0 / false_alarm)
        #: Likelihood ratio of worse to good; 1 at the beginning.
        self.evidence = 1.0
        self.episodes = 0
        self.verdict = Verdict.OPEN

    def add(self, success: bool) -> Verdict:
        """Add the outcome of an episode; after a verdict nothing changes."""
        if self.verdict is not Verdict.OPEN:
            return self.verdict
        self.episodes += 1
        self.evidence *= self._factor[bool(success)]
        low, high = self._bounds
        if self.evidence >= high:
            self.verdict = Verdict.WORSE
        elif self.evidence <= low:
            self.verdict = Verdict.NOT_WORSE
        return self.verdict


def lower_bound(successes: int, episodes: int, error: float) -> float:
    """Return a rate that the true rate is below with a probability of at most ``error``."""
    from scipy.special import betaincinv

    if successes == 0:
        return 0.0
    return float(betaincinv(successes, episodes - successes + 1, error))
