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
from inril_ros.data.frames.rejections import Rejections
from inril_ros.data.frames.streams import FrameError
from inril_ros.data.frames.sync import FrameAligner
from inril_ros.data.frames.tick_account import TickAccount
from inril_ros.data.importing.clock_map import ClockMap
from inril_ros.data.importing.commands.command_track import CommandError
from inril_ros.data.importing.commands.command_tracks import CommandTracks
from inril_ros.data.importing.episode_begin import EpisodeBegin
from inril_ros.data.importing.episode_cuts import Cut
from inril_ros.data.importing.episode_messages import EpisodeMessages
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.importing.shared_topics import SharedTopics
from inril_ros.data.importing.stamp_check import StampCheck
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.codecs import CodecError

_SHORTEST = 2  # ticks


class CommandsError(CommandError):
    """The commands of an episode can't be used as a whole."""


class EpisodeTicks:
    """The frames and actions of one episode; its actions and events are written into its bag.

    Attributes:
        messages: Writes the episode's events and actions.
        commands: The commands of the episode.
        clock: The clock of the stamps.
    """

    def __init__(
        self, bag: EpisodeBag, contract: Contract, cut: Cut, options: ImportOptions,
        identity: str, clock: ClockMap,
    ) -> None:
        self._contract = contract
        self.clock = clock
        self._cut = cut
        self.messages = EpisodeMessages(
            bag, contract, identity, cut.outcome or options.outcome, cut.task or options.task,
            options.operator)
        self._start, self._end = clock(cut.start), clock(cut.end)
        self._is_whole = options.cut.kind == 'whole'
        self._settle = round(options.settle * 1e9)
        self._aligner = FrameAligner(contract, history=4096, images=True)
        self._begin = EpisodeBegin(contract, self._aligner, self._start)
        self._stamps = StampCheck(
            contract, self._start, round(self._settle * max(1.0, clock.rate)))
        self._shared = SharedTopics(contract)
        self._strays = Rejections()
        self._builder = ObservationBuilder(contract)
        self.commands = CommandTracks(contract, options.mapping, self._start)
        self._observed = set(self._aligner.topics)
        self._commanded = set(self.commands.topics())
        self._next: int | None = None  # [ns] Tick of the next frame, once all streams have begun
        self._newest_frame: Frame | None = None
        self._newest_message = 0  # [ns] In the bag's time
        self._rows = AlignedRows(contract, identity)
        self._account = TickAccount()
        self._notes: list[str] = []

    @property
    def unreadable(self) -> int:
        """Number of messages that were left out."""
        return sum(each.total for each in self._rejections())

    def _rejections(self) -> tuple[Rejections, ...]:
        return self._strays, self._aligner.rejections, self.commands.rejections

    def reads(self, topics: Collection[str]) -> bool:
        """Return whether the content of messages on any of these topics is needed."""
        return not (self._observed.isdisjoint(topics) and self._commanded.isdisjoint(topics))

    def refuse(self, topic: str, reason: str) -> None:
        """Count a message that can't be decoded."""
        self._strays.add(topic, reason)

    def add(self, topic: str, message: Any, received: int) -> int | None:
        """Add a message.

        Args:
            topic: The contract's name of its topic.
            message: The message; None if the topic is not read.
            received: When it was received, in the bag's time [ns].

        Returns:
            When it was received by the clock of the stamps [ns]; None if its content is needed and
            can't be used.

        Raises:
            FrameError: The frame of a tick can't be made.
        """
        time = self.clock(received)
        self._newest_message = max(self._newest_message, received)
        # No further message can change frames before that.
        self._make_frames(min(self.clock(self._newest_message - self._settle), self._end + 1))
        if topic in self._commanded:
            self.commands.add(topic, message, time)
        if self.commands.have_ended:
            return None
        if topic in self._observed:
            restarts = self._aligner.restarts
            try:
                self._stamps.check(topic, message, time,
                                   self._cut.start <= received <= self._cut.end)
            except CodecError as error:
                self._strays.add(topic, str(error))
                return None
            try:
                stamp = self._aligner.add(topic, message, time)
            except CodecError:
                return None  # counted by the aligner
            if self._aligner.restarts > restarts and self._next is not None:
                raise FrameError(f'{topic}: a second clock began within the episode: its stamps '
                                 f'went back to {stamp / 1e9:.3f} s')
            self._shared.add(topic, message)
            self._rows.add_sample(stamp)
            if not self.messages.ticks:
                self._begin.add(topic, stamp)
        return time

    def _make_frames(self, until: int) -> None:
        """Make the frames of all ticks before a time [ns].

        Raises:
            FrameError: One can't be made.
        """
        while not self.commands.have_ended:
            if self._next is None:
                frame = self._begin.find(until)
                if frame is None:
                    return
                self._note_begin(frame)
                self._newest_frame = frame
                self._next = frame.stamp + self._contract.period_ns
            if self._next >= until:
                return
            try:
                frame = self._frame(self._next)
            except FrameError:
                if self.messages.ticks:
                    raise
                self._next = None  # the commands hadn't begun, either
                continue
            self._add_tick(self._newest_frame, frame)

    def _frame(self, tick: int) -> Frame:
        """Return the frame of a tick; a late one if its stream soon went on.

        Raises:
            FrameError: It can't be made, or a stream pauses for longer than messages take.
        """
        frame = self._aligner.late_frame(tick)
        if not frame.late:
            return frame
        if not self.messages.ticks or self._aligner.newest_complete() <= tick:
            raise FrameError(frame.late)
        self._account.add_unseen(frame.late)
        return frame

    def _note_begin(self, frame: Frame) -> None:
        lost = frame.stamp - self._start
        if lost >= self._contract.period_ns:
            self._notes = [f'the first {lost / 1e9:.3f} s are left out: {self._begin.topic} was '
                           'the last to begin']

    def _add_tick(self, frame: Frame, following: Frame) -> None:
        """Add a tick, if it has an action: the episode begins with the first one that has."""
        action = self.commands.action(frame, following)
        if self.commands.have_ended:
            return
        if action is not None:
            if not self.messages.ticks:
                self.messages.start(frame.stamp)
                self._rows.add_frame(frame, self._builder.build(frame.values))
            self.messages.execute(frame.stamp, action, frame.age)
            self._rows.actions.append(action)
            self._rows.add_frame(following, self._builder.build(following.values))
        elif following.stamp - self._start >= self._contract.period_ns:
            lost = (following.stamp - self._start) / 1e9
            self._notes = [f'the first {lost:.3f} s are left out: {self.commands.missing}']
        self._newest_frame = following
        self._next = following.stamp + self._contract.period_ns

    def finish(self) -> None:
        """Make the remaining frames and write the end of the episode.

        Raises:
            FrameError: The episode is too short, a stream has no message, or the stamps are of two
                clocks.
        """
        end = min(self._end, self.clock(self._newest_message))
        try:
            self._make_frames(end + 1)
        except CommandError:
            raise
        except FrameError as error:
            if self._next <= self._aligner.newest_complete():
                raise
            # The streams don't end at the same moment.
            if end - self._next >= self._contract.period_ns:
                self._notes.append(f'the last {(end - self._next) / 1e9:.3f} s are left out: '
                                   f'{error}')
        if self._next is None and not self.commands.asked:
            raise FrameError(self._nothing_usable())
        fault = self._fault()
        if fault:
            raise FrameError(fault)
        if self.commands.asked and self.commands.problem():
            raise CommandsError(self.commands.problem())
        if self.messages.ticks < _SHORTEST:
            raise FrameError('; '.join(filter(None, [
                f'{self.messages.ticks} ticks are too short for an episode',
                self.commands.missing])))
        if self.commands.have_ended:
            self._notes.append(f'the last {(end - self._newest_frame.stamp) / 1e9:.3f} s are left '
                               'out')
        self.messages.end(self._newest_frame.stamp)

    def _nothing_usable(self) -> str:
        """Return why no frame could be made."""
        topic = self._begin.topic
        for each in self._rejections():
            if self._begin.reason.endswith(': nothing came') and topic in each.counts:
                return (f'{topic}: none of its {each.counts[topic]} messages could be used; the '
                        f'first: {each.reasons[topic].removeprefix(f"{topic}: ")}')
        return self._begin.reason or 'nothing came'

    def aligned(self) -> RecordedEpisode | None:
        """Return the episode as reading its bag would; None if reading might differ."""
        return None if self._aligner.restarts else self._rows.episode(self.messages.outcome)

    def notes(self) -> list[str]:
        """Return sentences about what was done to the episode."""
        account = self._account.of(self.messages.ticks)
        return [*self.clock.notes(), *self._notes, *filter(None, [account]),
                *self.commands.sentences(),
                *self._stamps.notes(), *self._aligner.notes(),
                *(line for each in self._rejections() for line in each.lines())]

    def _fault(self, failed: bool = False) -> str:
        """Return what is wrong with clocks or topics ('' if nothing): see StampCheck.fault."""
        return self.clock.fault or self._stamps.fault(failed) or self._shared.problem()

    def explain(self, reason: str) -> str:
        """Return why and where the episode is rejected."""
        fault = self._fault(failed=True)
        if fault:
            return fault
        if self._next is None:
            return f'no frame can be made: {reason}'
        pause = ('. If the recording pauses there, cut it into episodes (--cut gaps:SECONDS)'
                 if self._is_whole and ' old, ' in reason else '')
        return f'at {(self._next - self._start) / 1e9:.3f} s: {reason}{pause}'
