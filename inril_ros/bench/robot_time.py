# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a run would cost on a real arm, in minutes of the arm and of the person beside it."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from inril_ros.bench.task import STRICT


@dataclass(frozen=True, config=STRICT)
class RobotTime:
    """The pace that environment steps and resets are converted to minutes with.

    It changes no result: simulated robots have a rate of their own.

    Attributes:
        rate: Environment steps per second of the arm [Hz].
        reset_seconds: Time of a person per episode to reset the scene [s].
    """

    rate: Annotated[float, Field(gt=0.0, le=1e4)] = 10.0
    reset_seconds: Annotated[float, Field(ge=0.0, le=1e5)] = 10.0

    def minutes(self, row: Mapping[str, Any]) -> dict[str, float]:
        """Return ``robot_minutes`` and ``person_minutes`` of a row with steps and episodes.

        The arm is occupied while it acts and while the scene is reset; the person resets.
        Demonstrations and evaluation aren't counted.
        """
        person = row['episodes'] * self.reset_seconds
        return {'robot_minutes': round((row['env_steps'] / self.rate + person) / 60.0, 3),
                'person_minutes': round(person / 60.0, 3)}
