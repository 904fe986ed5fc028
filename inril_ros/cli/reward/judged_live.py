# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a classifier said of the episodes of a run, beside what was true."""

from inril_ros.cli.reward.error_table import errors_in_use, judged_evaluation
from inril_ros.cli.run.progress import Reporter
from inril_ros.data.record_files import read_record
from inril_ros.data.run.estimates import whole_percent
from inril_ros.data.run.judge_record import read_all_judged
from inril_ros.data.run.run_directory import RunDirectory


def tell_judged_live(run: RunDirectory, reporter: Reporter) -> int:
    """Say how often the classifier erred in a run, and what its evaluations truly showed.

    Returns the number of episodes that it judged.

    Raises:
        RecordError: A file of the run is damaged.
    """
    rows = read_all_judged(run.judge)
    for error in errors_in_use(rows):
        reporter.say(f'judged in the run, {error.words}: {error.wrong} of {error.share.n} '
                     f'episodes, {error.percent}')
    for name in ('pretrained', 'finetuned'):
        judged = judged_evaluation(read_record(run.evaluation(name)), rows) \
            if run.evaluation(name).exists() else None
        if judged is not None:
            more = judged.excess
            reporter.say(
                f'evaluation of {name}, {judged.seen.n} episodes: success '
                f'{whole_percent(judged.seen.value)} % by the classifier, '
                f'{whole_percent(judged.true.value)} % in truth; it is {100 * more.value:+.0f} '
                f'points too high [{100 * more.low:+.0f}, {100 * more.high:+.0f}]')
    return len(rows)
