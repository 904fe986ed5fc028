# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Keys drive only while they repeat; episode keys give their commands."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.robot.teleop.keys import keys_of, PressedKeys
from inril_ros.robot.teleop.person_keys import BY_MEANING, PERSON_KEYS
from inril_ros.robot.teleop.settings import Keyboard

JOINTS = ('shoulder', 'elbow')
SETTINGS = Keyboard(linear_speed=0.1, angular_speed=0.4, joint_speed=0.2, hold=0.3)


def twisting():
    return PressedKeys(SETTINGS, (), twist=True)


def jogging():
    return PressedKeys(SETTINGS, JOINTS, twist=False)


@pytest.mark.parametrize(('text', 'keys'), [
    (b'w', ['w']), (b'ww', ['w', 'w']), (b'\x1b[A\x1b[D', ['up', 'left']), (b'\x1bOB', ['down']),
    (b'\x1b', ['escape']), (b'\x1b[Aw\x1b', ['up', 'w', 'escape']), (b'\r\n', ['enter', 'enter']),
    (b'\x1b[5~', ['other']), (b'\x1b[1;2Ay', ['other', 'y']), (b'\x1bOP', ['other']),
    (b'\x1b[w', ['escape', '[', 'w']), (b'\x1bU', ['escape', 'U']),
    (b'\x7f \x08', ['backspace', 'space', 'backspace']), (b'\x00\xff', []), (b'', [])])
def test_terminal_input_is_split_into_keys(text, keys):
    assert list(keys_of(text)) == keys


@given(st.binary(max_size=40))
def test_any_input_is_accepted_and_driving_stays_bounded(text):
    for keys in (twisting(), jogging()):
        for key in keys_of(text):
            keys.press(key, 0.0)
        command = keys.command(0.1)
        assert np.all(np.abs(command.twist) <= 16.0)
        assert keys.command(0.31).held is False


@pytest.mark.parametrize(('key', 'index', 'speed'), [
    ('w', 0, 0.1), ('s', 0, -0.1), ('a', 1, 0.1), ('f', 2, -0.1), ('up', 0, 0.1),
    ('u', 3, 0.4), ('l', 5, -0.4)])
def test_a_key_moves_along_or_about_an_axis(key, index, speed):
    keys = twisting()
    keys.press(key, 1.0)
    command = keys.command(1.1)
    assert command.held
    assert command.twist[index] == pytest.approx(speed)
    assert np.count_nonzero(command.twist) == 1


def test_a_key_counts_for_a_time_after_each_repetition():
    keys = twisting()
    keys.press('w', 0.0)
    assert keys.command(0.29).held and not keys.command(0.3).held
    for repetition in range(10):
        keys.press('w', 1.0 + 0.05 * repetition)
        assert keys.command(1.04 + 0.05 * repetition).held
    assert not keys.command(1.76).held
    assert not keys.command(1.76).twist.any()


@pytest.mark.parametrize('key', ['space', 'y', 'n', 'backspace', 'escape', 'enter', 'b'])
def test_some_keys_stop_at_once(key):
    keys = twisting()
    keys.press('w', 0.0)
    keys.press(key, 0.01)
    assert not keys.command(0.02).held


def test_opposite_keys_cancel_and_two_directions_add():
    keys = twisting()
    for key in 'wsr':
        keys.press(key, 0.0)
    assert keys.command(0.1).twist == pytest.approx([0.0, 0.0, 0.1, 0.0, 0.0, 0.0])


def test_a_digit_chooses_a_joint_and_the_key_before_does_not_move_it():
    keys = jogging()
    keys.press('+', 0.0)
    assert keys.command(0.1).joint_velocity == pytest.approx([0.2, 0.0])
    keys.press('2', 0.1)
    assert not keys.command(0.1).held
    keys.press('-', 0.2)
    assert keys.command(0.2).joint_velocity == pytest.approx([0.0, -0.2])
    keys.press('9', 0.2)  # there is no joint 9
    assert keys.chosen == 1


@given(st.lists(st.sampled_from('.,'), max_size=60))
def test_speeds_can_be_changed_within_bounds(presses):
    keys = jogging()
    for key in [*presses, '+']:
        keys.press(key, 0.0)
    assert 0.2 * 0.2 <= keys.command(0.1).joint_velocity[0] <= 0.2 * 4.0


def test_gripper_keys_drive_and_later_leave_the_gripper():
    keys = jogging()
    keys.press(']', 0.0)
    assert (keys.command(0.1).gripper, keys.command(0.1).held) == (1.0, True)
    assert keys.command(0.5).gripper is None


@pytest.mark.parametrize(('key', 'meaning'), [
    ('b', 'start'), ('enter', 'ready'), ('y', 'success'), ('n', 'failure'),
    ('backspace', 'discard'), ('escape', 'stop'), ('U', 'release'), ('E', 'enable'),
    ('R', 'resume'), ('?', 'help'), ('w', None), ('space', None), ('u', None), ('e', None)])
def test_a_person_s_keys_give_their_commands(key, meaning):
    for keys in (twisting(), jogging()):
        pressed = keys.press(key, 0.0)
        assert (pressed.meaning if pressed else None) == meaning


@pytest.mark.parametrize('keys', [twisting(), jogging()])
def test_no_key_of_a_person_drives_too_and_each_is_in_the_help(keys):
    for each in PERSON_KEYS:
        assert keys.press(each.key, 0.0) is each
        assert not keys.command(0.0).held
        assert f'{each.key}: ' in keys.help


def test_what_lets_the_arm_move_again_needs_the_shift_key():
    for meaning in ('enable', 'resume', 'release'):
        assert BY_MEANING[meaning].key.isupper()
    assert BY_MEANING['stop'].key == 'escape'
