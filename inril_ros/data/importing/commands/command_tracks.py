# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The command at each tick of a foreign recording.

An action belongs to the tick whose observation led to it: it is what is commanded at the next
tick, by the messages that have come until then. The measured position never stands in for a
command that is missing or can't be read.
"""

from typing import Any

import numpy as np

from inril_ros.data.frames.frame import Frame
from inril_ros.data.frames.rejections import Rejections
from inril_ros.data.importing.commands.command_limits import CommandLimits
from inril_ros.data.importing.commands.command_reading import joint_names
from inril_ros.data.importing.commands.command_track import CommandError, CommandTrack, StaleError
from inril_ros.data.importing.import_mapping import ImportMapping
from inril_ros.robot.contract.contract import Contract


class CommandTracks:
    """The commands of one episode, from the topics that the mapping or the contract names.

    Args:
        contract: The robot's contract.
        mapping: Where the commands are found.
        first: Beginning of the episode's span [ns].

    Attributes:
        asked: Whether an action was asked for.
        missing: Which commands had not begun at the newest tick without an action.
    """

    def __init__(self, contract: Contract, mapping: ImportMapping, first: int = 0) -> None:
        self._contract = contract
        self._sources = mapping.actions
        self._tracks: dict[str, CommandTrack] = {}
        self._on_topic: dict[str, list[CommandTrack]] = {}
        for name, action in contract.actions.items():
            source = self._sources.get(name)
            if source is not None and source.next is not None:
                continue
            entry = action if source is None else source.recorded
            self._tracks[name] = CommandTrack(
                name, action, entry, mapping, contract.period, first)
            self._on_topic.setdefault(entry.topic, []).append(self._tracks[name])
        self._limits = CommandLimits(contract, [
            f'{self._origin(name)}: {name} {joint}' for name, action in contract.actions.items()
            for joint in action.joints or range(action.length)])
        self.asked = False
        self.missing = ''
        self._stale = self._stale_topic = ''

    def _origin(self, name: str) -> str:
        """Return the topic that an action's commands are from."""
        if name in self._tracks:
            return self._tracks[name].topic
        return self._contract.observations[self._sources[name].next].topic

    @property
    def limited(self) -> int:
        """Number of actions beyond the contract's limits, which were reduced to them."""
        return self._limits.limited

    @property
    def rejections(self) -> Rejections:
        """The messages that didn't hold a command."""
        whole = Rejections()
        for track in self._tracks.values():
            whole.counts.update(track.rejections.counts)
            whole.reasons.update(track.rejections.reasons)
        return whole

    @property
    def have_ended(self) -> bool:
        """Whether the arm has moved away from its last command."""
        return bool(self._stale)

    def topics(self) -> dict[str, str]:
        """Return the type of each topic that commands are read from."""
        return {track.topic: track.entry.type for track in self._tracks.values()}

    def add(self, topic: str, message: Any, received: int) -> None:
        """Add a message that came at a time [ns].

        Raises:
            CommandError: The commands had ended.
        """
        if topic == self._stale_topic:
            raise CommandError(f'{self._stale}. Later a message came')
        tracks = self._on_topic.get(topic, ())
        if tracks and not any([track.add(message, received) for track in tracks]):
            wanted = [list(track.entry.joints) for track in tracks]
            tracks[0].pass_over(received, f'names {joint_names(message)}, which are none of '
                                          f'{wanted[0] if len(wanted) == 1 else wanted}')

    def action(self, frame: Frame, following: Frame) -> np.ndarray | None:
        """Return the action (A,) float32 at a frame, within the limits of the contract.

        None if not all commands have begun, or if they have ended.

        Raises:
            CommandError: A joint moves without a command.
        """
        self.asked = True
        try:
            parts = [self._command(name, frame, following) for name in self._contract.actions]
        except StaleError as error:
            if error.waiting:
                raise CommandError(f'{error}. Later a message came') from error
            self._stale, self._stale_topic = str(error), error.topic
            return None
        missing = [f'no command for {name} had come on {self._tracks[name].topic}' + (
                       f' (hold_until_commanded: [{name}] in the mapping, if it stood still)'
                       if self._contract.actions[name].commands_positions else '')
                   for name, part in zip(self._contract.actions, parts, strict=True)
                   if part is None]
        if missing:
            self.missing = '; '.join(missing)
            return None
        measured = [
            self._contract.measured(name, frame.values) if action.commands_positions
            else np.full(action.length, np.nan) for name, action in self._contract.actions.items()]
        return self._limits.reduce(np.concatenate(parts), np.concatenate(measured), frame.stamp)

    def _command(self, name: str, frame: Frame, following: Frame) -> np.ndarray | None:
        if name not in self._tracks:
            return following.values[self._sources[name].next]
        until = frame.stamp + self._contract.period_ns - 1
        if not self._contract.actions[name].commands_positions:
            return self._tracks[name].command(until, None, None)
        return self._tracks[name].command(
            until, self._contract.measured(name, frame.values),
            self._contract.measured(name, following.values))

    def problem(self) -> str:
        """Return why the episode's commands can't be used; empty if they can."""
        problems = [track.problem() for track in self._tracks.values()]
        return '; '.join(filter(None, [*problems, self._limits.problem()]))

    def sentences(self) -> list[str]:
        """Return sentences about what was made of the commands."""
        told = [self._stale] if self._stale else []
        for track in self._tracks.values():
            told += track.sentences()
        return [*told, *self._limits.sentences()]
