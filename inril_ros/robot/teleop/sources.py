# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Several teleop devices at one robot: how they are told apart, and which of them drives.

ROS doesn't tell who sent a message. So a teleop node writes who it is into the header of what it
sends, as ``frame_id``. All messages without that are of one source, ``other``.
"""

from collections.abc import Collection, Sequence

_TAG = 'teleop'
_LONGEST = 200  # characters of a tag
#: The source of messages that don't say who sent them.
OTHER = 'other'


def source_tag(device: str, node: str, process: str) -> str:
    """Return the ``frame_id`` of a teleop node's messages.

    Args:
        device: Kind of its device.
        node: Its full name.
        process: What distinguishes it from a node of the same name.
    """
    return ':'.join((_TAG, device, node, process))


def source_of(frame_id: str) -> str:
    """Return the source of a message, by its ``frame_id``."""
    if not frame_id.startswith(f'{_TAG}:') or len(frame_id) > _LONGEST:
        return OTHER
    return frame_id.partition(':')[2]


def device_of(source: str) -> str:
    """Return the kind of a source's device; ``other`` if it isn't known."""
    return source.partition(':')[0]


def node_of(source: str) -> str:
    """Return the full name of a source's node; empty if it isn't known."""
    return source.partition(':')[2].partition(':')[0]


def in_words(source: str) -> str:
    """Return a source as people call it."""
    return f'{device_of(source)} of {node_of(source)}' if node_of(source) else source


class Lease:
    """Decides which of the sources that want to drive does.

    The one that drives keeps the robot while it is engaged and for a while after. Another one gets
    it earlier only if its device stands before in the order.

    Args:
        order: Kinds of devices; those not in it come last, and are equal.
        duration: [s] Time that the robot is kept for a source that let go.
    """

    def __init__(self, order: Sequence[str], duration: float) -> None:
        self._ranks = {device: rank for rank, device in enumerate(order)}
        self._duration = duration
        self.begin()

    def begin(self) -> None:
        """Forget who drove."""
        self.holder = ''
        self._engaged_at = float('-inf')

    def update(self, now: float, engaged: Collection[str]) -> str:
        """Return who drives in the tick at ``now`` [s]; empty if nobody does.

        Where one takes over from another, nobody drives for a tick, and motion begins anew.

        Args:
            now: [s] Time of the tick.
            engaged: The sources that want to drive.
        """
        if self.holder in engaged:
            self._engaged_at = now
        elif now - self._engaged_at >= self._duration:
            self.holder = ''
        first = min(engaged, key=lambda source: (self._rank(source), source), default='')
        if first and (not self.holder or self._rank(first) < self._rank(self.holder)):
            taken_over, self.holder = bool(self.holder), first
            self._engaged_at = now
            return '' if taken_over else first
        return self.holder if self.holder in engaged else ''

    def _rank(self, source: str) -> int:
        return self._ranks.get(device_of(source), len(self._ranks))
