# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The rules for gaps, jumps, weights that must not act, and broken promises."""

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.cli.run.resources import find_configuration
from inril_ros.faults.measurement import (
    ENDED,
    episodes,
    longest_gap,
    POLICY,
    Span,
    STARTED,
    unsafe_motion,
    unsafe_weights,
)
from inril_ros.faults.row import broken_promises, Row
from inril_ros.nodes.clients.fault_witness import Command, Sent, Tick
from inril_ros.robot.contract.contract import load_contract

CONTRACT = load_contract(find_configuration('robots', 'mock_arm'))
ARM = 'arm_position'
PLACE = CONTRACT.action_slice(ARM)
MIDDLE = (CONTRACT.action_minimum[PLACE] + CONTRACT.action_maximum[PLACE]) / 2
MILLISECOND = 1_000_000


@dataclass
class Event:
    event: int


def event(milliseconds, event):
    return Sent(milliseconds * MILLISECOND, Event(event))


def commands(*milliseconds, action=ARM):
    return [Command(at * MILLISECOND, action, MIDDLE) for at in milliseconds]


def gap(sent, events, begin, end):
    window = Span(begin * MILLISECOND, end * MILLISECOND)
    return longest_gap(sent, episodes(events, window.end), window)


def test_the_longest_gap_is_that_between_two_commands_of_an_episode():
    sent = commands(0, 20, 40, 95, 115, 900)
    assert gap(sent, [event(0, STARTED), event(120, ENDED)], 0, 1000) == pytest.approx(0.055)


def test_after_the_end_of_an_episode_silence_is_no_gap():
    events = [event(0, STARTED), event(50, ENDED), event(500, STARTED), event(550, ENDED)]
    sent = commands(0, 20, 40, 505, 525, 545)
    assert gap(sent, events, 0, 1000) == pytest.approx(0.02)


def test_an_episode_whose_actuation_node_died_lasts_until_the_next_begins():
    events = [event(0, STARTED), event(500, STARTED), event(540, ENDED)]
    assert gap(commands(0, 20, 500, 520), events, 0, 1000) == pytest.approx(0.48)


def test_silence_up_to_the_end_of_the_window_is_a_gap():
    assert gap(commands(0, 20), [event(0, STARTED)], 10, 400) == pytest.approx(0.38)


def test_the_worst_of_all_actions_counts():
    sent = commands(0, 20, 40) + commands(0, 40, action='gripper_position')
    assert gap(sent, [event(0, STARTED), event(45, ENDED)], 0, 100) == pytest.approx(0.04)


@given(st.lists(st.integers(0, 1000), min_size=2, unique=True), st.integers(0, 1000))
def test_another_command_never_makes_the_gap_longer(milliseconds, more):
    events = [event(0, STARTED), event(1000, ENDED)]
    assert gap(commands(*milliseconds, more), events, 0, 1000) <= max(
        gap(commands(*milliseconds), events, 0, 1000),
        (min(milliseconds) - more) / 1000 if more < min(milliseconds) else 0.0) + 1e-9


def motion(*steps, measured=()):
    """Return the violations of commands that move the first joint by steps, 20 ms apart."""
    sent, values = [], MIDDLE.copy()
    for index, step in enumerate((0.0, *steps)):
        values = values + np.eye(len(values))[0] * step
        sent.append(Command(index * 20 * MILLISECOND, ARM, values))
    poses = [Command(at * MILLISECOND, ARM, MIDDLE + np.eye(len(values))[0] * offset)
             for at, offset in measured]
    return unsafe_motion(sent, poses, CONTRACT, Span(0, 10 ** 12))


def test_motion_within_the_velocity_is_safe():
    assert motion(0.02, 0.02, -0.02) == []


def test_a_jump_is_unsafe_unless_it_starts_at_the_measured_position():
    assert len(motion(0.02, 0.3)) == 1
    assert motion(0.02, 0.3, measured=[(35, 0.31)]) == []
    assert len(motion(0.02, 0.3, measured=[(35, 0.1)])) == 1
    assert len(motion(0.02, 0.3, measured=[(60, 0.32)])) == 1  # measured too late


def test_a_command_beyond_the_limits_or_not_finite_is_unsafe():
    beyond = CONTRACT.action_maximum[PLACE] + 0.01
    window = Span(0, 10)
    assert unsafe_motion([Command(1, ARM, beyond)], [], CONTRACT, window)
    assert unsafe_motion([Command(1, ARM, np.full(6, np.nan))], [], CONTRACT, window)
    assert not unsafe_motion([Command(11, ARM, beyond)], [], CONTRACT, window)


def test_only_completely_sent_weights_may_act():
    def tick(version, source=POLICY):
        return Tick(5, 'episode', 1, source, version)
    window = Span(0, 10)
    assert unsafe_weights([tick(0), tick(3)], {3}, window) == []
    assert len(unsafe_weights([tick(4)], {3}, window)) == 1
    assert unsafe_weights([tick(4, source=0)], {3}, window) == []


GOOD = Row('fault', 'node', 21.0, 0, 0, 0, 1.0, False, 20.5, 20.0)


@pytest.mark.parametrize(('changes', 'word'), [
    ({'unsafe_commands': 1}, 'unsafe'), ({'transitions_lost': 2}, 'lost'),
    ({'transitions_duplicated': 1}, 'twice'), ({'recovery_s': None}, 'recover'),
    ({'needs_human': True}, 'person'), ({'longest_command_gap_ms': 41.0}, 'gap')])
def test_each_promise_can_be_broken(changes, word):
    assert broken_promises(GOOD, True, False) == []
    broken = broken_promises(replace(GOOD, **changes), True, False)
    assert len(broken) == 1 and word in broken[0]


def test_safety_holds_and_delays_of_the_machine_break_no_promise():
    assert broken_promises(replace(GOOD, needs_human=True), True, True) == []
    assert broken_promises(replace(GOOD, longest_command_gap_ms=3000.0), False, False) == []
    late = replace(GOOD, longest_command_gap_ms=60.0, baseline_gap_ms=70.0)
    assert broken_promises(late, True, False) == []
    assert broken_promises(Row('fault', 'node', note='skipped'), True, False) == []
