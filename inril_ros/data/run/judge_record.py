# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a classifier said of each episode, beside what was true, and whether to believe it further.

Each episode is a row of ``judge/episodes.jsonl``. In simulation the simulator tells what was true;
on an arm a person does, by a verdict of their own. Where neither said anything else, the
classifier is not contradicted.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from inril_ros.data.record_files import read_json_lines, RecordError
from inril_ros.data.run.estimates import Estimate, success_rate
from inril_ros.robot.settings_check import checked

WINDOW = 50
"""Episodes that the running count of errors covers."""
LEAST = 10
"""Episodes before a classifier can be distrusted: one error of two shows nothing."""
_Share = Annotated[float, Field(ge=0.0, le=1.0)]


@dataclass(frozen=True, config=ConfigDict(extra='forbid'))
class JudgedByClassifier:
    """An episode that a classifier watched to its end.

    Attributes:
        judge: SHA-256 of the classifier.
        episode_id: UUID.
        purpose: What it was for.
        ticks: Executed actions.
        said: Whether the classifier said success.
        said_at: Tick at which it did; None: it didn't.
        highest: What it came to at most: the probability that enough images in a row reached.
        outcome: How the episode ended.
        by: Who decided that.
        done: Whether the task was done at the classifier's word, or, without it, for so many
            images that it should have seen it, by the simulator; None: nobody knows.
    """

    judge: Annotated[str, Field(pattern=r'^[0-9a-f]{64}$')]
    episode_id: Annotated[str, Field(min_length=1, max_length=64)]
    purpose: Literal['demonstration', 'rollout', 'evaluation']
    ticks: Annotated[int, Field(ge=0)]
    said: bool
    said_at: Annotated[int, Field(ge=0)] | None
    highest: _Share
    outcome: Literal['success', 'failure', 'time_limit']
    by: Literal['classifier', 'person', 'time limit']
    done: bool | None

    @property
    def false(self) -> bool:
        """Whether the classifier said success, and it was none."""
        return self.said and (self.done is False or (
            self.by == 'person' and self.outcome == 'failure'))

    @property
    def missed(self) -> bool:
        """Whether it was a success, and the classifier didn't say so."""
        return not self.said and (self.done is True or (
            self.by == 'person' and self.outcome == 'success'))


def false_successes(rows: Sequence[JudgedByClassifier]) -> Estimate | None:
    """Return the share of the last ``WINDOW`` episodes that were falsely called a success.

    None if there are no episodes.
    """
    last = rows[-WINDOW:]
    return success_rate(sum(row.false for row in last), len(last)) if last else None


def why_distrusted(rows: Sequence[JudgedByClassifier], bound: float) -> str:
    """Return why a classifier must not judge any more; empty if it may.

    It must not once even the lower end of the interval of its false successes is beyond the bound.
    """
    share = false_successes(rows)
    if share is None or share.n < LEAST or share.low <= bound:
        return ''
    return (f'the classifier falsely called {sum(row.false for row in rows[-WINDOW:])} of the '
            f'last {share.n} episodes a success, {100 * share.low:.0f} to '
            f'{100 * share.high:.0f} % (bound {100 * bound:g} %)')


def read_judged(path: Path) -> list[JudgedByClassifier]:
    """Return the rows of a file; none if it isn't there.

    Raises:
        RecordError: A row is none.
    """
    if not path.exists():
        return []
    return [checked(JudgedByClassifier, row, f'{path}, line {number}', RecordError)
            for number, row in enumerate(read_json_lines(path), start=1)]


def read_all_judged(folder: Path) -> list[JudgedByClassifier]:
    """Return the episodes of all robots of a run, from the folder of its classifier.

    Raises:
        RecordError: A row is none.
    """
    return [row for path in sorted(folder.glob('episodes*.jsonl')) for row in read_judged(path)]
