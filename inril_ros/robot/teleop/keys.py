# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a terminal as a teleop device: what each does, and for how long.

A terminal tells which key was pressed, and again when a held key repeats; it never tells that one
was let go. So a key counts for a short time after each character, and that is the dead man's
switch: who lets go, or loses the terminal, is heard no more.
"""

from collections.abc import Iterator

import numpy as np

from inril_ros.robot.teleop.mapping import DeviceCommand, RELEASED
from inril_ros.robot.teleop.settings import DIRECTIONS, Keyboard

#: What an episode key says.
EPISODE_KEYS = {'b': 'start', 'enter': 'ready', 'y': 'success', 'n': 'failure',
                'backspace': 'discard', 'escape': 'stop'}
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
_NAMES = {b'\r': 'enter', b'\n': 'enter', b'\x7f': 'backspace', b'\x08': 'backspace',
          b' ': 'space'}


def keys_of(text: bytes) -> Iterator[str]:
    """Yield the keys in what a terminal sent at once.

    The escape key is the byte by which arrow keys begin: alone, or before anything else, it is
    itself.
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
            else:
                yield 'escape'
        elif byte in _NAMES:
            yield _NAMES[byte]
        elif b'!' <= byte <= b'~':
            yield byte.decode()


class PressedKeys:
    """Which motion keys count at a moment.

    Args:
        settings: Speeds, and how long a key counts.
        joints: Of the contract's ``joint_action``; digits choose one of them.
        twist: The arm is driven by a twist; if not, arrow keys move the chosen joint.
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
        """What the keys do, for the terminal."""
        lines = ['space: let go at once    , . : slower, faster    [ ]: gripper']
        if self._twist:
            lines.append('w s, a d, r f: along x, y, z    u o, i k, j l: about them')
        if self._joints:
            lines.append(f'1..{len(self._joints)}: choose a joint    + -: move it')
        lines += ['b: begin a demonstration    enter: the scene is set    y: success    '
                  'n: failure', 'backspace: discard    escape: e-stop    Ctrl-C: leave']
        return '\n'.join(lines)

    def press(self, key: str, now: float) -> str | None:
        """Take a key in, at a time [s]; return what it says of the episode, if it does."""
        if key in EPISODE_KEYS:
            self._until.clear()  # a person who judges doesn't drive
            return EPISODE_KEYS[key]
        if key == 'space':
            self._until.clear()
        elif key in (_FASTER, _SLOWER):
            change = _STEP if key == _FASTER else 1.0 / _STEP
            self._factor = min(max(self._factor * change, _LEAST), _MOST)
        elif key.isdigit() and 1 <= int(key) <= len(self._joints):
            self._until.clear()  # the key that moves the joint before must not move this one
            self.chosen = int(key) - 1
        elif self._moves(key):
            self._until[key] = now + self._settings.hold
        return None

    def release(self) -> None:
        """Let all keys go."""
        self._until.clear()

    def command(self, now: float) -> DeviceCommand:
        """Return what the keys that count at a time [s] ask for."""
        down = {key for key, until in self._until.items() if now < until}
        self._until = {key: self._until[key] for key in down}
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
