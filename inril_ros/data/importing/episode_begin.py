# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The first tick of an episode: the first time at which a frame can be made."""

from heapq import heappop, heappush

from inril_ros.data.frames.frame import Frame
from inril_ros.data.frames.sync import FrameAligner, FrameError
from inril_ros.robot.contract.contract import Contract


class EpisodeBegin:
    """Looks for the first time at which every stream has a sample that is new enough.

    A sample becomes usable at its time, or later where the contract shows the world before the
    tick. Between such moments samples only grow older, so no other times need to be tried.

    Args:
        contract: The robot's contract.
        aligner: Holds the samples and makes the frames.
        start: The earliest first tick [ns].

    Attributes:
        reason: Why there was no frame at the newest time that was tried; empty before the first.
    """

    def __init__(self, contract: Contract, aligner: FrameAligner, start: int) -> None:
        self._aligner = aligner
        self._start = start
        self._times = [start]  # heap of the times to try
        self.reason = ''
        waits: dict[str, set[int]] = {}
        sources = [*contract.observations.values(), *contract.policy_cameras.values()]
        for source in sources:
            wait = round(contract.observation_delay * 1e9) - round(source.latency * 1e9)
            waits.setdefault(source.topic, set()).add(max(0, wait))
        self._waits = waits

    @property
    def topic(self) -> str:
        """The topic that the newest time that was tried lacked; empty before the first."""
        return self.reason.partition(': ')[0]

    def add(self, topic: str, time: int) -> None:
        """Add the time [ns] of a sample."""
        for wait in self._waits.get(topic, ()):
            if time + wait > self._start:
                heappush(self._times, time + wait)

    def find(self, until: int) -> Frame | None:
        """Return the first frame that can be made before a time [ns], None if there is none yet.

        Samples before that time must have been added.
        """
        while self._times and self._times[0] < until:
            time = heappop(self._times)
            missing = self._aligner.missing()
            if missing:
                self.reason = list(missing.values())[-1]
                continue
            try:
                return self._aligner.frame(time)
            except FrameError as error:
                self.reason = str(error)
        return None
