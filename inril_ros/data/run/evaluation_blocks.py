# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""When versions are judged while fine-tuning runs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from inril_ros.data.run.settings import part, Settings


@dataclass(frozen=True)
class EvaluationBlocks:
    """The key ``evaluation`` of the fine-tuning settings.

    Attributes:
        every: Environment steps between two blocks; 0: versions are not judged.
        episodes: Episodes of a block.
    """

    BOUNDS: ClassVar[Mapping[str, tuple[int, int]]] = {
        'every': (0, 10 ** 9), 'episodes': (1, 1000)}

    every: int = 5000
    episodes: int = 10

    def __post_init__(self) -> None:
        for name, (low, high) in self.BOUNDS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ValueError(
                    f'EvaluationBlocks.{name}: {value} is not in [{low}, {high}]')


def blocks_of_run(noted: Settings, session: Mapping[str, Any]) -> EvaluationBlocks:
    """Return the blocks of a run: as its fine-tuning has noted them, else as in its settings file.

    Args:
        noted: What its fine-tuning has noted.
        session: Content of the settings file.

    Raises:
        ValueError: They are not valid.
    """
    known = {name: setting.value for name, setting in part(noted, 'evaluation').items()}
    said = session.get('evaluation', {})
    if not known:
        known = {'every': 0} if said is None else said
    names = {field.name for field in fields(EvaluationBlocks)}
    if not isinstance(known, Mapping) or not set(known) <= names:
        raise ValueError(f'evaluation: expected {" and ".join(sorted(names))}, or null for no '
                         f'evaluation, got {known!r}')
    return EvaluationBlocks(**known)
