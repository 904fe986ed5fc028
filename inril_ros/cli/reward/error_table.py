# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How often a classifier erred, in words and with intervals: for the terminal and the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TYPE_CHECKING

from inril_ros.data.run.estimates import Estimate, rate_difference, success_rate
from inril_ros.data.run.judge_record import JudgedByClassifier

if TYPE_CHECKING:
    from inril_ros.learning.judge.judge_errors import JudgeErrors


@dataclass(frozen=True)
class ErrorShare:
    """How often one kind of error was made.

    Attributes:
        words: What is wrong.
        wrong: Number of episodes with the error.
        share: Their share of those in which it could be made.
    """

    words: str
    wrong: int
    share: Estimate

    @property
    def percent(self) -> str:
        """The interval of the share, in words."""
        return f'{100 * self.share.low:.1f} to {100 * self.share.high:.1f} %'


@dataclass(frozen=True)
class JudgedEvaluation:
    """What the episodes of an evaluation showed, of which a simulator told the truth.

    Attributes:
        seen: Share of successes by the classifier.
        true: Share of successes in truth.
        excess: By how much the first is higher.
    """

    seen: Estimate
    true: Estimate
    excess: Estimate


def errors_before_use(errors: 'JudgeErrors') -> list[ErrorShare]:
    """Return the errors on episodes that the classifier had not learned from."""
    return _shares([
        ('failures that it calls a success', errors.false, errors.failures),
        ('successes that it calls one too early', errors.early, errors.successes),
        ('successes that it never sees', errors.missed, errors.successes)])


def errors_in_use(rows: Sequence[JudgedByClassifier]) -> list[ErrorShare]:
    """Return the errors in the episodes that the classifier judged in a run."""
    return _shares([
        ('falsely called a success', sum(row.false for row in rows), len(rows)),
        ('a success that it did not see', sum(row.missed for row in rows), len(rows))])


def judged_evaluation(
    evaluation: Mapping[str, Any], rows: Sequence[JudgedByClassifier],
) -> JudgedEvaluation | None:
    """Return what an evaluation showed by the classifier and in truth; None if nobody told.

    Args:
        evaluation: The content of the evaluation's file.
        rows: Episodes that the classifier judged, those of the evaluation among them.
    """
    wanted = {row.get('episode_id') for row in evaluation['episodes']}
    told = [row for row in rows if row.episode_id in wanted and row.done is not None]
    if not told:
        return None
    seen = success_rate(sum(row.outcome == 'success' for row in told), len(told))
    true = success_rate(sum(bool(row.done) for row in told), len(told))
    return JudgedEvaluation(seen, true, rate_difference(true, seen))


def _shares(counts: Sequence[tuple[str, int, int]]) -> list[ErrorShare]:
    return [ErrorShare(words, wrong, success_rate(wrong, number))
            for words, wrong, number in counts if number]
