# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Units of joint positions, guessed from their range where it can't be that of the limits.

Angles are rad and lengths are m. Drivers of hobby servos and many data sets have degrees, percent
of the range, or mm.
"""

import math

#: Values farther beyond a limit than this share of the limits' span have another unit. Limits are
#: often those of a task, so that a measured pose may be somewhat outside of them.
FAR = 1.0
#: Converted values fit if they are beyond the limits by less than this share of the span.
FITS = 0.25


def is_far_outside(least: float, most: float, low: float, high: float) -> bool:
    """Return whether values least..most are so far outside of low..high that the unit is wrong."""
    span = high - low
    return least < low - FAR * span or most > high + FAR * span


def likely_units(least: float, most: float, low: float, high: float) -> list[str]:
    """Return the units in which values least..most would fit limits in rad or m.

    Args:
        least: Lowest value.
        most: Highest value.
        low: Lower limit [rad or m].
        high: Upper limit [rad or m].

    Returns:
        Candidates, the likeliest first; empty if the values are not far outside, or if no unit
        that is known here explains them.
    """
    if not is_far_outside(least, most, low, high):
        return []
    span, found = high - low, []

    def fits(factor: float) -> bool:
        return (least * factor >= low - FITS * span and most * factor <= high + FITS * span)

    if fits(math.pi / 180.0) and high - low > 0.1:  # a finger of 8 cm has no degrees
        found.append('degrees')
    if fits(0.001) and span < 3.0 and abs(low) < 2.0:
        found.append('mm')
    if least >= -2.0 and 1.0 < most <= 102.0:
        found.append('percent of the range, 0..100')
    elif least < -2.0 and least >= -102.0 and most <= 102.0:
        found.append('percent of the range, -100..100')
    if least >= -0.02 and most <= 1.02:
        found.append('shares of the range, 0..1')
    return found
