# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The figure of a run shows its evaluations and its training episodes."""

from pathlib import Path
import sys

sys.path.append(str(Path(__file__).parents[3] / 'benchmarks'))

from demo_figure import draw  # noqa: E402


def test_the_figure_has_the_success_of_both_evaluations(sample_run, tmp_path):
    out = tmp_path / 'demo.svg'
    draw(sample_run.path, out)
    text = out.read_text()
    for words in ('38 %', '88 %', 'cloned', 'last 20 training episodes', 'pick-place, seed 3'):
        assert f'<!-- {words}' in text or f'<!--  {words}' in text, words
