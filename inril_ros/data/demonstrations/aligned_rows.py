# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The arrays of an episode, collected while its bag is written."""

import numpy as np

from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.data.frames.frame import Frame
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.fields import TRANSFORMS
from inril_ros.robot.episode import EpisodeOutcome

_TELEOP = 2


class AlignedRows:
    """Frames and actions of an episode that a person drove, in order.

    They equal what ``read_episode`` will return, unless a message came so late that its sample
    belongs into a frame that was made without it: a reader of the bag has it in time.

    Attributes:
        actions: The action (A,) float32 of each tick but the last.
    """

    def __init__(self, contract: Contract, identity: str) -> None:
        self._identity = identity
        self._observations: list[np.ndarray] = []
        self._audit: list[tuple[float, float, float]] = []
        self._shown = 0
        # Whether the arrays will be those of the bag. Not known for images, which are decoded
        # later, and for messages with more than one time: TF, or observations by two clocks.
        clocks: dict[str, set[str]] = {}
        for entry in contract.observations.values():
            clocks.setdefault(entry.topic, set()).add(entry.clock)
        self._sure = (
            contract.policy_images is None and all(len(kinds) == 1 for kinds in clocks.values())
            and all(entry.type != TRANSFORMS for entry in contract.observations.values()))
        self.actions: list[np.ndarray] = []

    def add_sample(self, stamp: int) -> None:
        """Add the time [ns] of a sample."""
        self._sure = self._sure and stamp > self._shown

    def add_frame(self, frame: Frame, observation: np.ndarray) -> None:
        """Add the frame of a tick and the policy's observation (O,) at it."""
        self._shown = frame.stamp
        self._sure = self._sure and not frame.late
        self._observations.append(observation)
        self._audit.append((frame.age, frame.skew, frame.gap))

    def episode(self, outcome: EpisodeOutcome) -> RecordedEpisode | None:
        """Return the episode; None if reading its bag might give another one."""
        if not self._sure or not self.actions:
            return None
        rewards = np.zeros(len(self.actions), np.float32)
        rewards[-1] = outcome is EpisodeOutcome.SUCCESS
        age, skew, gap = np.array(self._audit, np.float32).T
        return RecordedEpisode(
            self._identity, np.stack(self._observations), np.stack(self.actions),
            np.full(len(self.actions), _TELEOP, np.uint8), rewards, outcome.value, age, skew, gap)
