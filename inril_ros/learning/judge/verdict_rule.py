# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""When a judge says success: k of the last n frames must show it.

One frame of a hand before the lens or of a ball that rolls past its goal must end no episode.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inril_ros.learning.configuration import BoundedConfig


@dataclass(frozen=True)
class VerdictRule(BoundedConfig):
    """At least `needed` of the last `of` frames have a probability of at least `threshold`."""

    BOUNDS = {'threshold': (0.0, 1.0), 'needed': (1, 100), 'of': (1, 100)}

    threshold: float = 0.5
    needed: int = 3
    of: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.needed > self.of:
            raise ValueError(f'VerdictRule.needed: {self.needed} is more than of, {self.of}')

    def agreed(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return (N,) what `needed` of the last `of` probabilities (N,) reach; at first 0.

        The rule says success at each frame whose value is at least the threshold.
        """
        padded = np.concatenate([np.zeros(self.of - 1), probabilities])
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.of)
        return np.sort(windows, axis=1)[:, self.of - self.needed]

    def first(self, probabilities: NDArray[np.floating]) -> int | None:
        """Return the first frame at which the rule says success; None: at none."""
        said = np.flatnonzero(self.agreed(probabilities) >= self.threshold)
        return int(said[0]) if len(said) else None
