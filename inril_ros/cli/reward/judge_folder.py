# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The folder of a run's judge, and what a person said of the frames of its episodes.

::

    judge/labels.jsonl   each correction by a person, one after the other; nothing is overwritten
    judge/model/         the judge; judge/training.json: its errors on episodes it had not seen
    judge/errors.png     the worst frames of each kind, and the ROC curve
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from inril_ros.data.record_files import JsonLines, read_json_lines, RecordError
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.learning.judge.frame_labels import Correction, DONE, NOT_DONE, UNKNOWN
from inril_ros.robot.settings_check import checked

_Seconds = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
WORDS = {'done': DONE, 'not done': NOT_DONE, 'unknown': UNKNOWN}


@dataclass(frozen=True, config=ConfigDict(extra='forbid'))
class Said:
    """What a person said of some frames.

    Attributes:
        episode: Name of the bag.
        first: Time of the first frame since the episode began [s].
        last: Time of the last frame [s].
        label: One of ``WORDS``.
        when: Time of saying so, ISO 8601, UTC.
    """

    episode: Annotated[str, Field(min_length=1, max_length=255)]
    first: _Seconds
    last: _Seconds
    label: str
    when: str

    def __post_init__(self) -> None:
        if self.label not in WORDS:
            raise ValueError(f'label is {self.label!r}, allowed are {", ".join(WORDS)}')
        if self.last < self.first:
            raise ValueError(f'last, {self.last:g} s, is before first, {self.first:g} s')


class JudgeFolder:
    """The folder ``judge`` of a run."""

    def __init__(self, run: RunDirectory) -> None:
        self.path = run.judge
        self.labels = self.path / 'labels.jsonl'
        self.model = run.judge_model
        self.training = self.path / 'training.json'
        self.picture = self.path / 'errors.png'

    def said(self) -> list[Said]:
        """Return all that a person has said, in order.

        Raises:
            RecordError: The file is damaged.
        """
        if not self.labels.exists():
            return []
        return [checked(Said, row, f'{self.labels}, line {number}', RecordError)
                for number, row in enumerate(read_json_lines(self.labels), start=1)]

    def corrections(self) -> dict[str, list[Correction]]:
        """Return what was said of the frames of each episode, in order."""
        found: dict[str, list[Correction]] = {}
        for each in self.said():
            found.setdefault(each.episode, []).append(
                Correction(each.first, each.last, WORDS[each.label]))
        return found

    def add(self, episode: str, spans: Sequence[tuple[float, float, str]]) -> None:
        """Note what a person says of frames (first [s], last [s], label), after what is there.

        Raises:
            RecordError: A span is none.
        """
        now = datetime.now(timezone.utc).isoformat(timespec='seconds')
        more = [checked(Said, {'episode': episode, 'first': first, 'last': last, 'label': label,
                               'when': now}, 'label', RecordError)
                for first, last, label in spans]
        with JsonLines(self.labels) as file:
            for each in more:
                file.append(asdict(each))
