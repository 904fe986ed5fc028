# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What README and results.md say of learning is what the committed reports say."""

import json
from pathlib import Path
import re
import sys

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / 'benchmarks'))

from demo_figure import table  # noqa: E402

_STUDY = re.compile(r'studies/(\w+)/report\.md')


def claims():
    """Return (place, text, report) of each row of README's table that rests on a study."""
    for line in (ROOT / 'README.md').read_text(encoding='utf-8').splitlines():
        if line.startswith('|') and (study := _STUDY.search(line)):
            yield pytest.param(line, (ROOT / 'docs/studies' / study[1] / 'report.md').read_text(
                encoding='utf-8'), id=study[1])


def contrasts(report):
    """Return the cells of the rows of a report's table of contrasts."""
    part = report.partition('## Can the differences be told from chance?')[2]
    rows = [line.strip('| ').split(' | ') for line in part.partition('\n## ')[0].splitlines()
            if line.startswith('| ')]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


@pytest.mark.parametrize(('line', 'report'), [*claims()])
def test_a_row_of_the_readme_gives_its_pairs_and_the_interval_of_its_study(line, report):
    pairs = re.search(r'(\d+) pairs', line)
    if not pairs:  # it is about one arm
        runs = re.search(r'(\d+) runs', line)
        assert runs and f'| {runs[1]} |' in report
        intervals = re.findall(r'\d+ % \[\d+, \d+\]', line)
        assert intervals and all(f'| {each} | {runs[1]} |' in report for each in intervals)
        return
    rows = [row for row in contrasts(report) if row['pairs'] == pairs[1]]
    assert rows
    for value, interval in re.findall(r'([+-]\d+) points( \[[^]]+\])?', line):
        assert f'{value}{interval}' in {row['difference [95 %]'] for row in rows}
    for p in re.findall(r'p = ([\d.]+)', line):
        assert p in {f'{float(row["p, Holm"]):.2f}' for row in rows if row['p, Holm']}


@pytest.mark.parametrize(('line', 'report'), [*claims()])
def test_a_study_that_is_a_look_is_called_one(line, report):
    if 'A look, not a claim' in report:
        assert line.startswith('| look: ') or 'not known' in line


def test_every_difference_in_the_results_is_in_a_report():
    text = (ROOT / 'docs/results.md').read_text(encoding='utf-8')
    known = {row['difference [95 %]'] for path in (ROOT / 'docs/studies').glob('*/report.md')
             for row in contrasts(path.read_text(encoding='utf-8'))}
    quoted = re.findall(r'([+-]\d+)(?: points)? (\[[+-][^]]+\])', text)
    assert quoted and {f'{value} {interval}' for value, interval in quoted} <= known


def test_the_readme_and_the_results_say_what_the_demo_s_rows_say():
    rows = [json.loads(line) for line in
            (ROOT / 'docs/studies/demo.jsonl').read_text(encoding='utf-8').splitlines()]
    before, after = (100 * sum(row[key]['rate'] for row in rows) / len(rows)
                     for key in ('bc_success', 'finetuned_success'))
    text = ' '.join((ROOT / 'README.md').read_text(encoding='utf-8').split())
    assert {row['demos'] for row in rows} == {5}
    assert (f'cloned from 5 demonstrations goes from {before:.0f} % to {after:.0f} % success in '
            '10 000 steps (mean of five seeds') in text
    results = (ROOT / 'docs/results.md').read_text(encoding='utf-8')
    assert table(rows).partition('\n\n')[0] in results


def test_each_picture_says_how_it_is_made():
    guide = (ROOT / 'docs/how_to/studies.md').read_text(encoding='utf-8')
    pictures = sorted(path.name for path in (ROOT / 'docs/images').iterdir())
    assert [each for each in pictures if f'docs/images/{each}' not in guide] == []
