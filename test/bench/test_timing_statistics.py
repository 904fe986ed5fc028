# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The timing benchmark's statistics are correct for synthetic blocks."""

import json
from pathlib import Path
import sys

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / 'benchmarks' / 'timing'))

from timing_report import Block, Findings  # noqa: E402
from timing_statistics import (  # noqa: E402
    causes_of_misses,
    gaps_of,
    misses_after,
    Sent,
    tick_statistics,
)

PERIOD = 0.01
MS = 1_000_000


def sent(gaps, ran=(), waited=(), stolen=(), start=10 ** 18):
    """Return commands with gaps [ms] between them; counters grow by values [ms] in each gap."""
    def grown(values):
        steps = [*values, *[0.0] * (len(gaps) - len(values))]
        return np.concatenate([[0], np.cumsum(np.round(np.array(steps) * MS))]).astype(np.int64)
    stamps = start + grown(gaps)
    return Sent(stamps, grown(ran), grown(waited), grown(stolen))


def test_even_commands_have_no_error_and_no_miss():
    found = tick_statistics(gaps_of([sent([10.0] * 200).stamps]), PERIOD)
    assert found.gaps == 200 and found.misses == found.missed_periods == 0
    assert found.p50 == found.worst == pytest.approx(PERIOD)
    assert found.error_worst == pytest.approx(0.0, abs=1e-12)


def test_a_late_command_is_a_miss_and_the_next_one_is_early():
    found = tick_statistics(gaps_of([sent([10.0] * 98 + [34.0, 6.0]).stamps]), PERIOD)
    assert (found.misses, found.missed_periods) == (1, 2)
    assert found.worst == pytest.approx(0.034) and found.error_worst == pytest.approx(0.024)
    assert found.mean == pytest.approx((98 * 10 + 40) / 100 / 1e3)


def test_a_pause_between_two_blocks_is_no_gap():
    blocks = [sent([10.0] * 5).stamps, sent([10.0] * 5, start=2 * 10 ** 18).stamps]
    assert np.allclose(gaps_of(blocks), PERIOD) and len(gaps_of(blocks)) == 10
    with pytest.raises(ValueError, match='fewer than two commands'):
        tick_statistics(gaps_of([blocks[0][:1]]), PERIOD)


@given(st.lists(st.floats(0.1, 100.0), min_size=1, max_size=200), st.integers(0, 2 ** 31))
def test_statistics_do_not_depend_on_the_order_of_arrival(gaps, seed):
    stamps = sent(gaps).stamps
    shuffled = np.random.default_rng(seed).permutation(stamps)
    one, other = (tick_statistics(gaps_of([each]), PERIOD) for each in (stamps, shuffled))
    assert one == other
    assert one.p50 <= one.p99 <= one.p999 <= one.worst + 1e-12
    assert one.misses == sum(np.diff(stamps) > 15 * MS)


@pytest.mark.parametrize(('counters', 'pause', 'cause'), [
    ({}, (12, 20), 'collector'),
    ({'waited': [0.0, 9.0]}, None, 'scheduler'),
    ({'stolen': [0.0, 9.0], 'waited': [0.0, 9.0]}, None, 'stolen'),
    ({'ran': [0.0, 19.0]}, None, 'own work'),
    ({'waited': [9.0, 0.0]}, None, 'scheduler'),  # read late: counted to the gap before
    ({'ran': [0.0, 1.0], 'waited': [0.0, 2.0]}, (0, 9), 'unknown'),
    ({'waited': [0.0, 0.0, 9.0]}, None, 'unknown')])  # in the gap after
def test_the_cause_of_a_miss_explains_at_least_half_of_it(counters, pause, cause):
    block = sent([10.0, 20.0, 10.0], **counters)
    pauses = [] if pause is None else [
        tuple(int(block.stamps[0]) + each * MS for each in pause)]
    assert causes_of_misses(block, PERIOD, pauses) == {cause: 1}


def test_commands_in_time_have_no_cause():
    block = sent([10.0] * 20, waited=[9.0] * 20)
    assert not causes_of_misses(block, PERIOD, [(0, 2 * 10 ** 18)])


def test_misses_near_events_are_compared_with_chance():
    block = sent([10.0] * 50 + [20.0] + [10.0] * 48)  # one second, a miss in the middle
    begin = int(block.stamps[0])
    assert misses_after(block, PERIOD, [begin + 450 * MS], 0.1) == (1, pytest.approx(0.1))
    assert misses_after(block, PERIOD, [begin + 600 * MS], 0.1) == (0, pytest.approx(0.1))
    both = [begin + 450 * MS, begin + 460 * MS]
    assert misses_after(block, PERIOD, both, 0.1) == (1, pytest.approx(0.11))
    assert misses_after(block, PERIOD, [], 0.1) == (0, 0.0)


def test_commands_outside_a_stretch_do_not_count():
    block = sent([10.0] * 100)
    cut = block.between(int(block.stamps[10]), int(block.stamps[20]))
    assert (cut.stamps == block.stamps[10:21]).all() and len(cut.waited) == 11


def test_the_report_has_a_row_per_rate_and_mode_and_is_valid_json(tmp_path):
    findings = Findings({'cores': 2}, {'one': 'the one', 'other': 'the other', 'third': 'unrun'})
    for start in (1, 2):
        findings.blocks += [
            Block('one', 100.0, sent([10.0] * 50, start=start * 10 ** 18), held=3),
            Block('other', 100.0, sent([14.0] * 50 + [30.0], waited=[0.0] * 50 + [25.0])),
            Block('one', 50.0, sent([20.0] * 50))]
    findings.write(tmp_path)
    found = json.loads((tmp_path / 'timing.json').read_text())
    assert [(row['rate'], row['way']) for row in found['results']] == [
        (50.0, 'one'), (100.0, 'one'), (100.0, 'other')]
    good, bad = found['results'][1:]
    assert (good['gaps'], good['misses'], good['held'], good['blocks']) == (100, 0, 6, 2)
    assert bad['misses'] == 2 and bad['causes'] == {'scheduler': 2}
    text = (tmp_path / 'timing.md').read_text()
    assert '| 100 Hz | other | 102 |' in text and 'scheduler 2' in text and '- cores: 2' in text
    assert (tmp_path / 'timing.png').read_bytes().startswith(b'\x89PNG')
