# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""When versions are judged while fine-tuning runs."""

from dataclasses import dataclass

from inril_ros.learning.configuration import BoundedConfig


@dataclass(frozen=True)
class EvaluationBlocks(BoundedConfig):
    """The key ``evaluation`` of the fine-tuning settings.

    Attributes:
        every: Environment steps between two blocks; 0: versions are not judged.
        episodes: Episodes of a block.
    """

    BOUNDS = {'every': (0, 10 ** 9), 'episodes': (1, 1000)}

    every: int = 5000
    episodes: int = 10
