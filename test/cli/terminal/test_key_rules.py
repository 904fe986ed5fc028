# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The e-stop always counts, and first; what moves the arm counts when it is waited for."""

from hypothesis import given
from hypothesis import strategies as st
from inril_ros.msg import ActuationStatus
from made_statuses import arm, arms
import pytest

from inril_ros.cli.terminal.screen import Screen
from inril_ros.cli.terminal.typed_keys import keys_in
from inril_ros.nodes.clients.person_wait import obstacle
from inril_ros.nodes.person_view.key_rules import refusal
from inril_ros.robot.motion.modes import Mode, ModeMachine
from inril_ros.robot.teleop.person_keys import BY_MEANING, PERSON_KEYS

STOPPED = ActuationStatus.ESTOP


class Person:
    """A screen with keys: what it tells, what it calls, and its clock."""

    def __init__(self, status=None):
        self.told, self.called, self.now = [], [], 0.0
        self.screen = Screen('', 10.0, lambda text, style: self.told.append(text),
                             self.called.append, clock=lambda: self.now)
        if status is not None:
            self.screen.robot.listen(status)

    def press(self, text):
        self.now += 1.0
        self.screen.press(text)
        return [key.meaning for key in self.called]


@given(st.none() | arms, st.floats(0.0, 1e9), st.binary(max_size=20), st.binary(max_size=20))
def test_the_e_stop_is_called_in_any_state_and_first_whatever_else_is_pressed(
        status, silent, before, after):
    assert refusal('stop', status, silent) == ''
    person = Person(status)
    person.now = silent
    if b'\x1b' not in before and after[:1] not in (b'[', b'O'):
        assert person.press(before + b'\x1b' + after) == ['stop']


@given(arms)
def test_a_key_that_lets_the_arm_move_is_accepted_exactly_when_it_is_waited_for(status):
    wait = obstacle(status)
    accepted = [meaning for meaning in ('release', 'enable', 'resume')
                if not refusal(meaning, status, 0.0)]
    assert accepted == ([wait.action] if wait and wait.action else [])


@given(st.lists(st.sampled_from(['press', 'release', 'enable', 'resume', 'latch', 'run']),
                max_size=12))
def test_what_is_accepted_is_what_the_actuation_node_would_do(steps):
    modes = ModeMachine()
    for step in steps:
        if step == 'enable':
            modes.enable(True)
        elif step == 'run':
            if modes.mode is Mode.IDLE:
                modes.change(Mode.HOLD, 'an episode')
        else:
            getattr(modes, step)(*(['why'] if step in ('press', 'latch') else []))
    status = arm(mode=modes.mode.value, enabled=modes.enabled, estop=modes.pressed,
                 latched=modes.latched, reason=modes.reason)
    assert bool(refusal('enable', status, 0.0)) == (modes.enabled or modes.pressed)
    assert bool(refusal('release', status, 0.0)) == (not modes.pressed)
    assert bool(refusal('resume', status, 0.0)) == bool(modes.resume())


@pytest.mark.parametrize(('status', 'key', 'why'), [
    (None, b'E', 'has not reported its state'), (arm(), b'E', 'enabled already'),
    (arm(enabled=False, estop=True, mode=STOPPED), b'E', 'release it first (U)'),
    (arm(), b'U', 'not pressed'), (arm(), b'R', 'nothing to resume from'),
    (arm(enabled=False, latched='a fault'), b'R', 'enable it first (E)')])
def test_a_refusal_says_why_and_calls_nothing(status, key, why):
    person = Person(status)
    assert person.press(key) == []
    assert why in person.told[0] and 'not done' in person.told[0]


def test_each_key_calls_its_service_and_its_answer_is_told():
    person = Person(arm(enabled=False))
    assert person.press(b'E') == ['enable']
    person.screen.answered(BY_MEANING['enable'], True, 'motion is enabled')
    assert person.told == ['E (enable motion): motion is enabled']
    assert person.press(b'b')[-1] == 'start'
    assert person.press(b'\r')[-1] == 'ready'
    assert person.press(b'y')[-1] == 'success'
    assert person.press(b'n')[-1] == 'failure'
    assert person.press(b'\x7f')[-1] == 'discard'


@given(st.binary(max_size=30))
def test_no_key_is_ignored_silently(text):
    person = Person(arm())
    person.press(text)
    keys, left_out = keys_in(text)
    assert len(person.told) + len(person.called) >= len(set(keys)) + bool(left_out)


def test_the_help_and_other_keys_are_answered():
    person = Person(arm())
    person.press(b'?')
    assert len(person.told) == len(PERSON_KEYS)
    person.press(b'q')
    person.press(b'\x1b[5~')
    assert person.told[-2:] == [f'{key}: not a key of this terminal; ? shows the keys'
                                for key in ('q', 'other')]
    assert not person.called


def test_a_held_key_is_one_press_and_a_pasted_text_is_none():
    person = Person(arm())
    person.press(b'y')
    for _ in range(20):
        person.now += 0.03
        person.screen.press(b'yy')
    assert len(person.called) == 1
    person.screen.press(b'ny')
    person.screen.press(b'n')
    assert len(person.called) == 4, 'other keys came between'
    person.press(b'bash script\n')
    assert len(person.called) == 4
    assert 'pasted' in person.told[0]
