# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Values in another unit than rad and m are recognised, values near their limits are not."""

import numpy as np
import pytest

from inril_ros.robot.position_units import is_far_outside, likely_units

ARM, FINGER = (-3.1, 3.1), (0.0, 0.085)


@pytest.mark.parametrize(('least', 'most', 'limits', 'unit'), [
    (-95.0, 40.0, ARM, 'degrees'), (12.0, 170.0, ARM, 'degrees'),
    (-135.0, -44.0, (-2.4, -0.7), 'degrees'), (0.0, 84.0, FINGER, 'mm'),
    (3.0, 98.0, FINGER, 'percent of the range, 0..100'),
    (-99.0, 60.0, (-1.7, 1.7), 'percent of the range, -100..100'),
    (0.0, 1.0, FINGER, 'shares of the range, 0..1')])
def test_the_unit_is_among_the_likely_ones(least, most, limits, unit):
    assert unit in likely_units(least, most, *limits)


@pytest.mark.parametrize(('least', 'most', 'limits'), [
    (-3.0, 3.0, ARM), (-3.3, 3.2, ARM), (0.0, 0.0, ARM), (-0.005, 0.09, FINGER),
    (-1.2, -0.9, (-0.8, 0.8)), (0.0, 0.0, FINGER)])
def test_values_in_or_near_the_limits_have_the_right_unit(least, most, limits):
    assert not is_far_outside(least, most, *limits)
    assert likely_units(least, most, *limits) == []


def test_values_that_no_unit_explains_have_none():
    assert is_far_outside(5e4, 6e4, *ARM)
    assert likely_units(5e4, 6e4, *ARM) == []


def test_every_angle_of_a_common_arm_is_recognised_in_degrees():
    for least, most in np.random.default_rng(0).uniform(-180, 180, (50, 2)):
        least, most = sorted((least, most))
        if max(abs(least), abs(most)) > 10.0:
            assert 'degrees' in likely_units(least, most, *ARM)
