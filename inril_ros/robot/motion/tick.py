# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a tick is decided from, and the result: of the whole path, and of the safety gate in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from inril_ros.robot.motion.arbitration import Source
from inril_ros.robot.motion.modes import Mode

#: A reason of each tick of a dry run, in which all is computed and nothing is sent.
DRY_RUN = 'dry run: nothing is sent'


@dataclass(frozen=True)
class TickInput:
    """What is known at a tick.

    Attributes:
        now: [s] Time of the clock of rules; only differences count.
        values: Observations by name; None if the frame is not valid.
        person: (A,) What a person asks for; None if no person drives.
        observation_age: [s] Age of the oldest required observation.
        person_age: [s] Age of the person's command.
        person_name: Which device the person drives with; empty if it isn't known.
        faults: What is wrong with a source; a fault that lasts is latched.
    """

    now: float
    values: Mapping[str, np.ndarray] | None
    person: np.ndarray | None = None
    observation_age: float = 0.0
    person_age: float = 0.0
    person_name: str = ''
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Executed:
    """The result of a tick.

    Attributes:
        mode: Mode in which it was decided.
        source: Whose request was executed; HOLD if nobody's was.
        requested: (A,) What was asked for; None if nobody asked.
        action: (A,) What to send; None, which means nothing, while the arm's pose is unknown.
        reasons: Why the action differs from the request; empty if it doesn't.
        person_share: Share of the person in it, 0..1; in between during a ramp.
        weights_version: Version of the weights that made the policy's step.
        chunk_first_tick: First tick of that step's chunk; this tick if it wasn't the policy's.
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


@dataclass(frozen=True)
class Conditions:
    """What the safety gate needs to know beside the request.

    Attributes:
        forbidden: Why the arm must not be moved (e-stop, not enabled, a latched hold), or empty.
        faults: What is wrong with a source: silent, frozen.
        observation_age: [s] Age of the oldest required observation.
        policy_age: [s] Age of the observation that the policy's step was inferred from.
        teleop_age: [s] Age of the person's command.
        tick_gap: [s] Time since the tick before.
    """

    forbidden: str = ''
    faults: tuple[str, ...] = ()
    observation_age: float = 0.0
    policy_age: float = 0.0
    teleop_age: float = 0.0
    tick_gap: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """What the safety gate lets through.

    Attributes:
        action: (A,) float32 in contract units, always finite and within the limits. Joints that
            were measured beyond a position limit may come back, and go no further out.
        held: The request was not used at all.
        reasons: Why the action differs from the request; empty if it doesn't.
    """

    action: np.ndarray
    held: bool
    reasons: tuple[str, ...]


class UnknownPose(RuntimeError):
    """The arm cannot be held where it is, because no pose was measured."""
