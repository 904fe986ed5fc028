# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The command at each tick of a foreign recording.

An action belongs to the tick whose observation led to it: it is the newest command before the
next tick. Before the first command, an arm that is commanded by position stays where it is.
"""

from typing import Any

import numpy as np

from inril_ros.data.frames.frame import Frame
from inril_ros.data.frames.rejections import Rejections
from inril_ros.data.frames.streams import Stream
from inril_ros.data.importing.import_mapping import ImportMapping
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.codecs import CodecError, decode
from inril_ros.robot.messages.commands import decode_command

_HISTORY = 4096  # commands kept per action


class CommandTracks:
    """The commands of one episode, from the topics that the mapping or the contract names.

    Attributes:
        limited: Number of actions beyond the contract's limits, which were reduced to them.
        rejections: The messages that didn't hold a command.
    """

    def __init__(self, contract: Contract, mapping: ImportMapping) -> None:
        self._contract = contract
        self._sources = mapping.actions
        self._command_age = mapping.command_age * 1e9
        self._tracks = {name: Stream(_HISTORY) for name in contract.actions
                        if name not in self._sources or self._sources[name].recorded is not None}
        self._on_topic: dict[str, list[str]] = {}
        for name in self._tracks:
            self._on_topic.setdefault(self._described(name).topic, []).append(name)
        self.limited = 0
        self.rejections = Rejections()

    def topics(self) -> dict[str, str]:
        """Return the type of each topic that commands are read from."""
        return {self._described(name).topic: self._described(name).type for name in self._tracks}

    def _described(self, name: str) -> Any:
        """Return the description of an action's topic: the mapping's or the contract's."""
        source = self._sources.get(name)
        return self._contract.actions[name] if source is None else source.recorded

    def add(self, topic: str, message: Any, received: int) -> None:
        """Add a message; one that doesn't hold a command is counted and left out."""
        for name in self._on_topic.get(topic, ()):
            if self._tracks[name].is_late(received):
                continue
            read = decode if name in self._sources else decode_command
            try:
                values = read(message, self._described(name))
            except (CodecError, AttributeError, TypeError, ValueError) as error:
                self.rejections.add(topic, str(error))
                continue
            self._tracks[name].add(received, values)

    def action(self, frame: Frame, following: Frame) -> np.ndarray:
        """Return the action (A,) float32 at a frame, within the limits of the contract."""
        action = np.concatenate([self._command(name, frame, following)
                                 for name in self._contract.actions])
        limited = np.clip(action, self._contract.action_minimum, self._contract.action_maximum)
        self.limited += bool((np.abs(limited - action) > 1e-6).any())
        return limited.astype(np.float32)

    def _command(self, name: str, frame: Frame, following: Frame) -> np.ndarray:
        source = self._sources.get(name)
        if source is not None and source.next is not None:
            return following.values[source.next]
        entry = self._contract.actions[name]
        before_next = frame.stamp + self._contract.period_ns - 1
        found = self._tracks[name].at(before_next, before_next)
        if found is not None and (entry.hold == 'last'
                                  or before_next - found.at <= self._command_age):
            return found.value
        if entry.commands_positions:
            return self._contract.measured(name, frame.values)
        return np.zeros(entry.length)
