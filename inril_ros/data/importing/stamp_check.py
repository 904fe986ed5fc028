# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether the stamps of each topic are of the episode's clock.

A message with a stray stamp is left out. A topic whose stamps are of another clock, such as that
of another computer, can't be aligned with the others, so the episode is refused.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inril_ros.data.importing.clock_map import SAME_CLOCK
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.fields import TRANSFORMS
from inril_ros.robot.messages.codecs import CodecError, stamp_ns

_STRAY = 1_000_000_000  # [ns] A stamp that is farther off is not of the clock
_RUN = 5  # stray stamps in a row that may be a clock of their own, if it lasts
_LASTS = 1_000_000_000  # [ns]
_AHEAD = 20_000_000  # [ns] Stamps that are farther ahead are worth a sentence
_FEWEST = 3  # messages by which a clock is measured
_FAST = 75  # [%] Messages that are slower than most say less about the clock
_MOST = 2000  # offsets kept per topic


@dataclass
class _Topic:
    """The stamps of one topic, compared with the episode's clock.

    Attributes:
        latency: How far [ns] the contract says that stamps are ahead.
        number: Number of messages.
        unset: Number of stamps that are 0.
        newest: The newest stamp [ns] that was not a stray.
        offsets: How far [ns] stamps were ahead of the clock, evenly spread over the episode.
        run: Clock [ns] and stamp [ns] of the stray stamps since then.
    """

    latency: int
    number: int = 0
    unset: int = 0
    newest: int = 0
    offsets: list[int] = field(default_factory=list)
    spacing: int = 1
    run: list[tuple[int, int]] = field(default_factory=list)

    def add(self, offset: int) -> None:
        """Keep how far a stamp is ahead, if it is its turn."""
        if self.number % self.spacing == 0:
            self.offsets.append(offset)
        if len(self.offsets) > _MOST:
            self.offsets, self.spacing = self.offsets[::2], 2 * self.spacing


class StampCheck:
    """Compares the stamps of an episode with its clock.

    Args:
        contract: The robot's contract.
        start: The episode's clock [ns] at its start.
        late: How much later than its stamp [ns] a message may arrive, by that clock.

    Attributes:
        restart: What is wrong if there was a second clock within the episode; else empty.
    """

    def __init__(self, contract: Contract, start: int, late: int) -> None:
        self._contract = contract
        self._start = start
        self._late = max(late, SAME_CLOCK)
        self._topics: dict[str, _Topic] = {}
        sources = [entry for entry in contract.observations.values()
                   if entry.clock == 'header' and not entry.latched and entry.type != TRANSFORMS]
        for source in (*sources, *contract.policy_cameras.values()):
            latency = round(source.latency * 1e9)
            self._topics.setdefault(source.topic, _Topic(latency))
        self.restart = ''

    def check(self, topic: str, message: Any, clock: int, inside: bool) -> None:
        """Check the stamp of a message.

        Args:
            topic: The contract's name of its topic.
            message: The message.
            clock: The episode's clock [ns] when it was received.
            inside: Whether that was within the episode's span.

        Raises:
            CodecError: The stamp is not of the episode's clock.
        """
        seen = self._topics.get(topic)
        if seen is None or not hasattr(message, 'header'):
            return
        stamp = stamp_ns(message)
        seen.number += 1
        if not stamp:
            seen.unset += 1
            return
        seen.add(stamp - clock)
        ahead = stamp - clock - seen.latency
        if ahead > _STRAY or (ahead < -_STRAY and not 0 < seen.newest <= stamp):
            if inside:
                seen.run.append((clock, stamp))
            raise CodecError(f'{topic}: its stamp is {_seconds(stamp - clock)} the clock of the '
                             'other stamps')
        self.restart = self.restart or self._other_clock(topic, seen, _RUN, _LASTS)
        seen.run.clear()
        seen.newest = stamp

    def _other_clock(self, topic: str, seen: _Topic, least: int, lasts: int) -> str:
        """Return what the last stray stamps say if they are of a clock of their own, else ''."""
        if len(seen.run) < least or seen.run[-1][0] - seen.run[0][0] < lasts:
            return ''
        offsets = [stamp - clock for clock, stamp in seen.run]
        if max(offsets) - min(offsets) > _STRAY:
            return ''
        offset = _seconds(int(np.median(offsets)))
        return (f'{topic}: a second clock within the episode: from '
                f'{(seen.run[0][0] - self._start) / 1e9:.3f} s to '
                f'{(seen.run[-1][0] - self._start) / 1e9:.3f} s its stamps are {offset} the clock '
                'of the rest. Cut the recording there (--cut csv)')

    def fault(self, failed: bool = False) -> str:
        """Return why the stamps of a topic can't be used and what to do; '' if they can.

        Args:
            failed: Whether the episode failed anyway: then a few stray stamps are its reason.
        """
        for topic, seen in self._topics.items():
            if seen.number and seen.unset == seen.number:
                return (f'{topic}: all {seen.number} stamps are 0: its sender sets no time. '
                        f'{self._remedy(topic)}')
        for topic, seen in self._topics.items():
            if len(seen.offsets) < _FEWEST:
                continue
            offset = round(float(np.percentile(seen.offsets, _FAST)))
            if not -self._late <= offset <= seen.latency + SAME_CLOCK:
                others = sorted(other for other in self._topics if other != topic and (
                    self._topics[other].newest))
                return (f'{topic}: its stamps (clock: header) are {_seconds(offset)} '
                        f'{f"the clock of {others[0]}" if others else "the clock of the episode"}'
                        f', measured on {len(seen.offsets)} messages. {self._remedy(topic)}')
        if self.restart:
            return self.restart
        least, lasts = (2, 0) if failed else (_RUN, _LASTS)
        for topic, seen in self._topics.items():
            found = self._other_clock(topic, seen, least, lasts) if seen.newest else ''
            if found:
                return found
        return ''

    def _remedy(self, topic: str) -> str:
        """Return what can be done about a topic without usable stamps."""
        names = [name for name, entry in self._contract.observations.items()
                 if entry.topic == topic]
        receive = ('Set clock: receive for the observation' + ('s ' if len(names) > 1 else ' ')
                   + ', '.join(names) + ' in the contract') if names else (
            'Let the driver of the camera stamp its images by the clock of ROS')
        return (f'{receive}; for new recordings synchronise the computers (chrony, PTP)')

    def notes(self) -> list[str]:
        """Return sentences about stamps that are used though they are ahead."""
        found = []
        for topic, seen in self._topics.items():
            if len(seen.offsets) < _FEWEST:
                continue
            offset = round(float(np.median(seen.offsets)))
            if offset > seen.latency + _AHEAD:
                found.append(f'{topic}: its stamps are {_seconds(offset)} the time at which its '
                             'messages came, so each is used that much later')
        return found


def _seconds(offset: int) -> str:
    """Return an offset [ns] in words."""
    return f'{abs(offset) / 1e9:.3f} s {"ahead of" if offset > 0 else "behind"}'
