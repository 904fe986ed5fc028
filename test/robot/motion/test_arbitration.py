# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A person takes over and hands back without a jump, and every step names its source."""

from hypothesis import given
from hypothesis import strategies as st
from joint_arm import ARM, CONTRACT, contract, differences, HAND, PERIOD, SIZE
import numpy as np
import pytest

from inril_ros.robot.contract.contract import ContractError
from inril_ros.robot.contract.rules import Teleoperation
from inril_ros.robot.motion.arbitration import Arbiter, ramp, Source, TakeoverSwitch
from inril_ros.robot.teleop.episode_buttons import EpisodeButtons

TICKS = round(CONTRACT.teleoperation.ramp / PERIOD)


def action(arm=(0.0, 0.0), hand=0.0, gripper=0.0):
    return np.array([*arm, hand, 0.0, 0.0, gripper], np.float32)


def play(arbiter, requests):
    """Return executed actions, sources and shares for (person, policy) requests."""
    actions, sources, shares = [], [], []
    for person, policy in requests:
        choice = arbiter.choose(person, policy)
        sent = arbiter._last if choice.requested is None else choice.requested
        arbiter.executed(np.array(sent))
        actions.append(np.array(sent, np.float64))
        sources.append(choice.source)
        shares.append(choice.person_share)
    return np.array(actions), sources, shares


def moving(speed, count, start=0.0):
    return [action((start + speed * PERIOD * k, 0.0), hand=0.2) for k in range(count)]


def test_without_a_person_the_policy_s_actions_are_unchanged():
    arbiter = Arbiter(CONTRACT)
    for request in moving(0.5, 20):
        choice = arbiter.choose(None, request)
        assert choice.requested is request
        assert (choice.source, choice.person_share) == (Source.POLICY, 0.0)
    assert arbiter.intervention_rate == 0.0


@pytest.mark.parametrize('leader', ['relative', 'absolute'])
def test_takeover_and_hand_back_continue_from_the_arm_s_pose(leader):
    """Position and velocity are continuous at both; the leader is half a radian away."""
    arbiter = Arbiter(contract(teleoperation__leader=leader))
    policy = moving(0.5, 200)
    person = [action((1.0 - 0.3 * PERIOD * k, 0.4), hand=-0.2) for k in range(200)]
    arbiter.begin(policy[0])
    requests = [(None, policy[k]) for k in range(50)] \
        + [(person[k], policy[k]) for k in range(50, 120)] \
        + [(None, policy[k]) for k in range(120, 200)]
    actions, sources, shares = play(arbiter, requests)
    assert sources == [Source.POLICY] * 50 + [Source.TELEOP] * 70 + [Source.POLICY] * 80
    assert [share > 0 for share in shares[:50]] == [False] * 50
    assert shares[50 + TICKS:120] == [1.0] * (70 - TICKS)
    assert shares[120 + TICKS:] == [0.0] * (80 - TICKS)
    assert (np.diff(shares[49:51 + TICKS]) >= 0).all()
    assert (np.diff(shares[119:121 + TICKS]) <= 0).all()
    # A quintic over the gap between two motions; 1 rad within one tick would be 50 rad/s.
    gap = max(np.abs(actions[change + TICKS] - actions[change - 1]).max() for change in (50, 120))
    assert (differences(actions[:, ARM], 1) < 2.0 * gap / CONTRACT.teleoperation.ramp + 1).all()
    step = np.abs(np.diff(actions[:, ARM], axis=0))
    for change in (50, 120):
        before = step[change - 2]
        assert (np.abs(step[change - 1] - before) < 0.1 * gap / TICKS + 1e-4).all()
    assert np.abs(np.diff(actions[:, HAND], axis=0)).max() < 1.875 * 0.4 / TICKS + 1e-6
    np.testing.assert_array_equal(actions[-1], policy[-1])


def test_a_relative_leader_s_motion_is_copied_by_the_follower():
    arbiter = Arbiter(CONTRACT)
    arbiter.begin(action((0.2, -0.1)))
    leader = [action((2.0 + 0.01 * k, 1.0)) for k in range(30)]
    actions, _, _ = play(arbiter, [(request, None) for request in leader])
    np.testing.assert_allclose(
        actions[:, ARM], [[0.2 + 0.01 * k, -0.1] for k in range(30)], atol=1e-6)


def test_the_intervention_rate_counts_the_persons_ticks():
    arbiter = Arbiter(CONTRACT)
    arbiter.begin(action())
    play(arbiter, [(None, action())] * 30 + [(action(), None)] * 10)
    assert arbiter.intervention_rate == 0.25
    assert arbiter.interventions == 1
    arbiter.begin(action())
    assert (arbiter.intervention_rate, arbiter.interventions) == (0.0, 0)


def test_requests_not_finite_or_of_the_wrong_size_never_enter_the_ramp():
    arbiter = Arbiter(CONTRACT)
    arbiter.begin(action())
    play(arbiter, [(None, action())] * 3)
    for strange in (np.full(SIZE, np.nan, np.float32), np.zeros(3, np.float32)):
        assert arbiter.choose(strange, None).requested is strange
    choice = arbiter.choose(action((1.0, 1.0)), None)
    assert np.isfinite(choice.requested).all()


@given(st.lists(st.tuples(st.booleans(), st.floats(-1, 1), st.floats(-1, 1)), max_size=60))
def test_a_takeover_in_any_tick_changes_the_command_little(events):
    """Between slow sources that are far apart no command moves faster than the ramp."""
    arbiter = Arbiter(contract(teleoperation__leader='absolute'))
    arbiter.begin(action((1.0, 0.0)))
    last = 1.0
    for drives, _, _ in events:
        person = action((-1.0, 0.0)) if drives else None
        choice = arbiter.choose(person, action((1.0, 0.0)))
        assert choice.source is (Source.TELEOP if drives else Source.POLICY)
        position = float(choice.requested[0])
        if arbiter.ticks > 1:
            assert abs(position - last) < 1.875 * 2.0 / TICKS + 1.0 * PERIOD
        arbiter.executed(choice.requested)
        last = position


def test_the_ramp_is_flat_at_both_ends():
    assert (ramp(-1.0), ramp(0.0), ramp(0.5), ramp(1.0), ramp(2.0)) == (0.0, 0.0, 0.5, 1.0, 1.0)
    assert ramp(1e-3) < 1e-8 and 1 - ramp(1 - 1e-3) < 1e-8


@pytest.mark.parametrize(('takeover', 'button', 'speed', 'drives'), [
    ('deadman', True, 0.0, True), ('deadman', False, 1.0, False),
    ('motion', True, 0.0, False), ('motion', False, 1.0, True),
    ('either', True, 0.0, True), ('either', False, 1.0, True), ('either', False, 0.0, False)])
def test_the_contract_decides_how_a_person_takes_over(takeover, button, speed, drives):
    switch = TakeoverSwitch(Teleoperation(takeover=takeover))
    assert switch.update(5.0, 0.01, button, speed) is drives


def test_a_device_that_took_over_by_moving_is_released_after_a_rest():
    switch = TakeoverSwitch(Teleoperation(takeover='motion', release_after=0.5))
    assert switch.update(1.0, 0.0, False, 0.1)
    assert switch.update(1.5, 0.0, False, 0.0)
    assert not switch.update(1.51, 0.0, False, 0.0)


@pytest.mark.parametrize('age', [0.101, float('inf'), float('nan')])
def test_an_old_command_counts_as_a_released_switch_even_in_motion(age):
    switch = TakeoverSwitch(Teleoperation(takeover='either'))
    assert switch.update(1.0, 0.1, True, 1.0)
    assert not switch.update(1.02, age, True, 1.0)
    assert not switch.update(1.04, 0.0, False, 0.0)


def test_a_button_counts_once_and_not_if_it_was_already_held():
    buttons = EpisodeButtons(Teleoperation(success_button=1, failure_button=2, discard_button=3))
    assert buttons.pressed([0, 1, 0, 0]) == []
    assert buttons.pressed([0, 0, 0, 0]) == []
    assert buttons.pressed([0, 1, 0, 0]) == ['success']
    assert buttons.pressed([0, 1, 0, 1]) == ['discard']
    assert buttons.pressed([0]) == []
    buttons.begin()
    assert buttons.pressed([0, 0, 1, 0]) == []


def test_a_button_with_two_meanings_is_refused():
    with pytest.raises(ContractError, match='same index'):
        contract(teleoperation={'success_button': 0})
