# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ticks of an episode of a foreign recording, made while its messages pass."""

from typing import Any

import numpy as np

from inril_ros.data.bags.bags import EpisodeBag
from inril_ros.data.demonstrations.aligned_rows import AlignedRows
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.data.frames.frame import Frame
from inril_ros.data.frames.observation_builder import ObservationBuilder
from inril_ros.data.frames.sync import FrameAligner, FrameError
from inril_ros.data.importing.command_tracks import command, CommandTracks
from inril_ros.data.importing.episode_cuts import Cut
from inril_ros.data.importing.episode_messages import EpisodeMessages
from inril_ros.data.importing.links import ImportOptions, Links
from inril_ros.data.raw.message_batch import MessageBatch
from inril_ros.data.raw.raw_values import RawColumns, RawValues
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.codecs import CodecError

_SHORTEST = 2  # ticks
_HISTORY = 4096  # samples kept per stream, at most half of which come at once


class EpisodeTicks:
    """Frames and actions of an episode while its messages pass."""

    def __init__(
        self, bag: EpisodeBag, contract: Contract, cut: Cut, options: ImportOptions,
        identity: str, shift: int,
    ) -> None:
        self._contract = contract
        self.messages = EpisodeMessages(
            bag, contract, identity, cut.outcome or options.outcome, cut.task or options.task,
            options.operator)
        self._start, self._end = cut.start + shift, cut.end + shift
        self._settle = round(options.settle * 1e9)
        self._aligner = FrameAligner(contract, history=_HISTORY, images=True)
        self._builder = ObservationBuilder(contract)
        self.commands = CommandTracks(contract, options.mapping, _HISTORY)
        self._observed = set(self._aligner.topics)
        self._commanded = set(self.commands.topics())
        self._next: int | None = None  # [ns] The tick whose frame is to be made
        self._frames: list[Frame] = []  # whose actions are to be made
        self._started = False
        self._newest = 0
        self._rows = AlignedRows(contract, identity)

    @property
    def unreadable(self) -> int:
        """Messages that were left out."""
        return self._aligner.rejected + self.commands.rejected

    @property
    def begun(self) -> bool:
        """Whether all streams have spoken, so that there are ticks."""
        return self._next is not None

    def wants(self, topics: list[str]) -> bool:
        """Say whether the content of a message of these topics is needed."""
        return not (self._observed.isdisjoint(topics) and self._commanded.isdisjoint(topics))

    def take(self, topic: str, message: Any, time: int) -> bool:
        """Take a message in, or its values; ``message`` may be None if nobody wants it.

        Returns:
            Whether it could be used, or nobody wants it.

        Raises:
            FrameError: The frame of a tick can't be made.
        """
        self._newest = max(self._newest, time)
        self.tick()
        raw = message if isinstance(message, RawValues) else None
        if topic in self._commanded:
            if raw is None:
                self.commands.add(topic, message, time)
            else:
                self.commands.add_values(topic, lambda name: raw.values[command(name)], time)
        if topic in self._observed:
            try:
                stamp = (self._aligner.add(topic, message, time) if raw is None else
                         self._aligner.add_values(topic, raw.values, raw.stamp, time))
            except CodecError:
                return False  # the aligner counts it
            self._rows.hear(stamp)
            if self._next is None and not self._aligner.silent_topics():
                delay = round(self._contract.observation_delay * 1e9)
                self._next = max(self._start, time + delay if time > self._start else 0)
        return True

    def take_batch(self, batch: MessageBatch, links: Links) -> bool:
        """Take many messages in at once, if all are as usual; ``tick`` has to follow.

        What comes of them is the same as one by one: a sample is stamped after each tick whose
        frame would have been made before it came.

        Returns:
            False: Nothing was taken; they have to be taken one by one.
        """
        if self._next is None:
            return False
        taken: dict[str, tuple[RawColumns, np.ndarray]] = {}
        for channel, link in batch.links.items():
            topics, which = links.topics[link.id], batch.channels == channel
            count = np.count_nonzero(which)
            if count == 0 or (len(topics) == 1 and not self.wants(topics)):
                continue
            if len(topics) > 1 or topics[0] in taken or count > _HISTORY // 2:
                return False
            columns = links.readers[link.id].read_many(
                batch.content, batch.begins[which], batch.sizes[which])
            if columns is None:
                return False
            taken[topics[0]] = columns, batch.times[which] + links.shift
        if not all(self._continues(topic, columns, times)
                   for topic, (columns, times) in taken.items()):
            return False
        for topic, (columns, times) in taken.items():
            if topic in self._commanded:
                self.commands.add_columns(
                    topic, lambda name, found=columns: found.values[command(name)], times)
            if topic in self._observed:
                self._aligner.add_columns(topic, columns.values, columns.stamps, times)
                self._rows.hear(self._aligner.times_of(topic, columns.stamps, times)[0])
        self._newest = max(self._newest, int(batch.times.max()) + links.shift)
        return True

    def _continues(self, topic: str, columns: RawColumns, times: np.ndarray) -> bool:
        """Say whether samples can be taken at once."""
        if topic in self._commanded and not self.commands.continues(topic, times):
            return False
        if topic not in self._observed:
            return True
        return self._aligner.continues(topic, columns.stamps, times) and bool(
            (self._aligner.times_of(topic, columns.stamps, times) > times - self._settle).all())

    def tick(self) -> None:
        """Make the frames that nothing can change any more, by the newest message."""
        try:
            while (self._next is not None and self._next <= self._end
                   and self._newest > self._next + self._settle):
                self._tick()
        finally:
            self._act()

    def _tick(self) -> None:
        """Make the frame of the next tick."""
        frame = self._aligner.frame(self._next)
        self._rows.observe(frame, self._builder.build(frame.values))
        self._frames.append(frame)
        self._next += self._contract.period_ns

    def _act(self) -> None:
        """Make the actions of all ticks but the last one, whose frame isn't over."""
        if self._frames and not self._started:
            self.messages.start(self._frames[0].stamp)
            self._started = True
        if len(self._frames) < 2:
            return
        actions = self.commands.actions(self._frames)
        self.messages.execute_all([frame.stamp for frame in self._frames[:-1]], actions,
                                  [frame.age for frame in self._frames[:-1]])
        self._rows.actions += list(actions)
        del self._frames[:-1]

    def finish(self) -> None:
        """Make the frames that are left, and say how the episode ended.

        Raises:
            FrameError: It is too short, or a stream was never heard.
        """
        if self._next is None:
            raise FrameError(f'nothing came on {self._aligner.silent_topics()}')
        end = min(self._end, self._newest)
        while self._next <= end:
            try:
                self._tick()
            except FrameError:
                if self._next <= self._aligner.newest_complete():
                    raise
                break  # the streams don't end at the same moment
        self._act()
        if self.messages.ticks < _SHORTEST:
            raise FrameError(f'{self.messages.ticks} ticks are too short for an episode')
        self.messages.end(self._frames[0].stamp)

    def aligned(self) -> RecordedEpisode | None:
        """Return what reading the finished episode will give; None: that isn't sure."""
        return None if self._aligner.restarts else self._rows.episode(self.messages.outcome)

    def explain(self, reason: str) -> str:
        """Return why the episode is rejected, with where it was and what was left out."""
        begun = self._next if self._next is not None else self._start
        where = f'at {(begun - self._start) / 1e9:.3f} s: {reason}'
        if self._aligner.restarts:
            where += f'; the clock of the stamps went back {self._aligner.restarts} times'
        if self.unreadable:
            where += f'; {self.unreadable} messages could not be used'
        return where
