# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""When to imitate, what to imitate, and how far it moved."""
from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
import torch

from inril_ros.learning.experience import Episode
from inril_ros.learning.interleave.dose import Dose
from inril_ros.learning.interleave.schedule import FixedSchedule
from inril_ros.learning.interleave.sources import ImitationSource
from inril_ros.learning.replay import Origin, WindowReplay


def run(schedule: FixedSchedule, updates: int) -> list[int]:
    """Return after which RL updates an IL update was taken."""
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


DEMONSTRATION, SUCCESS, FAILURE = 0, 1, 2


def replay(with_success: bool = True) -> WindowReplay:
    """Return a replay in which each observation says what kind of episode it is from."""
    made = WindowReplay(1, 1, 2, 1, 0.99)
    for kind, length in ((DEMONSTRATION, 5), (SUCCESS, 50), (FAILURE, 500)):
        if kind == SUCCESS and not with_success:
            continue
        episode = Episode(np.full((length + 1, 1), kind), np.zeros((length, 1)),
                          np.zeros(length), kind != FAILURE, kind != FAILURE)
        made.add(episode, np.zeros((length + 1, 1, 2, 1), np.float32),
                 Origin.DEMONSTRATION if kind == DEMONSTRATION else Origin.ONLINE)
    return made


@pytest.mark.parametrize(('kind', 'share', 'expected'), [
    ('demonstrations', 0.5, {DEMONSTRATION: 64}),
    ('own_successes', 0.5, {SUCCESS: 64}),
    ('both', 0.5, {DEMONSTRATION: 32, SUCCESS: 32}),
    ('both', 0.25, {DEMONSTRATION: 16, SUCCESS: 48}),
    ('both', 1.0, {DEMONSTRATION: 64}),
])
def test_each_source_fills_the_same_batch_with_its_own_rows(kind: str, share: float,
                                                            expected: dict) -> None:
    full = replay()
    rows = ImitationSource(kind, share).rows(full, 64, np.random.default_rng(0))
    kinds, counts = np.unique(full.pairs(rows)[0][:, 0].astype(int), return_counts=True)
    assert dict(zip(kinds.tolist(), counts.tolist())) == expected


@pytest.mark.parametrize('kind', ['demonstrations', 'own_successes', 'both'])
def test_demonstrations_stand_in_until_there_is_an_own_success(kind: str) -> None:
    poor = replay(with_success=False)
    rows = ImitationSource(kind, 0.5).rows(poor, 64, np.random.default_rng(0))
    assert (poor.pairs(rows)[0] == DEMONSTRATION).all()
    assert len(rows) == 64


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


def test_the_dose_forgets_what_lies_many_windows_back() -> None:
    parameter = torch.zeros(1)
    dose = Dose(window=10)
    for il_step in [9.0] * 100 + [1.0] * 100:
        with dose.rl([parameter]):
            parameter += 2.0
        with dose.il([parameter]):
            parameter += il_step
    assert dose.ratio == pytest.approx(0.5, rel=1e-2)
    assert dose.rl_path == pytest.approx(20.0, rel=1e-2)
