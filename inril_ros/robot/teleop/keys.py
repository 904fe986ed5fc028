# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a terminal as a teleop device: what each one does, and for how long.

A terminal reports a key when it is pressed and when it repeats, but not its release. Therefore a
key counts for a short time after each character. That is the dead man's switch: after a release,
or without the terminal, no key counts.
"""

from collections.abc import Iterator
import re

import numpy as np

from inril_ros.robot.teleop.mapping import DeviceCommand, RELEASED
from inril_ros.robot.teleop.person_keys import BY_KEY, PersonKey
from inril_ros.robot.teleop.settings import DIRECTIONS, Keyboard

_TWIST_KEYS = {'w': ('x', 1), 's': ('x', -1), 'a': ('y', 1), 'd': ('y', -1), 'r': ('z', 1),
               'f': ('z', -1), 'up': ('x', 1), 'down': ('x', -1), 'left': ('y', 1),
               'right': ('y', -1), 'u': ('roll', 1), 'o': ('roll', -1), 'i': ('pitch', 1),
               'k': ('pitch', -1), 'j': ('yaw', 1), 'l': ('yaw', -1)}
_JOINT_KEYS = {'+': 1, '=': 1, '-': -1, 'up': 1, 'down': -1}
_GRIPPER_KEYS = {'[': -1.0, ']': 1.0}
_FASTER, _SLOWER = '.', ','
_STEP, _LEAST, _MOST = 1.25, 0.2, 4.0  # of the factor on the speeds
_SEQUENCES = {b'[A': 'up', b'[B': 'down', b'[C': 'right', b'[D': 'left',
              b'OA': 'up', b'OB': 'down', b'OC': 'right', b'OD': 'left'}
# Of keys that mean nothing here: Home, Delete, page up, F1, arrows with shift and so on. Nobody
# types them by hand, not even after the e-stop.
_OTHER = re.compile(rb'\[[0-9]+(;[0-9]+)?[~A-HP-S]|\[[HF]|O[HFP-S]')
_NAMES = {b'\r': 'enter', b'\n': 'enter', b'\x7f': 'backspace', b'\x08': 'backspace',
          b' ': 'space'}


def keys_of(text: bytes) -> Iterator[str]:
    """Yield the keys in the bytes that a terminal sent at once.

    Arrow keys begin with the byte of the escape key; alone, or before other bytes, it is that key.
    Keys such as Home or F1 are ``other``.
    """
    index = 0
    while index < len(text):
        byte = text[index:index + 1]
        index += 1
        if byte == b'\x1b':
            sequence = text[index:index + 2]
            if sequence in _SEQUENCES:
                index += 2
                yield _SEQUENCES[sequence]
            elif other := _OTHER.match(text, index):
                index = other.end()
                yield 'other'
            else:
                yield 'escape'
        elif byte in _NAMES:
            yield _NAMES[byte]
        elif b'!' <= byte <= b'~':
            yield byte.decode()


class PressedKeys:
    """The motion keys that are pressed.

    Args:
        settings: Speeds, and how long a key counts.
        joints: Joints of the contract's ``joint_action``; digits choose one of them.
        twist: Whether the arm is driven by a twist; if not, arrow keys move the chosen joint.
    """

    def __init__(self, settings: Keyboard, joints: tuple[str, ...], twist: bool) -> None:
        self._settings = settings
        self._joints = joints
        self._twist = twist
        self._until: dict[str, float] = {}
        self._factor = 1.0
        self.chosen = 0

    @property
    def help(self) -> str:
        """Help text for the terminal."""
        lines = ['space: release at once    , . : slower, faster    [ ]: gripper']
        if self._twist:
            lines.append('w s, a d, r f: along x, y, z    u o, i k, j l: about them')
        if self._joints:
            lines.append(f'1..{len(self._joints)}: choose a joint    + -: move it')
        lines += ['b: begin a demonstration    enter: the scene is set    y: success    '
                  'n: failure', 'backspace: discard    escape: e-stop    Ctrl-C: leave',
                  'with shift: E: enable motion    U: release the e-stop    R: resume    '
                  'G: go on    P: pause after this episode    Q: end the stage',
                  'with shift: V: keep the version that acts    A: accept newer ones    '
                  'B: back to the last good one    ?: this text']
        return '\n'.join(lines)

    def press(self, key: str, now: float) -> PersonKey | None:
        """Press a key at a time [s]; return what it is if it drives nothing, or None."""
        if key in BY_KEY:
            self._until.clear()  # a person who judges doesn't drive
            return BY_KEY[key]
        if key == 'space':
            self._until.clear()
        elif key in (_FASTER, _SLOWER):
            change = _STEP if key == _FASTER else 1.0 / _STEP
            self._factor = min(max(self._factor * change, _LEAST), _MOST)
        elif key.isdigit() and 1 <= int(key) <= len(self._joints):
            self._until.clear()  # a key that moves the joint before must not move this one
            self.chosen = int(key) - 1
        elif self._moves(key):
            self._until[key] = now + self._settings.hold
        return None

    def release(self) -> None:
        """Release all keys."""
        self._until.clear()

    def command(self, now: float) -> DeviceCommand:
        """Return the command of the keys that count at a time [s]."""
        down = self._until = {key: until for key, until in self._until.items() if now < until}
        if not down:
            return RELEASED
        twist, velocity = np.zeros(6), np.zeros(len(self._joints))
        for key in down:
            if self._twist and key in _TWIST_KEYS:
                direction, sign = _TWIST_KEYS[key]
                index = DIRECTIONS.index(direction)
                speed = (self._settings.linear_speed if index < 3
                         else self._settings.angular_speed)
                twist[index] += sign * speed * self._factor
            elif self._joints and key in _JOINT_KEYS:
                velocity[self.chosen] += (
                    _JOINT_KEYS[key] * self._settings.joint_speed * self._factor)
        return DeviceCommand(
            twist=twist, joint_velocity=velocity if self._joints else None,
            gripper=next((_GRIPPER_KEYS[key] for key in down if key in _GRIPPER_KEYS), None),
            held=True)

    def _moves(self, key: str) -> bool:
        return (key in _GRIPPER_KEYS or (self._twist and key in _TWIST_KEYS)
                or (bool(self._joints) and key in _JOINT_KEYS))
