# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What was commanded at each tick of a foreign recording.

An action belongs to the tick whose observation led to it: it is the newest command before the
next tick. Before the first command an arm that is commanded by position stays where it is.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from inril_ros.data.frames.frame import Frame
from inril_ros.data.frames.streams import Stream
from inril_ros.data.importing.import_mapping import ImportMapping
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.codecs import CodecError, decode
from inril_ros.robot.messages.commands import decode_command


def command(name: str) -> tuple[str, str]:
    """Return by which name the values of an action are read from a message."""
    return 'command', name


class CommandTracks:
    """The commands of one episode, from whichever topics the mapping says.

    Args:
        contract: Of the robot.
        mapping: Of the bag.
        history: Commands kept per action.
    """

    def __init__(self, contract: Contract, mapping: ImportMapping, history: int = 4096) -> None:
        self._contract = contract
        self._mapping = mapping
        self._tracks = {name: Stream(history) for name in contract.actions
                        if mapping.actions.get(name) is None
                        or mapping.actions[name].recorded is not None}
        self._on_topic: dict[str, list[str]] = {}
        for name in self._tracks:
            self._on_topic.setdefault(self._topic(name), []).append(name)
        self.clipped = 0
        self.rejected = 0

    def topics(self) -> dict[str, str]:
        """Return the type of each topic that commands are read from."""
        return {self._topic(name): self._type(name) for name in self._tracks}

    def _topic(self, name: str) -> str:
        source = self._mapping.actions.get(name)
        return self._contract.actions[name].topic if source is None else source.recorded.topic

    def _type(self, name: str) -> str:
        source = self._mapping.actions.get(name)
        return self._contract.actions[name].type if source is None else source.recorded.type

    def codecs(self, topic: str) -> dict[str, Callable[[Any], np.ndarray]]:
        """Return what reads the commands of a topic, by the names of the actions."""
        return {name: self._codec(name) for name in self._on_topic.get(topic, ())}

    def _codec(self, name: str) -> Callable[[Any], np.ndarray]:
        source = self._mapping.actions.get(name)
        if source is None:
            return partial(decode_command, action=self._contract.actions[name])
        return partial(decode, observation=source.recorded)

    def add(self, topic: str, message: Any, received: int) -> None:
        """Take a message in; one that doesn't hold the command is counted and left out."""
        for name in self._on_topic.get(topic, ()):
            if self._tracks[name].is_late(received):
                continue
            try:
                values = self._codec(name)(message)
            except (CodecError, AttributeError, TypeError, ValueError):
                self.rejected += 1
                continue
            self._tracks[name].add(received, values)

    def add_values(self, topic: str, values: Callable[[str], np.ndarray], received: int) -> None:
        """Take in what ``codecs`` read from a message, as ``add`` does with the message."""
        for name in self._on_topic.get(topic, ()):
            if not self._tracks[name].is_late(received):
                self._tracks[name].add(received, values(name))

    def continues(self, topic: str, received: np.ndarray) -> bool:
        """Say whether ``add_columns`` may be given messages of these times (n,) [ns]."""
        return all(self._tracks[name].continues(received)
                   for name in self._on_topic.get(topic, ()))

    def add_columns(self, topic: str, values: Callable[[str], np.ndarray], received: np.ndarray,
                    ) -> None:
        """Take in what ``codecs`` read from many messages: (n, size) by the action's name."""
        for name in self._on_topic.get(topic, ()):
            self._tracks[name].extend(received.tolist(), list(values(name)))

    def actions(self, frames: Sequence[Frame]) -> np.ndarray:
        """Return the actions (n - 1, A) float32 of ticks, within the limits of the contract.

        Args:
            frames: (n,) Of ticks that follow each other, the last of which isn't acted on yet.
        """
        actions = np.concatenate(
            [np.stack([self._part(name, frame.stamp, frame.values, following.values)
                       for frame, following in pairwise(frames)])
             for name in self._contract.actions], axis=1)
        limited = np.minimum(np.maximum(actions, self._contract.action_minimum),
                             self._contract.action_maximum)
        self.clipped += int((np.abs(limited - actions) > 1e-6).any(axis=1).sum())
        return limited.astype(np.float32)

    def _part(
        self, name: str, stamp: int, values: Mapping[str, np.ndarray],
        following: Mapping[str, np.ndarray],
    ) -> np.ndarray:
        source = self._mapping.actions.get(name)
        if source is not None and source.next is not None:
            return following[source.next]
        entry = self._contract.actions[name]
        before_next = stamp + self._contract.period_ns - 1
        found = self._tracks[name].at(before_next, before_next)
        if found is not None and (
                entry.hold == 'last'
                or before_next - found.at <= self._mapping.command_age * 1e9):
            return found.value
        if entry.commands_positions:
            return self._contract.measured(entry.joints, values)
        return np.zeros(entry.length)
