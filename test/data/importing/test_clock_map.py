# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The clock of stamps follows any simulation or shift, and ignores stray stamps."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.data.importing.clock_map import ClockMap, fit_clock, SAME_CLOCK

SECOND = 1_000_000_000
BEGIN = 1_700_000_000 * SECOND
rates = st.sampled_from([0.05, 0.4, 0.7, 1.0, 3.0, 20.0])
strays = st.sampled_from([0, 3 * SECOND, BEGIN, 2 * BEGIN])


@st.composite
def simulations(draw):
    """Real times [ns] and simulated times [ns] of a simulation's corners: rates and pauses."""
    real, simulated = [BEGIN], [draw(st.integers(0, 100)) * SECOND + 1]
    for rate in draw(st.lists(rates, min_size=1, max_size=4)):
        pause = draw(st.sampled_from([0, 0, 7])) * SECOND
        real += [real[-1] + pause, real[-1] + pause + round(3 * SECOND / rate)]
        simulated += [simulated[-1], simulated[-1] + 3 * SECOND]
    return np.array(real) + np.arange(len(real)), np.array(simulated)


def messages(draw, real, simulated, delay):
    """When messages with stamps each 0.02 s are received; some stamps are strays."""
    stamps = np.arange(simulated[0], simulated[-1], SECOND // 50)
    made = np.interp((stamps - stamps[0]).astype(float), (simulated - stamps[0]).astype(float),
                     (real - BEGIN).astype(float))
    received = np.maximum.accumulate(BEGIN + made.astype(np.int64) + delay(len(stamps)))
    wrong = draw(st.lists(st.tuples(st.integers(0, len(stamps) - 1), strays), max_size=8))
    recorded = stamps.copy()
    for index, stray in wrong:
        recorded[index] = stray
    return received, recorded, stamps


@settings(max_examples=60, deadline=None)
@given(simulations(), st.integers(0, 30), st.data())
def test_the_clock_of_a_simulation_is_found(simulation, longest, data):
    real, simulated = simulation
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    received, recorded, stamps = messages(
        data.draw, real, simulated, lambda n: random.integers(0, longest * 10**6 + 1, n))
    clock = fit_clock(received, recorded)
    fastest = max(1.0, float(np.max(np.diff(simulated) / np.diff(real))))
    # Two stamps around a stray, and as much as the delay is worth at this rate.
    allowed = 6 * SECOND // 50 + fastest * 2 * longest * 10**6 + 50_000_000
    found = np.array([clock(int(time)) for time in received])
    assert (abs(found - stamps) <= allowed).all()
    assert (np.diff(found) >= 0).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(-10**18, 10**17), st.integers(1, 40), st.data())
def test_clocks_that_are_apart_by_a_constant_are_shifted_by_it(offset, slowest, data):
    assume(BEGIN + offset > 0)
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    real = np.array([BEGIN, BEGIN + 6 * SECOND])
    # Now and then a message comes fast.
    received, recorded, _ = messages(
        data.draw, real, real, lambda n: random.choice([10**6, slowest * 10**6], n))
    recorded = np.where(abs(recorded - received) < SECOND, recorded + offset, recorded)
    shift = fit_clock(received, recorded).offset
    assert shift is not None
    if -SAME_CLOCK * 3 // 4 < offset < 0:
        assert shift == 0, 'messages take some time'
    elif not -SAME_CLOCK <= offset <= SAME_CLOCK:
        assert abs(shift - offset) <= slowest * 10**6


@pytest.mark.parametrize('number', [1, 2, 30])
@pytest.mark.parametrize('rate', [0.05, 0.4, 3.0])
def test_strays_shortly_before_a_simulation_are_left_out(rate, number):
    received = BEGIN + np.arange(300) * round(SECOND / 50 / rate)
    stamped = 5 * SECOND + np.arange(300) * SECOND // 50
    recorded = np.where(np.arange(300) < number, 3 * SECOND, stamped)
    clock = fit_clock(received, recorded)
    for time, stamp in zip(received.tolist(), stamped.tolist()):
        assert clock(time) == pytest.approx(stamp, abs=3 * SECOND // 50)


def test_of_two_clocks_the_one_of_more_messages_counts():
    received = BEGIN + np.arange(100) * SECOND // 10
    stamped = received - BEGIN + SECOND
    stamped[:30] += 5000 * SECOND
    assert fit_clock(received, stamped).offset == SECOND - BEGIN
    stamped[30:] = 0
    assert fit_clock(received, stamped).offset == 5001 * SECOND - BEGIN


def test_without_stamps_the_clock_is_that_of_the_bag():
    received = BEGIN + np.arange(5)
    assert fit_clock(received, np.zeros(5, np.int64)).offset == 0
    assert fit_clock(received[:0], received[:0]).offset == 0


@given(st.lists(st.tuples(st.integers(1, 10**12), st.integers(0, 10**12)), min_size=2),
       st.integers(-10**12, 10**15))
def test_a_clock_rises_and_meets_its_samples(steps, time):
    received, stamped = np.cumsum(np.array(steps, np.int64), axis=0).T
    clock = ClockMap(received, stamped)
    assert [clock(int(at)) for at in received] == stamped.tolist()
    assert clock(time) <= clock(time + 1) <= clock(time + 10**9)


def test_a_constant_clock_is_exact_at_any_time():
    clock = ClockMap.shifted(-123_456_789)
    assert clock(1_764_000_000_123_456_789) == 1_764_000_000_000_000_000
    assert clock.offset == -123_456_789
    assert ClockMap(np.array([0, 10]), np.array([0, 5])).offset is None


@pytest.mark.parametrize('rate', [0.4, 3.0])
def test_a_simulation_goes_on_at_its_rate_beyond_its_samples(rate):
    received = BEGIN + np.arange(100) * SECOND // 50
    stamped = ((received - BEGIN) * rate).astype(np.int64) + SECOND
    clock = fit_clock(received, stamped)
    for seconds in (-1, 5):
        expected = SECOND + seconds * rate * SECOND
        assert clock(BEGIN + seconds * SECOND) == pytest.approx(expected, abs=10**7)
