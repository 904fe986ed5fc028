# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether the stamps of each topic are of the episode's clock.

A message with a stray stamp is left out. A topic whose stamps are of another clock, such as that
of another computer, can't be aligned with the others, so the episode is refused.
"""

import math
from typing import Any

import numpy as np

from inril_ros.data.importing.clock_map import SAME_CLOCK
from inril_ros.data.importing.topic_stamps import STRAY, TopicStamps
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.fields import TRANSFORMS
from inril_ros.robot.contract.parts import static_topic
from inril_ros.robot.messages.codecs import CodecError, header_stamp_ns, stamp_ns

_RUN = 5  # stray stamps in a row that may be a clock of their own, if it lasts
_LASTS = 1_000_000_000  # [ns]
_FUTURE = 1_500_000_000  # [ns] Localisers stamp transforms with how long these will hold
_NOTABLE = 20_000_000  # [ns] Stamps that are farther ahead, or drift by more, are worth a sentence
_PATIENCE = 10_000_000_000  # [ns] No message takes longer
_SLOW = 100_000_000  # [ns] So are those that are farther behind


class StampCheck:
    """Compares the stamps of an episode with its clock.

    Args:
        contract: The robot's contract.
        start: The episode's clock [ns] at its start.
        late: How much later than its stamp [ns] a message may arrive, by that clock.
    """

    def __init__(self, contract: Contract, start: int, late: int) -> None:
        self._contract = contract
        self._start = start
        self._late = max(late, SAME_CLOCK)
        self._topics: dict[str, TopicStamps] = {}
        self._transforms: dict[str, dict[str, TopicStamps]] = {}  # by topic and child
        self._parents: dict[str, dict[str, str]] = {}
        entries = [entry for entry in contract.observations.values() if not entry.latched]
        for entry in entries:
            if entry.type == TRANSFORMS:
                self._transforms[entry.topic] = {}
                parents = self._parents.setdefault(entry.topic, {})
                self._parents[static_topic(entry.topic)] = parents
        for source in (*(entry for entry in entries if entry.clock == 'header'
                         and entry.type != TRANSFORMS), *contract.policy_cameras.values()):
            self._topics.setdefault(
                source.topic, TopicStamps(round(source.latency * 1e9), self._late))
        self._restart = ''

    def check(self, topic: str, message: Any, clock: int, inside: bool) -> None:
        """Check the stamps of a message.

        Args:
            topic: The contract's name of its topic.
            message: The message.
            clock: The episode's clock [ns] when it was received.
            inside: Whether that was within the episode's span.

        Raises:
            CodecError: The stamp is not of the episode's clock.
        """
        if topic in self._parents:
            self._check_transforms(topic, message, clock)
        seen = self._topics.get(topic)
        if seen is None or not hasattr(message, 'header'):
            return
        stamp = stamp_ns(message)
        if not seen.add(stamp, clock, inside):
            raise CodecError(f'{topic}: its stamp is {_seconds(stamp - clock)} the clock of the '
                             'other stamps')
        if stamp:
            self._restart = self._restart or self._second_clock(topic, seen, _RUN, _LASTS)
            seen.run.clear()

    def _check_transforms(self, topic: str, message: Any, clock: int) -> None:
        for each in message.transforms:
            child = each.child_frame_id.lstrip('/')
            self._parents[topic][child] = each.header.frame_id.lstrip('/')
            if topic in self._transforms:
                seen = self._transforms[topic].setdefault(
                    child, TopicStamps(0, self._late, _FUTURE))
                seen.add(header_stamp_ns(each.header), clock)

    def _compared(self) -> dict[str, TopicStamps]:
        """Return the stamps that frames depend on, by what they are of."""
        found = dict(self._topics)
        for entry in self._contract.observations.values():
            if entry.topic in self._transforms:
                parents = self._parents[entry.topic]
                # Transforms above both frames don't count.
                chain = _ancestors(entry.parent, parents) ^ _ancestors(entry.child, parents)
                found |= {f'{entry.topic}, the transform to {child}': seen
                          for child, seen in self._transforms[entry.topic].items()
                          if child in chain}
        return found

    def _second_clock(self, topic: str, seen: TopicStamps, least: int, lasts: int) -> str:
        """Return what the last stray stamps say if they are of a clock of their own, else ''."""
        if len(seen.run) < least or seen.run[-1][0] - seen.run[0][0] < lasts:
            return ''
        offsets = [stamp - clock for clock, stamp in seen.run]
        if max(offsets) - min(offsets) > STRAY:
            return ''
        begin, end = ((clock - self._start) / 1e9 for clock, _ in (seen.run[0], seen.run[-1]))
        return (f'{topic}: a second clock within the episode: from {begin:.3f} s to {end:.3f} s '
                f'its stamps are {_seconds(int(np.median(offsets)))} the clock of the rest. Cut '
                'the recording there (--cut csv)')

    def fault(self, failed: bool = False) -> str:
        """Return why the stamps of a topic can't be used and what to do; '' if they can.

        Args:
            failed: Whether the episode failed anyway: then a few stray stamps are its reason.
        """
        compared = self._compared()
        for name, seen in compared.items():
            fault = seen.without_time() or (seen.repetition() if failed else '')
            if fault:
                return f'{name}: {fault}. {self._remedy(name, None)}'
        for name, seen in compared.items():
            found = seen.other_clock()
            if found is not None:
                others = [other for other, each in compared.items() if other != name and each.used
                          and each.other_clock() is None]
                of = f'of {others[0]}' if others else 'of the episode'
                return self._another_clock(name, found[0], of, found[1])
        offsets = {name: seen.offset() for name, seen in self._topics.items()
                   if seen.offset() is not None}
        if offsets:
            # Messages are late at times, but none is early.
            first, last = max(offsets, key=offsets.get), min(offsets, key=offsets.get)
            apart = offsets[first] - offsets[last]
            if apart > SAME_CLOCK and offsets[first] > _NOTABLE:
                return self._another_clock(
                    first, apart, f'of {last}', len(self._topics[first].used))
        if self._restart:
            return self._restart
        least, lasts = (2, 0) if failed else (_RUN, _LASTS)
        runs = (self._second_clock(name, seen, least, lasts)
                for name, seen in self._topics.items() if seen.used)
        return next(filter(None, runs), '')

    def _another_clock(self, name: str, offset: int, of: str, number: int) -> str:
        return (f'{name}: its stamps (clock: header) are {_seconds(offset)} the clock {of}, '
                f'measured on {number} messages. {self._remedy(name, offset)}')

    def _remedy(self, name: str, offset: int | None) -> str:
        """Return what can be done about a topic whose stamps are off [ns], or not set."""
        topic = name.partition(',')[0]
        names = [name for name, entry in self._contract.observations.items()
                 if entry.topic == topic and entry.type != TRANSFORMS]
        remedies = [f'set clock: receive for {" and ".join(names)} in the contract'] * bool(names)
        if topic not in self._transforms:
            value = 'receive' if offset is None else f'{-offset / 1e9:.3f}'
            remedies.append(f'correct its stamps in a mapping (stamps: {{{topic}: {value}}})')
        if offset is not None and -_PATIENCE < offset < 0:
            remedies.append('if its messages did take so long, import with --settle '
                            f'{math.ceil(-offset / 1e8) / 10 + 0.1:.1f}')
        for_new = ('let its sender set the time' if offset is None else
                   'synchronise the computers (chrony, PTP)')
        text = ', or '.join([*remedies, f'for new recordings {for_new}'])
        return text[0].upper() + text[1:]

    def notes(self) -> list[str]:
        """Return sentences about stamps that are used though they are a little off."""
        found = []
        for name, seen in self._compared().items():
            offset, drift = seen.offset(), seen.drift()
            if offset is not None and not -_SLOW <= offset <= _NOTABLE:
                found.append(
                    f'{name}: its stamps are {_seconds(offset)} the time at which its messages '
                    'came' + (', so each is used that much later' if offset > 0 else
                              ': right if they took so long, wrong if two clocks differ'))
            if seen.repetition():
                found.append(f'{name}: {seen.repetition()}')
            if abs(drift) > 2 * _NOTABLE:
                found.append(f'{name}: its stamps drift by {drift / 1e9:+.3f} s against the time '
                             'at which its messages came')
        return found


def _ancestors(frame: str, parents: dict[str, str]) -> set[str]:
    """Return a frame and all above it, without the root."""
    found = set()
    while frame in parents and frame not in found:
        found.add(frame)
        frame = parents[frame]
    return found


def _seconds(offset: int) -> str:
    """Return an offset [ns] in words."""
    return f'{abs(offset) / 1e9:.3f} s {"ahead of" if offset > 0 else "behind"}'
