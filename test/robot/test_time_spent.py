# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Minutes of robot and person follow from counts, the control rate and the time per reset."""

import pytest

from inril_ros.robot.time_spent import in_words, TimeSpent


def test_minutes_are_steps_and_resets_of_the_robot_and_what_a_person_does():
    spent = TimeSpent(rate=10.0, reset_seconds=15.0, steps=6000, resets=40, person_steps=300,
                      demonstrations=8, demonstrated_steps=900)
    assert spent.robot_minutes == pytest.approx(10 + 10)  # 600 s of steps, 40 resets of 15 s
    assert spent.person_minutes == pytest.approx((48 * 15 + 30 + 90) / 60)
    assert in_words(spent.to_json()) == (
        '20 min 00 s of the robot and 14 min 00 s of a person, at 10 steps per second and 15 s '
        'per reset')


def test_nothing_counted_is_no_time():
    assert TimeSpent(20.0, 10.0).minutes == {'robot_minutes': 0.0, 'person_minutes': 0.0}
