# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recorded trajectories are followed in their time, as a controller would follow them."""

from command_recordings import at, FIRST, goal, imported, states, stream
from foreign_bags import ARM, BEGIN, SECOND
import numpy as np
import pytest
from scipy.interpolate import BPoly

from inril_ros.robot.contract.contract import parse_contract


def follow(points, seconds, derivatives=0):
    """The reference: piecewise polynomials through the points' values and derivatives."""
    return BPoly.from_derivatives(
        [time for time, _ in points], [values[:derivatives + 1] for _, values in points])(seconds)


@pytest.mark.parametrize('derivatives', [0, 1, 2])
def test_a_trajectory_is_followed_in_its_time(tmp_path, derivatives):
    points = [(0.0, [0.0, 0.0, 0.0]), (0.5, [1.0, 1.5, 0.5]), (1.2, [2.0, 0.0, 0.0])]
    fields = {name: [[values[index + 1], 2 * values[index + 1]] for _, values in points]
              for index, name in enumerate(('velocities', 'accelerations')[:derivatives])}
    message = goal(['b', 'a'], *((time, [2 * values[0], values[0]]) for time, values in points),
                   stamp=BEGIN, **{name: [row[::-1] for row in rows]
                                   for name, rows in fields.items()})
    [report], [episode] = imported(tmp_path, [*states(), at(0.001, message)])
    next_tick = np.arange(1, report.ticks + 1) / 10 + FIRST
    one = follow(points, np.minimum(next_tick, 1.2), derivatives)
    assert episode.actions == pytest.approx(np.stack([one, 2 * one], 1), abs=1e-6)
    assert not report.notes


def test_until_its_first_point_a_trajectory_comes_from_where_the_arm_was(tmp_path):
    """And one goal of one point with a long time is a trajectory, too."""
    rows = [*states(still=True), at(0.1, goal(['a', 'b'], (1.0, [1.0, 0.5])))]
    [report], [episode] = imported(tmp_path, rows)
    share = np.clip(np.arange(1, report.ticks + 1) / 10 + FIRST - 0.1, 0.0, 1.0)
    assert episode.actions == pytest.approx(np.outer(share, [1.0, 0.5]), abs=1e-6)
    assert report.notes == ('arm: goals of one point on command are followed for up to 1 s, '
                            'until they are to be reached',)


def test_a_newer_trajectory_replaces_the_rest_of_the_older_one_from_its_own_start(tmp_path):
    rows = [*states(still=True),
            at(0.05, goal(['a', 'b'], (0.0, [0, 0]), (2.0, [2, 2]))),
            at(0.35, goal(['a', 'b'], (0.0, [5, 5]), (0.5, [6, 6]), stamp=BEGIN + SECOND)),
            at(0.45, goal(['a', 'b'], (0.0, [3, 3]), (0.5, [4, 4]),
                          stamp=BEGIN + 4 * SECOND // 5))]
    [report], [episode] = imported(tmp_path, rows)
    time = np.arange(1, report.ticks + 1) / 10 + FIRST
    expected = np.where(time < 0.8, time - 0.05, np.clip(3 + 2 * (time - 0.8), 3, 4))
    assert episode.actions[:, 1] == pytest.approx(expected, abs=1e-6)


def test_a_trajectory_of_a_simulation_is_not_followed_in_the_time_of_the_bag(tmp_path):
    """The simulation runs at a quarter of real time, and the contract times by arrival."""
    contract = parse_contract({**ARM, 'observations': {
        name: {**entry, 'clock': 'receive'} for name, entry in ARM['observations'].items()}})
    rows = [(topic, BEGIN + 4 * (time - BEGIN), message) for topic, time, message in states()]
    rows.append(at(0.05, goal(['a', 'b'], (0.0, [0, 0]), (2.0, [2, 4]))))
    [report], episodes = imported(tmp_path, rows, contract)
    assert not episodes
    assert 'its stamps run at 0.25 of real time, so time was simulated' in report.reason
    assert 'Set clock: header' in report.reason


def test_goals_with_a_stamp_a_little_ahead_begin_there_from_what_is_commanded_then(tmp_path):
    """A new goal before the old one is reached, as a controller with a receding horizon sends."""
    knots, reached = [0.0], [0.0]
    rows = states(still=True)
    for index in range(9):
        sent = 0.05 + 0.2 * index
        rows.append(at(sent, goal(['a', 'b'], (2.0, [1.0, 0.0]),
                                  stamp=BEGIN + round((sent + 0.05) * SECOND))))
        knots.append(sent + 0.05)
        reached.append(reached[-1] + (1.0 - reached[-1]) * 0.1 if index else 0.0)
    [report], [episode] = imported(tmp_path, rows)
    time = FIRST + np.arange(20 - report.ticks, 20) / 10
    kept = time < knots[-1]
    assert kept.sum() > 14
    assert episode.actions[kept, 0] == pytest.approx(
        np.interp(time, knots, reached)[kept], abs=1e-6)


def test_a_set_point_whose_stamp_is_a_little_old_counts_when_it_comes(tmp_path):
    rows = states() + stream(lambda t: goal(
        ['a', 'b'], (0.0, [t, 2 * t]), stamp=BEGIN + round((t + 0.03) * SECOND) - 64_000))
    [report], [episode] = imported(tmp_path, rows)
    assert report.kept and not report.notes
    assert episode.actions[:, 0] == pytest.approx(np.arange(report.ticks) / 10)


def test_an_empty_trajectory_stops_the_arm_where_it_is_commanded_to_be(tmp_path):
    rows = [*states(still=True), at(0.01, goal([])),
            at(0.05, goal(['a', 'b'], (0.0, [0, 0]), (2.0, [0.2, 0.2]))), at(1.05, goal([]))]
    [report], [episode] = imported(tmp_path, rows)
    time = np.arange(1, report.ticks + 1) / 10 + FIRST
    assert episode.actions[:, 0] == pytest.approx(np.minimum(time - 0.05, 1.0) / 10, abs=1e-6)
    assert 'arm: 2 trajectories without a point on command count as stops' in report.notes
