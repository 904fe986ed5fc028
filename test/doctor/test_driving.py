# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Delays and tracking of a drive that is made up, so that the truth is known."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.cli.run.resources import find_configuration
from inril_ros.doctor.driving import (
    check_driving,
    DrivenTick,
    DrivingRecord,
    measure_driving,
)
from inril_ros.doctor.finding import worst
from inril_ros.doctor.motion_delay import delay, Signal
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.motion.reason_kinds import count_kinds, reason_kind

CONTRACT = load_contract(find_configuration('robots', 'mock_arm'))
PERIOD, PERSON, HOLD, POLICY = 0.02, 2, 0, 1


def wander(times):
    """A person's motion of two joints: smooth, never the same twice."""
    return np.stack([0.3 * np.sin(1.3 * times) + 0.1 * np.sin(3.7 * times + 1.0),
                     0.2 * np.sin(0.9 * times + 2.0) + 0.05 * np.sin(4.1 * times)], axis=1)


def signal(times, late=0.0, noise=0.0, of=wander):
    values = of(times - late)
    return Signal(times, values + noise * np.random.default_rng(0).standard_normal(values.shape))


def record(to_command=0.04, to_motion=0.08, seconds=12.0, noise=0.0, reasons=(), held=(),
           velocities=False):
    times = np.arange(0.0, seconds, PERIOD)
    of = (lambda t: np.gradient(wander(t), t, axis=0)) if velocities else wander
    sent = of(times - to_command)
    ticks = tuple(DrivenTick(
        time, HOLD if index in held else PERSON, 1.0, np.append(sent[index], 0.0),
        tuple(reasons) if index % 2 else ()) for index, time in enumerate(times))
    return DrivingRecord(
        signal(np.arange(-1.0, seconds, 0.013), of=of),
        signal(np.arange(-1.0, seconds + 1.0, 0.008), to_command + to_motion, noise), ticks,
        slice(0, 2), velocities)


def weak(made):
    """The same drive of an arm that does not reach what it is asked for."""
    return replace(made, motion=Signal(made.motion.times, 0.85 * made.motion.values))


@given(st.floats(0.0, 0.9), st.sampled_from([0.004, 0.02, 0.05]),
       st.sampled_from([0.004, 0.02, 0.05]), st.floats(0.0, 2e-4), st.floats(-2.0, 2.0))
@settings(max_examples=25, deadline=None)
def test_a_delay_is_found_whatever_the_rates_the_noise_and_the_offset(
        late, first, second, noise, offset):
    asked = signal(np.arange(0.0, 15.0, first))
    made = signal(np.arange(0.0, 15.0, second), late, noise)
    found = delay(asked, Signal(made.times, made.values + offset), [(1.0, 14.0)])
    assert found == pytest.approx(late, abs=0.006)


def test_without_motion_or_with_another_motion_there_is_no_delay():
    times = np.arange(0.0, 10.0, 0.02)
    still = Signal(times, np.zeros((len(times), 2)))
    other = Signal(times, np.random.default_rng(1).standard_normal((len(times), 2)))
    moving = signal(times)
    for first, second in ((still, moving), (moving, still), (moving, other)):
        assert delay(first, second, [(0.0, 10.0)]) is None
    assert delay(moving, moving, []) is None


@pytest.mark.parametrize('velocities', [False, True])
def test_both_delays_of_a_drive_are_told_apart(velocities):
    driving = measure_driving(record(0.06, 0.11, velocities=velocities), PERIOD)
    assert driving.to_command == pytest.approx(0.06, abs=0.01)
    assert driving.to_motion == pytest.approx(0.11, abs=0.01)
    assert driving.seconds == pytest.approx(12.0, abs=0.1)


def test_tracking_is_measured_with_and_without_the_delay():
    driving = measure_driving(record(0.04, 0.1, noise=0.002), PERIOD)
    speed = np.abs(np.gradient(wander(np.arange(0, 12, 0.01)), 0.01, axis=0)).max()
    assert 0.3 * 0.1 * speed < driving.tracking < 0.1 * speed + 0.01
    assert driving.beside < 0.008


def test_what_the_gate_changed_and_held_is_counted_by_kind_of_reason():
    driving = measure_driving(record(
        reasons=['arm smoothed', 'observation is 0.123 s old'], held=range(300, 330)), PERIOD)
    assert driving.changed == pytest.approx(0.5, abs=0.01)
    assert driving.held == pytest.approx(30 / 600, abs=0.003)
    assert driving.reasons == {'arm smoothed': 300, 'observation is # s old': 300}


@pytest.mark.parametrize(('made', 'level', 'words'), [
    (record(), 'ok', 'it can be driven smoothly'),
    (record(0.1, 0.15), 'warning', '250 ms from device to motion: 100 to the command'),
    (record(0.1, 0.4), 'error', 'it cannot be driven smoothly, so it cannot learn'),
    (record(reasons=['arm smoothed']), 'error', 'changed 50 % of what was asked for: arm smoo'),
    (record(held=range(100, 200)), 'warning', 'held: in 17 % of the ticks'),
    (weak(record()), 'warning', '7 % of the motion) once the delay'),
    (record(seconds=2.0), 'error', 'drove for 2.0 s, 3 s are needed'),
    (DrivingRecord(Signal(np.zeros(0), np.zeros((0, 2))), None, (), slice(0, 2), False), 'error',
     'drove for 0.0 s')])
def test_the_verdict_follows_from_what_was_measured(made, level, words):
    found = list(check_driving(measure_driving(made, PERIOD), CONTRACT))
    assert worst(found) == level == found[-1].level, found
    assert found[-1].what.startswith('verdict: ')
    assert any(words in finding.what for finding in found), found


def test_a_reason_with_another_number_is_the_same_kind_and_a_name_keeps_its_number():
    assert reason_kind('tick overrun: 0.5 s since the last') == 'tick overrun: # s since the last'
    assert reason_kind('wrist_2_joint smoothed at -1e-3') == 'wrist_2_joint smoothed at #'
    assert reason_kind('effort of joint2 above 4') == 'effort of joint2 above #'
    assert count_kinds([('a 1', 'a 2'), ('a 3', 'b')]) == {'a #': 2, 'b': 1}
