# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The mode table holds all allowed changes, and there is only one way out of the e-stop."""

from hypothesis import given
from hypothesis import strategies as st
import pytest

from inril_ros.robot.motion.modes import IllegalMode, LEGAL, Mode, ModeMachine, MOVING

modes = st.sampled_from(list(Mode))


def machine_in(mode):
    machine = ModeMachine(enabled=True)
    machine.mode = mode
    return machine


@pytest.mark.parametrize('mode', list(Mode))
@pytest.mark.parametrize('after', list(Mode))
def test_mode_changes_follow_the_table(mode, after):
    machine = machine_in(mode)
    if mode is after:
        assert machine.change(after, 'why') is False
    elif after in LEGAL[mode] and mode is not Mode.ESTOP:
        assert machine.change(after, 'why') is True
        assert (machine.mode, machine.reason) == (after, 'why')
    else:
        with pytest.raises(IllegalMode):
            machine.change(after, 'why')
        assert machine.mode is mode


def test_all_motion_starts_from_the_hold():
    """A person and the policy take over a held arm, so an episode begins from a known pose."""
    assert not LEGAL[Mode.IDLE] & {Mode.POLICY, Mode.TELEOP}
    assert all(Mode.ESTOP in LEGAL[mode] for mode in Mode if mode is not Mode.ESTOP)


def test_the_estop_needs_release_consent_and_resume_in_this_order():
    machine = machine_in(Mode.POLICY)
    machine.press('red button')
    assert machine.obstacle() == 'e-stop: red button'
    assert machine.resume() == 'the e-stop is still pressed'
    assert machine.enable(True).startswith('the e-stop is still pressed')
    assert machine.resume() == 'the e-stop is still pressed'
    machine.release()
    assert machine.resume() == 'motion is not enabled'  # consent while pressed was none
    assert machine.mode is Mode.ESTOP
    assert machine.enable(True) == ''
    assert machine.resume() == ''
    assert machine.mode is Mode.IDLE


def test_pressing_the_estop_withdraws_consent():
    machine = machine_in(Mode.POLICY)
    machine.press('')
    machine.release()
    assert machine.resume() == 'motion is not enabled'
    assert machine.reason == 'pressed'


def test_only_resume_ends_a_latched_hold():
    machine = machine_in(Mode.POLICY)
    machine.latch('camera is silent')
    assert machine.mode is Mode.HOLD
    for mode in (Mode.POLICY, Mode.TELEOP, Mode.RESET):
        with pytest.raises(IllegalMode, match='camera is silent'):
            machine.change(mode, 'go on')
    assert machine.resume() == ''
    assert machine.change(Mode.POLICY, 'go on')
    assert machine.resume() == 'nothing to resume from'


@pytest.mark.parametrize('mode', sorted(MOVING, key=lambda mode: mode.value))
def test_without_consent_nothing_moves(mode):
    machine = machine_in(Mode.HOLD)
    machine.enable(False)
    with pytest.raises(IllegalMode, match='not enabled'):
        machine.change(mode, 'go')


def test_a_mode_without_a_reason_is_refused():
    with pytest.raises(ValueError, match='reason'):
        ModeMachine().change(Mode.HOLD, '')


calls = st.one_of(
    st.tuples(st.just('change'), modes), st.tuples(st.just('press'), st.just('why')),
    st.tuples(st.just('release'), st.none()), st.tuples(st.just('enable'), st.booleans()),
    st.tuples(st.just('latch'), st.just('fault')), st.tuples(st.just('resume'), st.none()))


@given(st.lists(calls, max_size=60))
def test_no_order_of_calls_moves_the_arm_past_an_obstacle(sequence):
    machine = ModeMachine()
    for name, argument in sequence:
        before, obstacle = machine.mode, machine.obstacle()
        try:
            if name == 'change':
                machine.change(argument, 'why')
            elif argument is None:
                getattr(machine, name)()
            else:
                getattr(machine, name)(argument)
        except IllegalMode:
            assert machine.mode is before
        assert machine.reason
        assert machine.mode is before or machine.mode in LEGAL[before] \
            or machine.mode is Mode.ESTOP
        if machine.mode in MOVING and machine.mode is not before:
            assert not obstacle
        if before is Mode.ESTOP and name != 'resume':
            assert machine.mode is Mode.ESTOP
