# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A camera that was moved is told from one that sees other things in the same place."""

import cv2
from drawn_scene import demonstrated, HEIGHT, image, on_the_hand, WIDTH
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.data.cameras.reference_view import reference_view, renewed, WORK_WIDTH
from inril_ros.data.cameras.view_check import measure_view, view_findings, ViewBounds

VIEW = reference_view(*demonstrated())
BOUNDS = ViewBounds()
pixels = st.integers(-15, 15)
episodes = st.integers(100, 200)


def found(shown, view=VIEW):
    return view_findings('front', measure_view(view, shown), shown.shape[1], BOUNDS)


@settings(max_examples=40, deadline=None)
@given(pixels, pixels, episodes)
def test_a_shift_is_measured_to_a_pixel_whatever_lies_on_the_table(right, down, episode):
    measured = measure_view(VIEW, image(episode, right, down))
    np.testing.assert_allclose(np.multiply(measured.shift, WIDTH), (right, down), atol=1.0)
    assert measured.displacement * WIDTH == pytest.approx(np.hypot(right, down), abs=1.0)


@settings(max_examples=20, deadline=None)
@given(episodes, st.integers(-20, 30))
def test_other_things_and_an_arm_elsewhere_are_no_shift(episode, arm):
    assert not found(image(episode, arm=arm))


@pytest.mark.parametrize(('right', 'down', 'verdict', 'words'), [
    (2, 0, 'look at this', '2 px to the right of 128'), (-8, 0, 'wrong', '8 px to the left'),
    (0, 6, 'wrong', '6 px down'), (6, -6, 'wrong', '6 px to the right and 6 px up')])
def test_a_shift_is_told_in_words_with_what_to_do(right, down, verdict, words):
    [finding] = found(image(3, right, down))
    assert finding.verdict == verdict and words in finding.what
    assert 'inril camera renew' in finding.advice


def test_a_turned_camera_is_refused_without_naming_a_direction():
    [finding] = found(image(3, degrees=8.0))
    assert finding.verdict == 'wrong' and 'is turned' in finding.what


def test_a_shift_beyond_the_reach_is_another_view():
    [finding] = found(image(3, 38, 30))
    assert finding.verdict == 'wrong' and finding.kind == 'another view'


def test_what_stands_before_half_of_the_view_is_told_and_shifts_nothing():
    shown = image(3)
    shown[:, :WIDTH // 2] = 90
    [finding] = found(shown)
    assert (finding.verdict, finding.kind) == ('look at this', 'another view')
    assert not measure_view(VIEW, shown).displacement


@pytest.mark.parametrize('level', [0, 128])
def test_an_image_of_one_colour_is_a_dead_camera(level):
    [finding] = found(np.full((HEIGHT, WIDTH, 3), level, np.uint8))
    assert (finding.verdict, finding.kind) == ('wrong', 'dead camera')


@pytest.mark.parametrize(('change', 'kind'), [
    (lambda shown: cv2.GaussianBlur(shown, (0, 0), 2.0), 'blurred camera'),
    (lambda shown: (0.4 * shown).astype(np.uint8), 'exposure'),
    (lambda shown: cv2.convertScaleAbs(shown, alpha=1.9), 'exposure')])
def test_blur_and_light_are_told_and_shift_nothing(change, kind):
    findings = found(change(image(3)))
    assert kind in {each.kind for each in findings}
    assert {each.verdict for each in findings} == {'look at this'}
    assert 'moved camera' not in {each.kind for each in findings}


def test_a_camera_on_the_hand_is_not_checked_for_a_shift_but_for_being_dead():
    view = reference_view([on_the_hand(episode, 0) for episode in range(8)],
                          [on_the_hand(episode, 1) for episode in range(8)])
    assert not view.places
    assert measure_view(view, on_the_hand(9, 0)).found is None
    assert not found(on_the_hand(9, 0), view)
    assert found(np.zeros((HEIGHT, WIDTH, 3), np.uint8), view)


def test_a_large_image_is_compared_in_a_smaller_size_and_told_in_its_own_pixels():
    large = [cv2.resize(shown, None, fx=5, fy=5) for shown in demonstrated()[0]]
    view = reference_view(large)
    assert view.work.shape[1] == WORK_WIDTH
    [finding] = found(cv2.resize(image(3, -8), None, fx=5, fy=5), view)
    assert 'px to the left of 640' in finding.what
    assert measure_view(view, large[0]).shift == (0.0, 0.0)
    assert -measure_view(view, cv2.resize(image(3, -8), None, fx=5, fy=5)).shift[0] * 640 == \
        pytest.approx(40, abs=4)


def test_an_accepted_view_is_the_reference_from_then_on():
    moved = renewed(VIEW, image(3, 9, 0))
    assert not found(image(5, 9, 0), moved)
    assert found(image(5), moved)


def test_images_of_several_sizes_are_no_view():
    with pytest.raises(ValueError, match='one size'):
        reference_view([image(0), image(1)[:50]])
    with pytest.raises(ValueError, match='another|shape'):
        measure_view(VIEW, image(0)[:50])


@pytest.mark.parametrize(('warn', 'refuse'), [(0.0, 0.1), (0.1, 0.05), (0.1, 0.2)])
def test_bounds_are_in_order_and_within_what_can_be_measured(warn, refuse):
    with pytest.raises(ValueError, match='warn_shift'):
        ViewBounds(warn, refuse)
