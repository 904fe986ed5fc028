# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The figure of a run shows its evaluations and its training episodes."""

import json
from pathlib import Path
import sys

from sample_run import write_sample_run

sys.path.append(str(Path(__file__).parents[3] / 'benchmarks'))

from demo_figure import draw, table  # noqa: E402


def test_the_figure_has_the_mean_success_of_both_evaluations(sample_run, tmp_path):
    other = write_sample_run(tmp_path / 'other', 0.58, 0.98)
    out = tmp_path / 'demo.svg'
    draw([sample_run.path, other.path], out)
    text = out.read_text()
    for words in ('49 %', '93 %', 'cloned', 'last 20 training episodes', 'pick-place, 2 seeds'):
        assert f'<!-- {words}' in text or f'<!--  {words}' in text, words


def test_the_table_has_each_run_and_the_difference(sample_run):
    summary = json.loads(sample_run.summary.read_text())
    text = table([{**summary, 'seed': seed} for seed in range(5)])
    assert '| 4 | 38 % [26, 52] | 88 % [76, 94] |' in text
    assert text.endswith('Mean difference: +50 points [50, 50], 5 seeds')
