# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a classifier said of the episodes of a run, beside what was true."""

from collections.abc import Sequence

from inril_ros.cli.run.progress import Reporter
from inril_ros.data.record_files import read_record
from inril_ros.data.run.estimates import rate_difference, success_rate, whole_percent
from inril_ros.data.run.judge_record import JudgedByClassifier, read_judged
from inril_ros.data.run.run_directory import RunDirectory


def tell_judged_live(run: RunDirectory, reporter: Reporter) -> int:
    """Say how often the classifier erred in a run, and what its evaluations truly showed.

    Returns the number of episodes that it judged.

    Raises:
        RecordError: A file of the run is damaged.
    """
    rows = [row for path in sorted(run.judge.glob('episodes*.jsonl')) for row in read_judged(path)]
    for words, wrong in (('falsely called a success', sum(row.false for row in rows)),
                         ('a success that it did not see', sum(row.missed for row in rows))):
        if rows:
            share = success_rate(wrong, len(rows))
            reporter.say(f'judged in the run, {words}: {wrong} of {len(rows)} episodes, '
                         f'{100 * share.low:.1f} to {100 * share.high:.1f} %')
    for name in ('pretrained', 'finetuned'):
        if run.evaluation(name).exists():
            wanted = {row['episode_id'] for row in read_record(run.evaluation(name))['episodes']}
            _tell_evaluation(reporter, name, [row for row in rows if row.episode_id in wanted])
    return len(rows)


def _tell_evaluation(
    reporter: Reporter, name: str, rows: Sequence[JudgedByClassifier],
) -> None:
    """Say what an evaluation showed by the classifier and by the simulator, if it told."""
    rows = [row for row in rows if row.done is not None]
    if not rows:
        return
    seen = success_rate(sum(row.outcome == 'success' for row in rows), len(rows))
    true = success_rate(sum(row.done for row in rows), len(rows))
    more = rate_difference(true, seen)
    reporter.say(
        f'evaluation of {name}, {len(rows)} episodes: success {whole_percent(seen.value)} % by '
        f'the classifier, {whole_percent(true.value)} % in truth; it is {100 * more.value:+.0f} '
        f'points too high [{100 * more.low:+.0f}, {100 * more.high:+.0f}]')
