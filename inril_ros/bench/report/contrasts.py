# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Paired differences between arms, and which of them can be told from chance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from inril_ros.bench.report.curves import Curve
from inril_ros.bench.report.subject import StudiedArm
from inril_ros.data.run.estimates import Estimate, holm, mean, p_of_no_difference

_LEVEL = 0.05


@dataclass(frozen=True)
class Contrast:
    """An arm compared with another at one evaluation point, paired by task and seed.

    Attributes:
        arm: Name of the arm.
        against: Name of the other arm.
        point: Evaluation point [environment steps].
        differences: Difference in success of each pair.
        same_clone: Whether both arms of each pair began with the same clone.
        p: p-value of no difference, for this contrast alone; None: too few pairs.
        corrected: p-value, corrected for the number of contrasts; None: too few pairs.
    """

    arm: str
    against: str
    point: int
    differences: tuple[float, ...]
    same_clone: bool
    p: float | None
    corrected: float | None = None

    @property
    def estimate(self) -> Estimate:
        """The mean difference with its interval."""
        return mean(self.differences)

    @property
    def distinguishable(self) -> bool:
        """Whether the corrected p-value is below 5 %."""
        return self.corrected is not None and self.corrected < _LEVEL


def contrasts(
    curves: Sequence[Curve], arms: Sequence[StudiedArm], points: Sequence[int],
) -> list[Contrast]:
    """Return each arm's contrast with its reference at each point, over all tasks.

    All of them are one family for Holm's correction: whichever is quoted, the others were tried.
    """
    found = [each for arm in arms if arm.against is not None for point in points
             if (each := contrast(curves, arm, point)) is not None]
    tested = [each for each in found if each.p is not None]
    corrected = dict(zip(map(id, tested), holm([each.p for each in tested]), strict=True))
    return [replace(each, corrected=corrected.get(id(each))) for each in found]


def contrast(
    curves: Sequence[Curve], arm: StudiedArm, point: int, task: str | None = None,
) -> Contrast | None:
    """Return the contrast of an arm with its reference, of one task or over all; None: no pair.

    Runs that were evaluated on different initial states are no pair.
    """
    mine, theirs = ({(curve.task, curve.seed, row.get('states')): curve for curve in curves
                     if curve.arm == name and task in (None, curve.task)
                     and (row := curve.at(point)) is not None}
                    for name in (arm.name, arm.against))
    pairs = [(each, theirs[key]) for key, each in mine.items() if key in theirs]
    if not pairs:
        return None
    differences = tuple(a.success_at(point) - b.success_at(point) for a, b in pairs)
    return Contrast(arm.name, arm.against, point, differences,
                    all(a.clone == b.clone for a, b in pairs), p_of_no_difference(differences))
