# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One episode of a foreign recording, written as the recorder would have written it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TYPE_CHECKING

from rosbags.highlevel import AnyReader

from inril_ros.data.aligned_cache import keep_aligned
from inril_ros.data.aligned_rows import AlignedRows
from inril_ros.data.bags import EpisodeBag
from inril_ros.data.command_tracks import CommandTracks
from inril_ros.data.episode import RecordedEpisode
from inril_ros.data.episode_cuts import Cut
from inril_ros.data.episode_messages import EpisodeMessages
from inril_ros.data.raw_messages import raw_messages, Row
from inril_ros.data.raw_values import RawValues
from inril_ros.data.sync import Frame, FrameAligner, FrameError, ObservationBuilder
from inril_ros.data.typestore import ros_typestore
from inril_ros.robot.codecs import CodecError
from inril_ros.robot.contract import Contract, FOREVER

if TYPE_CHECKING:
    from inril_ros.data.bag_import import ImportOptions, Links

_SHORTEST = 2  # ticks


def command(name: str) -> tuple[str, str]:
    """Return by which name the values of an action are read from a message."""
    return 'command', name


@dataclass(frozen=True)
class ImportedEpisode:
    """What became of one episode.

    Attributes:
        name: Of its bag.
        ticks: N, its length.
        seconds: [s] Likewise.
        messages: That were read.
        clipped: Ticks whose command was beyond the contract's limits, and was cut to them.
        unreadable: Messages that were left out: no time, wrong content, out of order.
        reason: Why it was rejected; empty: it is kept.
    """

    name: str
    ticks: int
    seconds: float
    messages: int
    clipped: int
    unreadable: int
    reason: str = ''

    @property
    def kept(self) -> bool:
        """Whether it is among the demonstrations."""
        return not self.reason


def write_episode(
    bag: EpisodeBag, reader: AnyReader, links: 'Links', contract: Contract, cut: Cut,
    options: 'ImportOptions', identity: str, name: str,
) -> ImportedEpisode:
    """Write one episode into a bag and close it.

    Args:
        bag: Open and empty.
        reader: Of the recording, open.
        links: What is read of it.
        contract: Of the robot.
        cut: Where the episode is, in the bag's time.
        options: Of the import.
        identity: UUID of the episode.
        name: Of the recording.
    """
    episode = _Episode(bag, contract, cut, options, identity, links.shift)
    try:
        types = reader.typestore if reader.is2 else None
        for time, link, raw in _messages(reader, links, contract, cut, options):
            topics = links.topics[link.id]
            message = None
            if not reader.is2 or episode.wants(topics):
                message = links.readers[link.id].read(raw)
                if message is None:
                    message = reader.deserialize(bytes(raw), link.msgtype)
            if not reader.is2:
                raw = ros_typestore().serialize_cdr(message, link.msgtype)
            for topic in topics:
                # As with the recorder, what can't be used isn't in the bag: it could not be read.
                if episode.take(topic, message, time + links.shift):
                    bag.write(topic, link.msgtype, time + links.shift, raw, types)
        episode.finish()
        reason = ''
    except FrameError as error:
        reason = episode.explain(str(error))
    except BaseException:
        bag.close({'outcome': 'incomplete'}, keep=False)
        raise
    path = bag.close({**episode.messages.information(name),
                      **({'reason': reason} if reason else {})}, keep=not reason)
    aligned = episode.aligned()
    if not reason and aligned is not None:
        keep_aligned(path, contract, aligned)
    return ImportedEpisode(
        bag.path.name, episode.messages.ticks, episode.messages.ticks * contract.period,
        bag.messages, episode.commands.clipped, episode.unreadable, reason)


def _messages(
    reader: AnyReader, links: 'Links', contract: Contract, cut: Cut, options: 'ImportOptions',
) -> Iterator[Row]:
    """Yield what belongs to an episode in the order of time, what was sent once first."""
    back = [span for span in contract.lookback(lockstep=False).values() if span != FOREVER]
    start = max(reader.start_time, cut.start - max(back, default=0))
    latched = [link for link in links.connections
               if set(links.topics[link.id]) & contract.latched_topics()]
    if latched and start > reader.start_time:
        yield from raw_messages(reader, latched, stop=start)
    stop = cut.end + round(options.settle * 1e9) + 1
    yield from raw_messages(reader, links.connections, start=start, stop=stop)


class _Episode:
    """Frames and actions of an episode while its messages pass."""

    def __init__(
        self, bag: EpisodeBag, contract: Contract, cut: Cut, options: 'ImportOptions',
        identity: str, shift: int,
    ) -> None:
        self._contract = contract
        self.messages = EpisodeMessages(
            bag, contract, identity, cut.outcome or options.outcome, cut.task or options.task,
            options.operator)
        self._start, self._end = cut.start + shift, cut.end + shift
        self._settle = round(options.settle * 1e9)
        self._aligner = FrameAligner(contract, images=True)
        self._builder = ObservationBuilder(contract)
        self.commands = CommandTracks(contract, options.mapping)
        self._observed = set(self._aligner.topics)
        self._commanded = set(self.commands.topics())
        self._next: int | None = None  # [ns] The tick whose frame is to be made
        self._frames: deque[Frame] = deque()
        self._newest = 0
        self._rows = AlignedRows(contract, identity)

    @property
    def unreadable(self) -> int:
        """Messages that were left out."""
        return self._aligner.rejected + self.commands.rejected

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
        if self._next is not None:
            while self._next <= self._end and time > self._next + self._settle:
                self._tick()
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

    def _tick(self) -> None:
        """Make the frame of the next tick, and the action of the one before it."""
        self._frames.append(self._aligner.frame(self._next))
        self._rows.observe(self._frames[-1], self._builder.build(self._frames[-1].values))
        self._next += self._contract.period_ns
        if len(self._frames) == 1:
            self.messages.start(self._frames[0].stamp)
            return
        frame, following = self._frames.popleft(), self._frames[0]
        action = self.commands.action(frame.stamp, frame.values, following.values)
        self.messages.execute(frame.stamp, action, frame.age)
        self._rows.actions.append(action)

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
