# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The job that a command line of `inril` does, without doing it."""

import pytest

from inril_ros.cli import main
from inril_ros.cli.stages import stages


def stage_of(*arguments):
    """Return the first job that a command line would do.

    Raises:
        UsageError: It would be refused.
    """
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, 'run_stage', lambda job, stage: seen.append(job))
        patch.setattr(stages, 'conclude', lambda job: {})
        patch.setattr('inril_ros.cli.reward.job_judge.prepare_judge', lambda job: None)
        patch.setattr('inril_ros.cli.report.summary.headline', lambda summary: '')
        main.app([str(each) for each in arguments], standalone_mode=False)
    return seen[0]
