# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What an import needs to know beside the recording and the contract."""

from dataclasses import dataclass, field

from inril_ros.data.importing.episode_cuts import CutRule
from inril_ros.data.importing.import_mapping import ImportMapping
from inril_ros.robot.episode import EpisodeOutcome


@dataclass(frozen=True)
class ImportOptions:
    """The settings of an import.

    Attributes:
        mapping: The bag's names of topics, and where commands are found.
        cut: The rule by which the recording is cut into episodes.
        namespace: The robot's namespace in the bag.
        outcome: The outcome of episodes for which the cuts name none.
        task: The task of episodes for which the cuts name none.
        operator: The name of the person who drove.
        settle: How much later than its stamp a message may arrive [s].
    """

    mapping: ImportMapping = field(default_factory=ImportMapping)
    cut: CutRule = field(default_factory=lambda: CutRule('whole'))
    namespace: str = '/'
    outcome: EpisodeOutcome = EpisodeOutcome.SUCCESS
    task: str = ''
    operator: str = ''
    settle: float = 0.2
