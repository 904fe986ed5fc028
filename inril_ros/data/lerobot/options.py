# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the import of a LeRobotDataset needs to know beside the dataset and the contract."""

from collections.abc import Sequence
from dataclasses import dataclass

from inril_ros.robot.episode import EpisodeOutcome


@dataclass(frozen=True)
class LeRobotOptions:
    """What a dataset doesn't say about itself, and what may be done to it.

    Attributes:
        names: ``CONTRACT=DATASET``: joints and cameras that have other names there.
        units: ``UNIT``, or ``JOINT=UNIT``; see ``units``.
        outcome: The outcome of episodes for which the dataset has none.
        task: The task of episodes for which the dataset has none.
        operator: The name of the person who drove.
        resample: Whether frames at another rate become ticks at the contract's.
        stretch: Whether images may be distorted to the size of the contract's camera.
        skip_broken: Whether the other episodes are imported if some are not whole.
    """

    names: Sequence[str] = ()
    units: Sequence[str] = ()
    outcome: EpisodeOutcome | None = None
    task: str = ''
    operator: str = ''
    resample: bool = False
    stretch: bool = False
    skip_broken: bool = False
