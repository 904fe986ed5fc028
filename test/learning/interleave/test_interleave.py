# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The fixed schedule of imitation updates, and the measured dose."""
from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
import pytest
import torch

from inril_ros.learning.interleave.dose import Dose
from inril_ros.learning.interleave.schedule import FixedSchedule


def run(schedule: FixedSchedule, updates: int) -> list[int]:
    """Return the RL updates after which an IL update was taken."""
    taken = []
    for _ in range(updates):
        schedule.count_rl()
        if schedule.imitation_due:
            schedule.count_il()
            taken.append(schedule.rl_updates)
        assert not schedule.imitation_due
    return taken


@given(st.integers(1, 30), st.integers(0, 200))
def test_one_il_update_follows_each_m_rl_updates_exactly(m: int, updates: int) -> None:
    schedule = FixedSchedule(m)
    assert run(schedule, updates) == list(range(m, updates + 1, m))
    assert schedule.il_updates == updates // m
    assert schedule.ratio == (updates // m / updates if updates else 0.0)


@pytest.mark.parametrize('m', [None, math.inf])
def test_without_m_there_is_no_imitation(m: float | None) -> None:
    schedule = FixedSchedule(m)
    assert run(schedule, 100) == []
    assert (schedule.rl_updates, schedule.il_updates, schedule.ratio) == (100, 0, 0.0)


@given(st.integers(1, 9), st.integers(0, 50), st.integers(0, 50))
def test_a_schedule_continues_where_it_was_saved(m: int, before: int, after: int) -> None:
    whole, first, second = FixedSchedule(m), FixedSchedule(m), FixedSchedule(m)
    expected = run(whole, before + after)
    taken = run(first, before)
    second.load_state_dict(first.state_dict())
    assert taken + run(second, after) == expected
    assert second.state_dict() == whole.state_dict()


def test_the_dose_is_the_ratio_of_the_path_lengths() -> None:
    left, right = torch.zeros(3, 1), torch.zeros(2)
    dose = Dose(window=10**9)
    assert dose.ratio == 0.0
    for _ in range(2):
        with dose.rl([left, right]):
            left += 4.0 / math.sqrt(3)
            right += 3.0 / math.sqrt(2)
    with dose.il([right]):
        right -= 2.0 / math.sqrt(2)
    assert dose.rl_path == pytest.approx(10.0)
    assert dose.il_path == pytest.approx(2.0)
    assert dose.ratio == pytest.approx(0.2)
    copy = Dose(window=10**9)
    copy.load_state_dict(dose.state_dict())
    assert copy.ratio == dose.ratio


def test_the_dose_forgets_steps_many_windows_ago() -> None:
    parameter = torch.zeros(1)
    dose = Dose(window=10)
    for il_step in [9.0] * 100 + [1.0] * 100:
        with dose.rl([parameter]):
            parameter += 2.0
        with dose.il([parameter]):
            parameter += il_step
    assert dose.ratio == pytest.approx(0.5, rel=1e-2)
    assert dose.rl_path == pytest.approx(20.0, rel=1e-2)
