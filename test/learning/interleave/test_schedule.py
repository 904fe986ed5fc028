# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Schedules count exactly, in both units, for any sequence of m."""
from __future__ import annotations

from fractions import Fraction
import json
import math

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from inril_ros.learning.interleave.schedule import (
    AdaptiveSchedule,
    CountingSchedule,
    FixedSchedule,
    RandomSchedule,
)


class Script:
    """A controller that returns the given m in turn, then always the last one."""

    def __init__(self, lengths: list[float]) -> None:
        self.lengths, self.index = lengths, 0

    @property
    def m(self) -> float:
        return self.lengths[min(self.index, len(self.lengths) - 1)]

    def state_dict(self) -> dict[str, int]:
        return {'index': self.index}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.index = state['index']


def step(schedule: CountingSchedule, steps_per_iteration: int = 5) -> int:
    """Take one RL step, an iteration after each `steps_per_iteration`; return IL steps taken."""
    schedule.count_rl()
    if schedule.rl_updates % steps_per_iteration == 0:
        schedule.count_iteration()
    taken = 0
    while schedule.imitation_due:
        schedule.count_il()
        taken += 1
    if taken and isinstance(schedule, AdaptiveSchedule):
        schedule.controller.index += 1
    return taken


lengths = st.lists(st.one_of(st.floats(1.0, 40.0), st.integers(1, 40).map(float),
                             st.sampled_from([1.1, 4 / 3, 10 / 3])), min_size=1, max_size=30)


@given(lengths, st.integers(0, 300), st.integers(1, 4))
@settings(deadline=None)
def test_event_k_comes_once_the_first_k_lengths_have_passed(
        sequence: list[float], updates: int, il_steps: int) -> None:
    schedule = AdaptiveSchedule(Script(sequence), il_steps=il_steps)
    taken = [step(schedule) for _ in range(updates)]
    due, end = [], Fraction(0)
    for k in range(updates + 1):
        end += Fraction(sequence[min(k, len(sequence) - 1)])
        if end > updates:
            break
        due.append(math.ceil(end))
    assert [n + 1 for n, count in enumerate(taken) if count] == due
    assert schedule.events == len(due)
    assert schedule.il_updates == sum(taken) == il_steps * len(due)
    assert schedule.ratio == (schedule.il_updates / updates if updates else 0.0)


def test_a_fraction_does_not_drift() -> None:
    schedule = AdaptiveSchedule(Script([1.1]))
    for _ in range(20_000):
        step(schedule)
    assert schedule.events == math.floor(Fraction(20_000) / Fraction(1.1))


@given(st.integers(1, 6), st.integers(1, 7), st.integers(1, 5), st.integers(0, 120))
def test_in_iterations_a_block_follows_each_m_iterations(m: int, il_steps: int, per: int,
                                                         updates: int) -> None:
    schedule = FixedSchedule(m, 'iteration', il_steps)
    taken = [step(schedule, per) for _ in range(updates)]
    assert taken == [il_steps if n % (per * m) == 0 else 0 for n in range(1, updates + 1)]
    assert schedule.iterations == updates // per
    assert schedule.il_updates == il_steps * (updates // per // m)


def test_minibatches_do_not_count_in_iterations_nor_iterations_in_minibatches() -> None:
    by_iteration, by_minibatch = FixedSchedule(1, 'iteration'), FixedSchedule(1)
    by_iteration.count_rl()
    by_minibatch.count_iteration()
    assert not by_iteration.imitation_due
    assert not by_minibatch.imitation_due


def test_postponed_imitation_stays_due() -> None:
    schedule = FixedSchedule(2, il_steps=3)
    for _ in range(5):
        schedule.count_rl()
    assert schedule.il_steps_due == 6
    for left in range(5, -1, -1):
        schedule.count_il()
        assert schedule.il_steps_due == left
    schedule.count_il()  # one more than was due: counted, and no debt
    assert (schedule.il_updates, schedule.imitation_due) == (7, False)


def test_rl_only_never_imitates_in_either_unit() -> None:
    for unit in ('minibatch', 'iteration'):
        schedule = FixedSchedule(math.inf, unit, 50)
        assert [step(schedule) for _ in range(50)] == [0] * 50
        assert schedule.m is None


@given(st.floats(1.0, 30.0), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_random_m_stays_in_its_range_and_has_its_mean(mean: float, seed: int) -> None:
    schedule = RandomSchedule(mean, seed)
    drawn = [schedule.next_length() for _ in range(2000)]
    assert min(drawn) >= 1.0
    assert max(drawn) <= 2.0 * mean - 1.0 + 1e-9
    deviation = (2.0 * mean - 2.0) / math.sqrt(12.0)
    assert abs(sum(drawn) / 2000 - mean) <= 5.0 * deviation / math.sqrt(2000) + 1e-9


def test_random_m_realises_the_ratio_of_a_fixed_m() -> None:
    schedule = RandomSchedule(10.0, seed=3)
    gaps, last = [], 0
    for n in range(1, 20_001):
        if step(schedule):
            gaps.append(n - last)
            last = n
    assert schedule.ratio == pytest.approx(0.1, rel=0.05)
    assert len(set(gaps)) > 15


def test_random_m_follows_from_the_seed_alone() -> None:
    def gaps(seed: int) -> list[int]:
        schedule = RandomSchedule(5.0, seed)
        return [step(schedule) for _ in range(200)]
    assert gaps(0) == gaps(0)
    assert gaps(0) != gaps(1)


MAKERS = {
    'fixed': lambda: FixedSchedule(7, il_steps=2),
    'iteration': lambda: FixedSchedule(2, 'iteration', 3),
    'none': lambda: FixedSchedule(None),
    'random': lambda: RandomSchedule(3.7, 1),
    'adaptive': lambda: AdaptiveSchedule(Script([2.3, 1.9, 7.1, 4.0])),
}


@pytest.mark.parametrize('kind', sorted(MAKERS))
@given(before=st.integers(0, 60), after=st.integers(1, 60))
@settings(max_examples=30, deadline=None)
def test_a_saved_schedule_continues_exactly(kind: str, before: int, after: int) -> None:
    whole, first, second = (MAKERS[kind]() for _ in range(3))
    expected = [step(whole) for _ in range(before + after)]
    taken = [step(first) for _ in range(before)]
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert json.dumps(second.state_dict()) == json.dumps(first.state_dict())
    assert taken + [step(second) for _ in range(after)] == expected
    assert json.dumps(second.state_dict()) == json.dumps(whole.state_dict())


@pytest.mark.parametrize('m', [0, -1, 2.5, math.nan])
def test_a_fixed_m_is_a_whole_number(m: float) -> None:
    with pytest.raises(ValueError, match='whole number'):
        FixedSchedule(m)


@pytest.mark.parametrize('mean', [0.5, math.nan, math.inf])
def test_a_random_m_needs_a_mean(mean: float) -> None:
    with pytest.raises(ValueError, match='m_min <= mean'):
        RandomSchedule(mean, 0)


def test_unknown_units_and_empty_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match='minibatch'):
        FixedSchedule(1, 'epoch')  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='il_steps'):
        CountingSchedule('minibatch', 0)
