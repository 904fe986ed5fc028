# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the safety gate is asked under, and what it answers."""

from dataclasses import dataclass
import math

import numpy as np


@dataclass(frozen=True)
class Verdict:
    """What may be sent to the robot.

    Attributes:
        action: (A,) float32 in contract units, always finite and within the limits. Joints that
            were measured beyond a position limit come back, and go no further out.
        held: The request was not used at all.
        reasons: Why the action differs from the request; empty if it doesn't.
    """

    action: np.ndarray
    held: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Conditions:
    """What else than the request decides whether it is executed.

    Attributes:
        forbidden: Why the arm may not be moved (e-stop, not enabled, a latched hold); or empty.
        faults: What is wrong with a source: silent, frozen.
        observation_age: [s] Of the oldest required observation.
        policy_age: [s] Of the observation that the policy's step was inferred from.
        teleop_age: [s] Of the person's command.
        tick_gap: [s] Since the tick before.
    """

    forbidden: str = ''
    faults: tuple[str, ...] = ()
    observation_age: float = 0.0
    policy_age: float = 0.0
    teleop_age: float = 0.0
    tick_gap: float = 0.0


class UnknownPose(RuntimeError):
    """The arm cannot be held where it is, because nobody knows where it is."""


def age_of(now: int, stamp: int) -> float:
    """Return the age [s] of a stamp [ns] at ``now`` [ns]; infinite if there is none."""
    return (now - stamp) / 1e9 if stamp > 0 else math.inf
