# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From which tick's observation the next chunk is inferred.

A chunk that is inferred too late leaves ticks without an action; one that is inferred too early
throws away steps of the chunk before it, and sees less. So the delay is measured, and the next
inference begins when its first usable step will be the one after the running chunk's last.
"""

from inril_ros.robot.timing.delay import DelayEstimate


class InferenceTiming:
    """When to infer in one episode.

    Args:
        period: [s] One tick.
        lead: [ticks] From the observation to the first step of its chunk.
        paced: Ticks follow a clock. In lockstep they wait, and a delay is no time at all.
    """

    def __init__(self, period: float, lead: int, paced: bool) -> None:
        self._lead = lead
        self._paced = paced
        self.delay = DelayEstimate(period)
        self.begin()

    def begin(self) -> None:
        """Start an episode: its first observation is inferred from."""
        self._due = 0
        self._paused = False

    def is_due(self, tick: int) -> bool:
        """Say whether to infer from the observation of a tick."""
        return not self._paused and tick >= self._due

    def inferred(self, tick: int, steps: int, seconds: float) -> None:
        """Take note of a chunk.

        Args:
            tick: Whose observation it was inferred from; its first step is ``lead`` ticks later.
            steps: Its length.
            seconds: [s] From the time of that tick until the chunk was sent.
        """
        needed = self._lead
        if self._paced:
            self.delay.add(seconds)
            needed = max(needed, self.delay.ticks)
        self._due = max(tick + 1, tick + self._lead + steps - needed)

    def pause(self) -> None:
        """A person drives: what would be planned is void when they let go."""
        self._paused = True

    def replan(self, tick: int) -> None:
        """The person has let go: infer from the observation of ``tick``, or of the first after it.

        One before that shows what a person was doing, and its chunk would be refused.
        """
        self._due, self._paused = tick, False
