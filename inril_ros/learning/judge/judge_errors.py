# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How often a judge errs, counted by episodes, and the threshold that keeps its errors rare.

The frames of an episode are no independent trials, and a run needs one verdict per episode. So
an error is counted once per episode: a *false* success, said of a failure; an *early* one, said of
a success before anything showed it; a *missed* one, a success of which the judge never said so.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inril_ros.learning.judge.frame_labels import LabelledEpisode, NOT_DONE
from inril_ros.learning.judge.verdict_rule import VerdictRule


@dataclass(frozen=True)
class JudgedEpisode:
    """What a judge makes of one episode.

    Attributes:
        name: Name of the episode.
        success: Whether it succeeded, by the one who judged it before.
        before: Highest value of the rule at a frame that doesn't show success; 0: there is none.
        at_end: Highest value of the rule at any frame.
        worst: The frame of `before`.
        best: The frame of `at_end`.
    """

    name: str
    success: bool
    before: float
    at_end: float
    worst: int
    best: int


@dataclass(frozen=True)
class JudgeErrors:
    """Errors of a rule on episodes.

    Attributes:
        false: Failures that were called a success.
        failures: All failures.
        early: Successes that were called one before anything showed it.
        missed: Successes that were never called one.
        successes: All successes.
    """

    false: int
    failures: int
    early: int
    missed: int
    successes: int


def judged_episode(episode: LabelledEpisode, probabilities: NDArray[np.float64],
                   rule: VerdictRule) -> JudgedEpisode:
    """Return what a rule makes of the probabilities (N,) of an episode's frames."""
    agreed = rule.agreed(probabilities)
    early = np.where(episode.labels == NOT_DONE, agreed, 0.0)
    worst, best = int(early.argmax()), int(agreed.argmax())
    return JudgedEpisode(episode.name, episode.success, float(early[worst]),
                         float(agreed[best]), worst, best)


def errors_at(threshold: float, episodes: Sequence[JudgedEpisode]) -> JudgeErrors:
    """Return the errors at a threshold."""
    failures = [each for each in episodes if not each.success]
    successes = [each for each in episodes if each.success]
    return JudgeErrors(
        sum(each.before >= threshold for each in failures), len(failures),
        sum(each.before >= threshold for each in successes),
        sum(each.at_end < threshold for each in successes), len(successes))


def chosen_rule(rule: VerdictRule, episodes: Sequence[JudgedEpisode], allowed: int) -> VerdictRule:
    """Return the rule with a threshold at which no more verdicts are false or early than allowed.

    Of those thresholds it is the one with the fewest errors, missed successes included: an episode
    that nobody labelled rightly must not cost all successes. Of equal ones the highest counts.

    Raises:
        ValueError: There is no episode.
    """
    rules = [_above(rule, episodes, wrong) for wrong in range(allowed + 1)]
    return min(rules, key=lambda each: _number_of_errors(errors_at(each.threshold, episodes)))


def _number_of_errors(errors: JudgeErrors) -> int:
    return errors.false + errors.early + errors.missed


def _above(rule: VerdictRule, episodes: Sequence[JudgedEpisode], allowed: int) -> VerdictRule:
    """Return the rule with the lowest threshold at which so many verdicts are false or early.

    Between the highest value that must not be called a success and the lowest success above it,
    the threshold lies in the middle of the log odds, so that neither is judged by a hair; it is
    never below one half.

    Raises:
        ValueError: There is no episode.
    """
    if not episodes:
        raise ValueError('there is no episode to choose a threshold with')
    wrong = sorted((each.before for each in episodes), reverse=True)
    lower = wrong[allowed] if allowed < len(wrong) else 0.0
    above = [each.at_end for each in episodes if each.success and each.at_end > lower]
    middle = _probability(0.5 * (_log_odds(lower) + _log_odds(min(above, default=1.0))))
    # Above what must be told apart, also where rounding leaves no middle.
    return replace(rule, threshold=min(1.0, max(0.5, middle, float(np.nextafter(lower, 2.0)))))


def curve(episodes: Sequence[JudgedEpisode]) -> tuple[NDArray[np.float64], NDArray[np.float64],
                                                      NDArray[np.float64]]:
    """Return thresholds from high to low, and the shares of failures and successes called one.

    Plotted against each other they are the ROC curve of episodes.
    """
    thresholds = np.unique([1.0, *(each.at_end for each in episodes)])[::-1]
    shares = [[np.mean([each.at_end >= threshold for each in episodes if each.success is success]
                       or [np.nan]) for threshold in thresholds] for success in (False, True)]
    return thresholds, np.array(shares[0]), np.array(shares[1])


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, 1e-9), 1.0 - 1e-9)
    return float(np.log(bounded / (1.0 - bounded)))


def _probability(log_odds: float) -> float:
    return float(1.0 / (1.0 + np.exp(-log_odds)))
