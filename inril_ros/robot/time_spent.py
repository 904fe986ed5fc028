# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The minutes that learning costs a robot and a person, from what was counted."""

from dataclasses import asdict, dataclass
from typing import Any

from inril_ros.robot.readable import duration


@dataclass(frozen=True)
class TimeSpent:
    """Counts of a run, and the minutes that they mean at the control rate.

    The wall clock plays no part: a simulation may run faster than the robot that it stands for.

    Attributes:
        rate: [Hz] Control rate.
        reset_seconds: [s] Time per reset, of the robot and of the person.
        steps: Environment steps of learning.
        resets: Episodes of learning.
        person_steps: Steps of these that a person commanded.
        demonstrations: Demonstrations, each with a reset.
        demonstrated_steps: Their steps.
    """

    rate: float
    reset_seconds: float
    steps: int = 0
    resets: int = 0
    person_steps: int = 0
    demonstrations: int = 0
    demonstrated_steps: int = 0

    @property
    def robot_minutes(self) -> float:
        """Minutes of learning on the robot: its steps and its resets."""
        return (self.steps / self.rate + self.resets * self.reset_seconds) / 60.0

    @property
    def person_minutes(self) -> float:
        """Minutes of a person: all resets, interventions and demonstrations."""
        driven = (self.person_steps + self.demonstrated_steps) / self.rate
        return (driven + (self.resets + self.demonstrations) * self.reset_seconds) / 60.0

    @property
    def minutes(self) -> dict[str, float]:
        """Both, by their names."""
        return {'robot_minutes': self.robot_minutes, 'person_minutes': self.person_minutes}

    def to_json(self) -> dict[str, Any]:
        """Return counts and minutes as plain data."""
        return {**asdict(self), **self.minutes}


def in_words(spent: dict[str, Any]) -> str:
    """Return in words what ``TimeSpent.to_json`` gave."""
    robot, person = (duration(60.0 * spent[name]) for name in ('robot_minutes', 'person_minutes'))
    return (f'{robot} of the robot and {person} of a person, at {spent["rate"]:g} steps per '
            f'second and {duration(spent["reset_seconds"])} per reset')
