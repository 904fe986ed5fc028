# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What goes into the decision on a tick, and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from inril_ros.robot.motion.arbitration import Source
from inril_ros.robot.motion.modes import Mode


@dataclass(frozen=True)
class TickInput:
    """What is known at a tick.

    Attributes:
        now: [s] By a steady clock; only differences count.
        values: Observations by name; None if the frame is not valid.
        person: (A,) What a person asks for; None: no person drives.
        observation_age: [s] Of the oldest required observation.
        person_age: [s] Of the person's command.
        faults: What is wrong with a source; a fault that lasts is latched.
    """

    now: float
    values: Mapping[str, np.ndarray] | None
    person: np.ndarray | None = None
    observation_age: float = 0.0
    person_age: float = 0.0
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Executed:
    """What became of a tick.

    Attributes:
        mode: In which it was decided.
        source: Whose request was executed; HOLD: nobody's.
        requested: (A,) What was asked for, None if nobody asked.
        action: (A,) What to send; None: nothing, since nobody knows where the arm is.
        reasons: Why the action isn't the request; empty if it is.
        person_share: How much of it is the person's, 0..1; in between during a ramp.
        weights_version: Of the policy's step.
        chunk_first_tick: Likewise; the tick itself if it wasn't the policy's.
        following: Joint positions (R, n) of the periods after this one, by the name of an action
            with a horizon.
    """

    mode: Mode
    source: Source
    requested: np.ndarray | None
    action: np.ndarray | None
    reasons: tuple[str, ...]
    person_share: float = 0.0
    weights_version: int = 0
    chunk_first_tick: int = 0
    following: dict[str, np.ndarray] = field(default_factory=dict)
