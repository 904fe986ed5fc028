# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Several robots of one learner have a report each, and the run's names them all."""

from typer.testing import CliRunner

from inril_ros.cli.main import app
from inril_ros.data.record_files import JsonLines, read_json
from inril_ros.data.run.run_directory import RunDirectory

ROW = {'ticks': 10, 'person_ticks': 0, 'saved': True, 'explore': True, 'weights_version': 1,
       'time': 1.0, 'fate': 'kept', 'ticks_lost': 0, 'reason': ''}


def test_inril_report_writes_one_for_each_robot(sample_run):
    ends = {'left': ('success', 'time_limit', 'success'), 'right': ('time_limit', 'aborted')}
    for robot, outcomes in ends.items():
        own = RunDirectory.open(sample_run.path, robot)
        with JsonLines(own.episodes) as rows:
            for index, outcome in enumerate(outcomes):
                rows.append({**ROW, 'index': index, 'outcome': outcome, 'env_steps': 10 * index})
    done = CliRunner().invoke(app, ['report', str(sample_run.path)])
    assert done.exit_code == 0, done.output
    page = sample_run.report.read_text()
    for robot, outcomes in ends.items():
        own = RunDirectory.open(sample_run.path, robot)
        assert f'href="robots/{robot}/report.html"' in page
        assert own.report.stat().st_size > 1000
        counted = read_json(own.summary)['training_episodes']
        assert counted == {'number': len(outcomes), 'successes': outcomes.count('success'),
                           'rescued': 0}
    assert sample_run.robots() == ['left', 'right']
