# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which values of a contract its file says, and which are defaults."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inril_ros.robot.contract.contract import ContractError
from inril_ros.robot.yaml_file import load_yaml


@dataclass
class Given:
    """The content of a contract's file.

    Attributes:
        content: The file's data.
        lacking: Whether a default was marked.
    """

    content: Any
    lacking: bool = field(default=False, init=False)

    @classmethod
    def of(cls, path: Path) -> 'Given':
        """Return the content of a file.

        Raises:
            ContractError: It can't be read.
        """
        return cls(load_yaml(path, ContractError)[0])

    def mark(self, text: str, *key: str) -> str:
        """Return a value's text, with a star if the file doesn't have its key."""
        place = self.content
        for part in key:
            if not isinstance(place, dict) or part not in place:
                self.lacking = True
                return f'{text}*'
            place = place[part]
        return text
