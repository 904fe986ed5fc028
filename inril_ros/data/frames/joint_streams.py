# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The joints of one topic, of which each message may have some.

An arm and its gripper often publish their parts of ``joint_states`` in turn. Each joint has the
values of the messages that name it, in order of time, whoever sends them and however the messages
are cut: that is what an observation is put together from. Messages with the same joints share one
stream, so in the usual case, where every message has every joint, there is one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
import itertools
from typing import Any

import numpy as np

from inril_ros.data.frames.contradictions import SenderOfJoints
from inril_ros.data.frames.message_stream import Aligned, Sample
from inril_ros.data.frames.streams import FrameError, merged, Stream
from inril_ros.robot.angles import Angles
from inril_ros.robot.contract.contract import Observation
from inril_ros.robot.contract.fields import JOINT_STATE
from inril_ros.robot.messages.codecs import check_finite, CodecError, joint_arrays, POINT_FIELDS
from inril_ros.robot.readable import few

#: A value that an observation wants: joint and quantity.
_Slot = tuple[str, str]
_MOST = 256  # kinds of messages that are remembered; a topic has a handful
_DISPUTED = 1_000_000_000  # [ns] for which there is no frame after a contradiction


@dataclass
class _Part:
    """The messages that have the same of the wanted joints.

    Attributes:
        slots: What they have.
        stream: Their samples; the arrays have NaN where they have nothing.
        others: Streams of messages that have some of the same.
    """

    slots: frozenset[_Slot]
    stream: Stream
    others: list[Stream] = field(default_factory=list)


@dataclass
class _Layout:
    """The places of the wanted joints in messages with the same names in the same order."""

    part: _Part
    #: By observation: its quantity, its rows (None: all of them), and their places in a message.
    places: dict[str, tuple[str, np.ndarray | None, np.ndarray]]
    sender: SenderOfJoints
    rivals: list[SenderOfJoints] = field(default_factory=list)  # that have some of the same joints


class JointStreams:
    """Observations of joints by name, put together from the messages of one topic.

    Args:
        topic: The topic, for error messages.
        observations: The observations by name.
        history: Number of samples kept of each kind of message.
        angles: Which values of an observation are angles, where there are any.

    Attributes:
        turned: Joints that were interpolated the short way, past the end of a turn.
    """

    def __init__(
        self, topic: str, observations: Mapping[str, Observation], history: int,
        angles: Mapping[str, Angles],
    ) -> None:
        self._topic = topic
        self._history = history
        self._observations = observations
        self._angles = angles
        self._type = next(iter(observations.values())).type
        self._quantities = tuple(sorted({entry.quantity for entry in observations.values()}))
        self._wanted = {name: [(joint, entry.quantity) for joint in entry.joints]
                        for name, entry in observations.items()}
        self._layouts: dict[tuple, _Layout] = {}
        self._parts: dict[frozenset[_Slot], _Part] = {}
        self._named: dict[str, None] = {}  # joints that messages name, in their order
        self._sources: dict[str, list[tuple[np.ndarray | None, list[Stream]]]] = {}
        self._contradiction = ''  # the first one
        self._contradicted = 0  # [ns] when the last one was
        self.turned: set[str] = set()

    def read(self, message: Any, time: int) -> Sample | None:
        """Return the sample of a message from a time [ns]; None if it has no joint of these.

        Joints of which a newer value has come by another kind of message are left out.

        Raises:
            CodecError: It names a joint twice, or a value is missing or isn't finite.
        """
        names, arrays = joint_arrays(message, self._type, POINT_FIELDS)
        key = (tuple(names), *map(len, arrays.values()))
        layout = self._layouts.get(key) or self._new_layout(key)
        if not layout.places:
            return None
        value = {}
        for name, (quantity, rows, places) in layout.places.items():
            numbers = np.asarray(arrays[quantity], np.float64)[places]
            check_finite(numbers, self._topic)
            if rows is None:
                value[name] = numbers
            else:
                value[name] = np.full(len(self._wanted[name]), np.nan)
                value[name][rows] = numbers
        if layout.rivals:
            self._compare(layout, value, time)
        part = layout.part
        if not part.others:
            return Sample(part.stream, value, part.stream)
        return self._among_others(part, value, time)

    def _compare(self, layout: _Layout, value: dict[str, np.ndarray], time: int) -> None:
        """Note whether others give the same joints other positions."""
        layout.sender.send(time, {
            name: (self._observations[name].joints, numbers) for name, numbers in value.items()
            if self._observations[name].quantity == 'position'})
        for rival in layout.rivals:
            text = layout.sender.contradiction(rival)
            if text:
                self._contradiction, self._contradicted = self._contradiction or text, time

    def _among_others(self, part: _Part, value: dict[str, np.ndarray], time: int) -> Sample:
        newest = {slot: max(other.stream.newest for other in self._parts.values()
                            if slot in other.slots) for slot in part.slots}
        latest = max((part.stream, *part.others), key=lambda stream: stream.newest)
        fresh = frozenset(slot for slot, at in newest.items() if at < time)
        if latest.restarts(time) or not fresh:
            return Sample(part.stream, value, latest)
        stream = self._part(fresh).stream
        return Sample(stream, value, stream)

    def _new_layout(self, key: tuple) -> _Layout:
        names, *lengths = key
        has = {}
        for quantity, length in zip(POINT_FIELDS, lengths, strict=True):
            if quantity in self._quantities and length not in (0, len(names)):
                raise CodecError(f'{self._topic}: {length} values of {quantity} for {len(names)} '
                                 'joints')
            has[quantity] = length > 0
        index = {name: place for place, name in enumerate(names)}
        if len(index) < len(names):
            raise CodecError(f'{self._topic}: a joint is named twice: {few(names)}')
        if len(self._layouts) >= _MOST:
            self._layouts.clear()
        if len(self._named) < _MOST:
            self._named.update(dict.fromkeys(names))
        places: dict[str, tuple[str, np.ndarray | None, np.ndarray]] = {}
        slots: set[_Slot] = set()
        for name, wanted in self._wanted.items():
            rows = [row for row, (joint, quantity) in enumerate(wanted)
                    if joint in index and has[quantity]]
            if rows:
                slots.update(wanted[row] for row in rows)
                places[name] = (self._observations[name].quantity,
                                None if len(rows) == len(wanted) else np.array(rows),
                                np.array([index[wanted[row][0]] for row in rows]))
        layout = _Layout(self._part(frozenset(slots)), places, SenderOfJoints(self._topic, names))
        for other in self._layouts.values():
            if self._type == JOINT_STATE and other.part.slots & slots:
                layout.rivals.append(other.sender)
                other.rivals.append(layout.sender)
        self._layouts[key] = layout
        return layout

    def _part(self, slots: frozenset[_Slot]) -> _Part:
        part = self._parts.get(slots)
        if part is None:
            part = _Part(slots, Stream(self._history))
            for other in self._parts.values():
                if other.slots & slots:
                    other.others.append(part.stream)
                    part.others.append(other.stream)
            if slots:
                self._parts[slots] = part
                self._sources.clear()
        return part

    @property
    def newest(self) -> int:
        """Newest time [ns] at which every joint of every observation is known; else 0."""
        return min(max((stream.newest for stream in streams), default=0)
                   for name in self._observations for _, streams in self._sources_of(name))

    def missing(self) -> str:
        """Return which joints have not come, and which have; empty if none is missing."""
        absent: dict[str, list[str]] = {}
        for wanted in self._wanted.values():
            for joint, quantity in wanted:
                if not any((joint, quantity) in part.slots and len(part.stream)
                           for part in self._parts.values()):
                    absent.setdefault(quantity, []).append(joint)
        if not absent:
            return ''
        if not self._named:
            return f'{self._topic}: no usable message has come'
        lacking = '; '.join(f'{quantity} of the joints {list(dict.fromkeys(joints))}'
                            for quantity, joints in absent.items())
        return f'{self._topic}: no message has {lacking}; the messages name {few(self._named)}'

    def clear(self) -> None:
        """Forget all samples."""
        self._contradiction = ''
        for part in self._parts.values():
            part.stream.clear()

    def aligned(self, name: str, instant: int, known: int) -> Aligned:
        """Return the value of an observation at an instant, each part aligned by itself.

        Args:
            name: Name of the observation.
            instant: The instant [ns].
            known: Samples newer than this [ns] are not used.

        Raises:
            FrameError: A joint has no sample at or before the instant, or two senders contradict
                each other.
        """
        if self._contradiction and instant - self._contradicted < _DISPUTED:
            raise FrameError(self._contradiction)
        align = self._observations[name].align
        whole, oldest, gap = None, instant, 0
        for rows, streams in self._sources.get(name) or self._sources_of(name):
            found = (streams[0].at(instant, known) if len(streams) == 1
                     else merged(streams, instant, known))
            if found is None:
                raise FrameError(self.missing() or f'{self._topic}: no sample at or before '
                                 f'{min(instant, known)} ns')
            if align == 'interpolate' and found.after is not None and name in self._angles:
                value, turns = self._angles[name].between(
                    found.value[name], found.after[name], found.share)
                if turns is not None:
                    self.turned.update(itertools.compress(self._observations[name].joints, turns))
            else:
                value = found.aligned(name, align)
            if rows is None:
                return value, found.at, found.gap
            if whole is None:
                whole, oldest = np.empty(len(self._wanted[name])), found.at
            whole[rows] = value[rows]
            oldest, gap = min(oldest, found.at), max(gap, found.gap)
        return whole, oldest, gap

    def joints_from(self, name: str, at: int, instant: int, known: int) -> list[str]:
        """Return whose value at an instant is from a time [ns]; empty if it is that of all."""
        sources, joints = self._sources_of(name), self._observations[name].joints
        if len(sources) == 1:
            return []
        return [joints[row] for rows, streams in sources for row in rows
                if merged(streams, instant, known).at == at]

    def _sources_of(self, name: str) -> list[tuple[np.ndarray | None, list[Stream]]]:
        """Return the rows of an observation that come by the same streams, and these streams."""
        if name not in self._sources:
            by_parts: dict[tuple[int, ...], list[int]] = {}
            parts = list(self._parts.values())
            for row, slot in enumerate(self._wanted[name]):
                having = tuple(index for index, part in enumerate(parts) if slot in part.slots)
                by_parts.setdefault(having, []).append(row)
            self._sources[name] = [
                (None if len(by_parts) == 1 else np.array(rows),
                 [parts[index].stream for index in having]) for having, rows in by_parts.items()]
        return self._sources[name]
