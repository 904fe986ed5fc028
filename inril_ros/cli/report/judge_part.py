# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the report says of a run's classifier: its errors, before its use and in the run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inril_ros.cli.reward.error_table import (
    errors_before_use,
    errors_in_use,
    ErrorShare,
    judged_evaluation,
    JudgedEvaluation,
)
from inril_ros.cli.reward.judge_folder import JudgeFolder
from inril_ros.data.record_files import read_record, RecordError
from inril_ros.data.run.judge_record import JudgedByClassifier
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.learning.judge.judge_errors import JudgeErrors
from inril_ros.robot.settings_check import checked


@dataclass(frozen=True)
class JudgePart:
    """The errors of a classifier.

    Attributes:
        before_use: On episodes that it had not learned from, when it was trained.
        in_use: In the episodes that it judged in the run.
        evaluations: What evaluations showed by it and in truth, by their name.
    """

    before_use: list[ErrorShare]
    in_use: list[ErrorShare]
    evaluations: dict[str, JudgedEvaluation]


def judge_part(
    run: RunDirectory, judged: Sequence[JudgedByClassifier], evaluations: dict[str, Any],
) -> JudgePart | None:
    """Return the errors of a run's classifier; None if it has judged nothing in the run.

    Args:
        run: The run.
        judged: Episodes that it judged.
        evaluations: The content of the files of evaluations, by their name.

    Raises:
        RecordError: What it was trained with is damaged.
    """
    if not judged:
        return None
    training, before_use = JudgeFolder(run).training, []
    if training.exists():
        before_use = errors_before_use(checked(
            JudgeErrors, read_record(training).get('errors'), f'{training}: errors', RecordError))
    told = {name: judged_evaluation(content, judged) for name, content in evaluations.items()}
    return JudgePart(before_use, errors_in_use(judged),
                     {name: each for name, each in told.items() if each is not None})
