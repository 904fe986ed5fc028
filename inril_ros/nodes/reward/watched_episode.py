# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An episode as its classifier sees it: probabilities of its images, its verdict, the truth."""

from collections import deque

import numpy as np

from inril_ros.learning.judge.verdict_rule import VerdictRule


class WatchedEpisode:
    """The images of one episode, from its first observation on.

    Args:
        rule: When the classifier says success.
        told: Whether a simulator tells when the task is done.

    Attributes:
        began: [ns] Stamp of its first observation.
        agreed: What enough of the last images reached: from its threshold on the rule says
            success.
        highest: The highest value of that.
        said: [ns] Stamp of the observation at which it said success first; None: it didn't.
    """

    def __init__(self, rule: VerdictRule, told: bool, began: int = 0) -> None:
        self._rule = rule
        self.began = began
        self._told = told
        self._last: deque[tuple[int, float]] = deque(maxlen=rule.of)
        self.agreed = self.highest = 0.0
        self.said: int | None = None
        self._truth: list[tuple[int, bool]] = []  # changes of it, with their stamps
        self._to_be_seen = False

    def note_image(self, stamp: int, probability: float) -> None:
        """Note the probability of a new image, of the observation at a stamp [ns]."""
        self._last.append((stamp, probability))
        self.agreed = float(self._rule.agreed(np.array([each for _, each in self._last]))[-1])
        self.highest = max(self.highest, self.agreed)
        if self.said is None and self.agreed >= self._rule.threshold:
            self.said = stamp
        since, done = self._truth[-1] if self._truth else (stamp, False)
        if done and len(self._last) == self._rule.of and since <= self._last[0][0]:
            self._to_be_seen = True

    def note_truth(self, stamp: int, done: bool) -> None:
        """Note whether the task is done at a stamp [ns], before the image of that observation."""
        if not self._truth or self._truth[-1][1] is not done:
            self._truth.append((stamp, done))

    @property
    def done(self) -> bool | None:
        """Whether the task was done when the classifier said so.

        If it didn't: whether it was done for so many images that it should have. None: nobody
        told.
        """
        if not self._told:
            return None
        if self.said is None:
            return self._to_be_seen
        return next((done for stamp, done in reversed(self._truth) if stamp <= self.said), False)
