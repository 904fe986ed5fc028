# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The commands of one action of an episode, by the time at which they came."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inril_ros.data.frames.rejections import Rejections
from inril_ros.data.frames.streams import FrameError
from inril_ros.data.importing.commands.command_reading import Command, read_command, SET_POINT
from inril_ros.data.importing.commands.trajectory_in_time import JointPlans
from inril_ros.data.importing.import_mapping import ImportMapping
from inril_ros.robot.contract.contract import Action, Observation
from inril_ros.robot.contract.fields import JOINT_STATE
from inril_ros.robot.messages.codecs import CodecError

#: A joint has moved if it is farther than this share of the action's range from where it was, or
#: than this many rad or m: limits may be much wider than what the arm does.
MOVED, MOVED_AT_MOST = 0.01, 0.05
_NOTABLE = 0.1  # [s] From a trajectory's arrival to its beginning


class CommandError(FrameError):
    """An action that can't be made."""


class StaleError(CommandError):
    """The last command is too old to be what moves the arm.

    Attributes:
        topic: The topic of the command.
        waiting: Whether another message on it came after the tick.
    """

    def __init__(self, text: str, topic: str, waiting: bool) -> None:
        super().__init__(f'{topic}: {text}')
        self.topic, self.waiting = topic, waiting


@dataclass
class CommandTrack:
    """The commands of one action.

    Attributes:
        name: The action's name.
        action: The action.
        entry: The description of the messages: the action, or a stream with its values.
        mapping: How old a command may be, and what is done with those that can't be read.
        period: Duration of a tick [s].
        first: Beginning of the episode's span [ns]: commands from before it count only if the arm
            is where they sent it.
        rejections: The messages within the episode that held no command.
        readable: Number of commands within the episode.
        notes: Sentences about what was made of them.
    """

    name: str
    action: Action
    entry: Action | Observation
    mapping: ImportMapping
    period: float
    first: int
    rejections: Rejections = field(default_factory=Rejections)
    readable: int = 0
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        size = self.action.length
        self._queue: deque[Command | tuple[int, str]] = deque()
        self._plans = [JointPlans() for _ in range(size)]
        self._began = False
        self._joints = self.entry.joints or self.action.joints
        self._unnamed: set[int] = set(range(size))  # the joints that no command has named
        self._nearest = np.full(size, np.inf)  # distance of the arm from its last command
        self._moved = np.minimum(MOVED_AT_MOST, MOVED * np.subtract(
            self.action.maximum, self.action.minimum))
        self._zeroed = self._stops = self._partial = 0
        self._longest = self._farthest = 0.0
        self._others = ''

    @property
    def topic(self) -> str:
        """The topic of the commands."""
        return self.entry.topic

    def add(self, message: Any, received: int) -> bool:
        """Add a message that came at a time [ns]; return False if it is of other joints."""
        try:
            command = read_command(message, self.entry, received, self.period,
                                   self.mapping.command_clock == 'header', self.action.joints)
        except (CodecError, AttributeError, TypeError, ValueError, IndexError) as error:
            self.refuse(received, str(error))
            return True
        if command is not None:
            self._queue.append(command)
        return command is not None

    def pass_over(self, received: int, reason: str) -> None:
        """Leave out a message of other joints: no command, but a JointState may be of others."""
        if self.entry.type == JOINT_STATE:
            self._others = reason
        else:
            self.refuse(received, reason)

    def refuse(self, received: int, reason: str) -> None:
        """Count a message that holds no command; what was commanded before it is unknown."""
        if received < self.first:
            self._queue.clear()
        else:
            self._queue.append((received, reason))

    def command(self, until: int, before: np.ndarray | None, after: np.ndarray | None,
                ) -> np.ndarray | None:
        """Return what is commanded (n,) at a tick; None if no command has come yet.

        Args:
            until: The tick [ns]; what comes later doesn't count.
            before: Positions (n,) measured at the tick before, if the joints are measured.
            after: Positions (n,) measured at the tick.

        Raises:
            StaleError: The last command is too old, and the arm has left it.
        """
        while self._queue and _received(self._queue[0]) <= until:
            item = self._queue.popleft()
            if isinstance(item, Command):
                self._follow(item, before)
            else:
                self.rejections.add(self.topic, item[1].removeprefix(f'{self.topic}: '))
        if self.action.hold == 'zero':
            return self._or_zero(until)
        if self.name in self.mapping.hold_until_commanded and not any(self._plans):
            for plans, position in zip(self._plans, before, strict=True):
                plans.hold(until, position)
        found = [plans.newest(until) for plans in self._plans]
        if any(plan is None for plan in found):
            return None
        values = np.array([plan.at(until) for plan in found])
        if not self._began:
            carried = all(plan.begin < self.first for plan in found)
            if carried and after is not None and (
                    np.abs(values - after) > self.action.leads).any():
                return None
            self._began = True
        ages = np.array([(until - plan.end) / 1e9 for plan in found])
        self._check_age(until, ages, values, after)
        return values

    def _follow(self, command: Command, measured: np.ndarray | None) -> None:
        """Let a command replace the ones before it."""
        if command.is_stop:
            self._stops += 1
            if not all(self._plans):
                return
        self.readable += 1
        self._partial += bool(command.zeros)
        if len(command.times) == 1:
            self._longest = max(self._longest, float(command.times[0]))
        ahead = (command.start - command.received) / 1e9
        self._farthest = max(self._farthest, ahead, key=abs)
        for index, column in enumerate(command.columns):
            self._plans[column].add(
                command, index, np.nan if measured is None else measured[column])
            self._note_late_name(column, command)
        for column, plans in enumerate(self._plans):
            if not plans:
                plans.hold(command.received, measured[column])

    def _note_late_name(self, column: int, command: Command) -> None:
        if column not in self._unnamed or command.is_stop:
            return
        self._unnamed.discard(column)
        if self._began:
            self.notes.append(
                f'{self.name}: {self._joints[column]} is commanded on {self.topic} for the first '
                f'time at {(command.received - self.first) / 1e9:.3f} s; until then it counts as '
                'commanded to where it stood')

    def _or_zero(self, until: int) -> np.ndarray:
        """Return what is commanded to an action that is held by zeros."""
        found = [plans.newest(until) for plans in self._plans]
        values = np.array([
            0.0 if plan is None or (until - plan.end) / 1e9 > self.mapping.command_age
            else plan.at(until) for plan in found])
        self._zeroed += any(plan is not None and plan.at(until) != value
                            for plan, value in zip(found, values, strict=True))
        return values

    def _check_age(self, until: int, ages: np.ndarray, values: np.ndarray,
                   measured: np.ndarray | None) -> None:
        """Check that the arm is where an old command holds it, or on its way there.

        Raises:
            StaleError: A joint moves away from a command that is old.
        """
        limit = self.mapping.position_age
        if measured is None:
            if ages.max() > limit:
                raise StaleError(
                    f'the last command for {self.name} is {ages.max():.1f} s old, {limit:g} s '
                    'are allowed (position_age in the mapping)', self.topic, bool(self._queue))
            return
        distance = np.abs(values - measured)
        fresh = ages <= limit
        fresh[list(self._unnamed)] = False
        self._nearest = np.where(fresh, distance, np.minimum(self._nearest, distance))
        gone = distance > self._nearest + self._moved
        if not gone.any():
            return
        column = int(np.argmax(gone))
        joint, moved = self._joints[column], distance[column] - self._nearest[column]
        if column in self._unnamed:
            raise CommandError(
                f'{self.topic}: no message so far commands {joint}, but it has moved by '
                f'{moved:.3g}: say in a mapping where its commands are (actions.{self.name})')
        raise StaleError(
            f'the last command for {joint} is {ages[column]:.1f} s old, and the joint has moved '
            f'away from it by {moved:.3g}; {limit:g} s are allowed (position_age in the mapping)',
            self.topic, bool(self._queue))

    def problem(self) -> str:
        """Return why the commands of the episode can't be used; empty if they can."""
        unread = self.rejections.counts.get(self.topic, 0)
        if unread and (self.mapping.unreadable_commands == 'refuse' or not self.readable):
            text = (f'{self.topic}: {unread} of {unread + self.readable} messages could not be '
                    f'read as commands for {self.name}; the first: '
                    f'{self.rejections.reasons[self.topic]}')
            return text + ('; unreadable_commands: skip in a mapping leaves them out'
                           if self.readable else '')
        if not self._began and (not self.readable or self.action.hold == 'last'):
            others = f' (a message {self._others})' if self._others else ''
            return (f'no command for {self.name} came on {self.topic}{others}; say in a mapping '
                    f'where its commands are, for example  actions: {{{self.name}: {{next: <an '
                    'observation of the same values>}}'
                    + (f', or that it stands still: hold_until_commanded: [{self.name}]'
                       if self.action.commands_positions else ''))
        return ''

    def sentences(self) -> list[str]:
        """Return the sentences about what was made of the commands."""
        told = list(self.notes)
        never = [joint for column, joint in enumerate(self._joints)
                 if column in self._unnamed]
        if never and self._began:
            told.append(f'{self.name}: no message on {self.topic} commands {never}: they count as '
                        'commanded to where they stood')
        if self._longest > max(SET_POINT, self.period):
            told.append(f'{self.name}: goals of one point on {self.topic} are followed for up to '
                        f'{self._longest:g} s, until they are to be reached')
        if abs(self._farthest) > _NOTABLE:
            when = 'after' if self._farthest > 0 else 'before'
            told.append(f'{self.name}: trajectories on {self.topic} begin up to '
                        f'{abs(self._farthest):.3f} s {when} their arrival, by their header.stamp '
                        '(command_clock in the mapping)')
        if self._stops:
            told.append(f'{self.name}: {self._stops} trajectories without a point on {self.topic} '
                        'count as stops')
        if self._partial:
            told.append(f'{self.name}: {self._partial} messages on {self.topic} name some of the '
                        'joints; the others count as commanded to 0')
        if self._zeroed:
            told.append(f'{self.name}: at {self._zeroed} ticks the last command was older than '
                        f'{self.mapping.command_age:g} s and counts as 0')
        return told


def _received(item: Command | tuple[int, str]) -> int:
    return item.received if isinstance(item, Command) else item[0]
