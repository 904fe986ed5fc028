# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is rest at the ends of demonstrations, and how much of it is kept."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class RestRules:
    """What is rest, and how much of it is kept.

    Attributes:
        share: Share of a joint's range, and of the highest speed of a velocity command, up to
            which it rests. 0: nothing is left out.
        begin: [s] Rest at the beginning that is kept.
        end: [s] Rest at the end that is kept: the arm also waits until success is confirmed.

    Raises:
        ValueError: A value is out of range.
    """

    share: float = 0.005
    begin: float = 0.2
    end: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 0.5:
            raise ValueError(f'rest.share {self.share}: allowed are 0 to 0.5')
        for name in ('begin', 'end'):
            value = getattr(self, name)
            if not 0.0 <= value <= 3600.0:
                raise ValueError(f'rest.{name} {value}: allowed are 0 to 3600 s')

    def to_json(self) -> dict[str, float]:
        """Return the rules as plain data."""
        return asdict(self)


#: Nothing is left out.
ALL_KEPT = RestRules(share=0.0)
