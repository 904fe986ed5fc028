# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Frames are labelled by the end of their episode, and by what a person says of them."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.learning.judge.frame_labels import (
    corrected,
    Correction,
    DONE,
    LabelledEpisode,
    LabelRule,
    new_images,
    NOT_DONE,
    UNKNOWN,
)

TIMES = np.arange(10) / 10.0


def test_the_end_of_a_success_shows_it_and_the_moment_before_is_left_out():
    labels = LabelRule(done_seconds=0.2, unknown_seconds=0.3).labels(TIMES, True)
    assert labels.tolist() == 4 * [NOT_DONE] + 3 * [UNKNOWN] + 3 * [DONE]


def test_no_frame_of_a_failure_shows_success():
    assert LabelRule().labels(TIMES, False).tolist() == 10 * [NOT_DONE]


@given(st.lists(st.floats(0.0, 10.0), min_size=1, max_size=30).map(sorted),
       st.floats(0.0, 3.0), st.floats(0.0, 3.0), st.booleans())
def test_labels_rise_towards_the_end_which_always_shows_a_success(times, done, unknown, success):
    labels = LabelRule(done, unknown).labels(np.array(times), success)
    assert (labels[-1] == DONE) == success
    rank = np.array([0, 2, 1])[labels]
    assert (np.diff(rank) >= 0).all()


@pytest.mark.parametrize('times', [[], [1.0, 0.5]])
def test_an_episode_without_frames_or_with_falling_times_is_refused(times):
    with pytest.raises(ValueError, match='must not fall'):
        LabelRule().labels(np.array(times), True)


def test_a_person_corrects_frames_and_the_last_word_counts():
    labels = LabelRule(0.2, 0.3).labels(TIMES, True)
    changed = corrected(
        labels, TIMES, [Correction(0.0, 0.35, DONE), Correction(0.3, 0.35, UNKNOWN)])
    assert changed.tolist() == [1, 1, 1, 2, 2, 2, 2, 1, 1, 1]
    assert labels.tolist() == [0, 0, 0, 0, 2, 2, 2, 1, 1, 1], 'the labels before stay as they were'


@pytest.mark.parametrize('wrong', [Correction(0.0, 0.5, 3), Correction(2.0, 3.0, DONE)])
def test_a_correction_without_frames_or_with_an_unknown_label_is_refused(wrong):
    with pytest.raises(ValueError, match='from 0 to 0.9 s'):
        corrected(LabelRule().labels(TIMES, True), TIMES, [wrong])


def test_repeated_images_are_left_out():
    images = np.zeros((6, 2, 8, 8, 3), np.uint8)
    images[2:, 1] = 7  # the second camera alone changes
    images[5, 0, 3, 3, 1] = 1
    assert new_images(images).tolist() == [0, 2, 5]
    assert new_images(images[:1]).tolist() == [0]


def test_a_success_that_no_frame_shows_is_refused():
    images = np.zeros((2, 1, 8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match='a success has a frame'):
        LabelledEpisode('a', images, np.zeros(2, np.uint8), True)
    with pytest.raises(ValueError, match='3 labels for 2 images'):
        LabelledEpisode('a', images, np.zeros(3, np.uint8), False)
    with pytest.raises(ValueError, match='expected .N, C, H, W, 3. of uint8'):
        LabelledEpisode('a', images.astype(float), np.zeros(2, np.uint8), False)
