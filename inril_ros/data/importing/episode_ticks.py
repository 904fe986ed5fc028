# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ticks of an episode of a foreign recording, made in one pass over its messages."""

from collections.abc import Collection
from typing import Any

from inril_ros.data.bags.bags import EpisodeBag
from inril_ros.data.demonstrations.aligned_rows import AlignedRows
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.data.frames.frame import Frame
from inril_ros.data.frames.observation_builder import ObservationBuilder
from inril_ros.data.frames.streams import FrameError
from inril_ros.data.frames.sync import FrameAligner
from inril_ros.data.importing.command_tracks import CommandTracks
from inril_ros.data.importing.episode_cuts import Cut
from inril_ros.data.importing.episode_messages import EpisodeMessages
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.codecs import CodecError

_SHORTEST = 2  # ticks


class EpisodeTicks:
    """The frames and actions of one episode; its actions and events are written into its bag.

    Attributes:
        messages: Writes the episode's events and actions.
        commands: The commands of the episode.
    """

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
        self._aligner = FrameAligner(contract, history=4096, images=True)
        self._builder = ObservationBuilder(contract)
        self.commands = CommandTracks(contract, options.mapping)
        self._observed = set(self._aligner.topics)
        self._commanded = set(self.commands.topics())
        self._next: int | None = None  # [ns] Tick of the next frame, once all streams have begun
        self._newest_frame: Frame | None = None
        self._restarts = 0  # of the clock before the first frame
        self._newest_message = 0
        self._rows = AlignedRows(contract, identity)

    @property
    def unreadable(self) -> int:
        """Number of messages that were left out."""
        return self._aligner.rejections.total + self.commands.rejections.total

    def reads(self, topics: Collection[str]) -> bool:
        """Return whether the content of messages on any of these topics is needed."""
        return not (self._observed.isdisjoint(topics) and self._commanded.isdisjoint(topics))

    def add(self, topic: str, message: Any, time: int) -> bool:
        """Add a message.

        Args:
            topic: The contract's name of its topic.
            message: The message; None if the topic is not read.
            time: When it was received [ns].

        Returns:
            False if the content is needed and can't be used.

        Raises:
            FrameError: The frame of a tick can't be made.
        """
        self._newest_message = max(self._newest_message, time)
        # Frames that no further message can change.
        while (self._next is not None and self._next <= self._end
               and self._newest_message > self._next + self._settle):
            self._make_frame()
        if topic in self._commanded:
            self.commands.add(topic, message, time)
        if topic in self._observed:
            try:
                self._rows.add_sample(self._aligner.add(topic, message, time))
            except CodecError:
                return False  # counted by the aligner
            if self._next is None and not self._aligner.silent_topics():
                delay = round(self._contract.observation_delay * 1e9)
                self._next = max(self._start, time + delay if time > self._start else 0)
        return True

    def _make_frame(self) -> None:
        """Make the frame of the next tick, and with it the action of the tick before."""
        frame = self._aligner.frame(self._next)
        self._rows.add_frame(frame, self._builder.build(frame.values))
        if self._newest_frame is None:
            self._restarts = self._aligner.restarts
            self.messages.start(frame.stamp)
        else:
            action = self.commands.action(self._newest_frame, frame)
            self.messages.execute(self._newest_frame.stamp, action, self._newest_frame.age)
            self._rows.actions.append(action)
        self._newest_frame = frame
        self._next += self._contract.period_ns

    def finish(self) -> None:
        """Make the remaining frames and write the end of the episode.

        Raises:
            FrameError: The episode is too short, a stream has no message, or the clock went back,
                so that reading the bag could not make the frames before that again.
        """
        if self._next is None:
            raise FrameError(f'nothing came on {self._aligner.silent_topics()}')
        end = min(self._end, self._newest_message)
        while self._next <= end:
            try:
                self._make_frame()
            except FrameError:
                if self._next <= self._aligner.newest_complete():
                    raise
                break  # the streams don't end at the same moment
        if self.messages.ticks < _SHORTEST:
            raise FrameError(f'{self.messages.ticks} ticks are too short for an episode')
        if self._aligner.restarts > self._restarts:
            raise FrameError('a second clock began within the episode')
        self.messages.end(self._newest_frame.stamp)

    def aligned(self) -> RecordedEpisode | None:
        """Return the episode as reading its bag would; None if reading might differ."""
        return None if self._aligner.restarts else self._rows.episode(self.messages.outcome)

    def notes(self) -> list[str]:
        """Return sentences about what was done to the episode."""
        return self.commands.rejections.lines()

    def explain(self, reason: str) -> str:
        """Return why and where the episode is rejected, and what was left out of it."""
        tick = self._next if self._next is not None else self._start
        text = f'at {(tick - self._start) / 1e9:.3f} s: {reason}'
        if self._aligner.restarts:
            text += f'; the clock of the stamps went back {self._aligner.restarts} times'
        if self.unreadable:
            text += f'; {self.unreadable} messages could not be used'
        return text
