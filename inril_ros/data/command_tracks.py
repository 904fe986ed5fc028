# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What was commanded at each tick of a foreign recording.

An action belongs to the tick whose observation led to it: it is the newest command before the
next tick. Before the first command an arm that is commanded by position stays where it is.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from inril_ros.data.import_mapping import ImportMapping
from inril_ros.data.streams import Stream
from inril_ros.robot.codecs import CodecError, decode
from inril_ros.robot.commands import decode_command
from inril_ros.robot.contract import Contract


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

    def add(self, topic: str, message: Any, received: int) -> None:
        """Take a message in; one that doesn't hold the command is counted and left out."""
        for name, track in self._tracks.items():
            if self._topic(name) != topic or track.is_late(received):
                continue
            source = self._mapping.actions.get(name)
            try:
                values = (decode_command(message, self._contract.actions[name])
                          if source is None else decode(message, source.recorded))
            except (CodecError, AttributeError, TypeError, ValueError):
                self.rejected += 1
                continue
            track.add(received, values)

    def action(
        self, stamp: int, values: Mapping[str, np.ndarray], following: Mapping[str, np.ndarray],
    ) -> np.ndarray:
        """Return the action (A,) float32 of a tick, within the limits of the contract.

        Args:
            stamp: [ns] The tick.
            values: What was observed at it, by name,
            following: and at the next one.
        """
        parts = [self._part(name, stamp, values, following) for name in self._contract.actions]
        action = np.concatenate(parts)
        limited = np.clip(action, self._contract.action_minimum, self._contract.action_maximum)
        self.clipped += int((np.abs(limited - action) > 1e-6).any())
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
