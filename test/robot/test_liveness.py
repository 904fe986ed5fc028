# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A source is alive if messages arrive, their stamps advance, and their content changes."""

import numpy as np
import pytest

from inril_ros.robot.motion.liveness import Liveness

MS = 1_000_000


def watched(frozen_after=0.3):
    camera = Liveness('front', 0.1, frozen_after)
    camera.begin(10.0)
    return camera


def feed(camera, start, count, stamp=None, content=None):
    """Feed messages every 50 ms; return the arrival time of the last one."""
    now = start
    for index in range(count):
        now = start + 0.05 * index
        camera.received(now, round(now * 1e9) if stamp is None else stamp,
                   bytes([index]) * 100 if content is None else content)
    return now


def test_a_live_camera_has_no_fault():
    camera = watched()
    assert camera.fault(feed(camera, 10.0, 30) + 0.05) == ''


def test_silence_is_a_fault_within_the_allowed_age_also_before_the_first_message():
    camera = watched()
    assert camera.fault(10.1) == ''
    assert camera.fault(10.11) == 'front is silent'
    last = feed(camera, 11.0, 3)
    assert camera.fault(last + 0.101) == 'front is silent'


def test_constant_stamps_are_a_fault_though_messages_arrive():
    camera = watched()
    last = feed(camera, 10.0, 5, stamp=7 * MS)
    assert camera.fault(last) == 'front: its stamps stand still'


def test_the_same_picture_with_new_stamps_is_a_fault():
    camera = watched()
    last = feed(camera, 10.0, 6, content=b'same')
    assert camera.fault(last) == ''
    last = feed(camera, last + 0.05, 3, content=b'same')
    assert camera.fault(last) == 'front is frozen: its content does not change'
    camera.received(last, round(last * 1e9), b'other')
    assert camera.fault(last) == ''


def test_a_source_that_can_rest_is_judged_by_its_stamps_only():
    joints = watched(frozen_after=0.0)
    assert joints.fault(feed(joints, 10.0, 50, content=b'same')) == ''


def test_arrays_are_compared_by_their_bits():
    joints = watched()
    for index in range(20):
        now = 10.0 + 0.05 * index
        joints.received(now, index + 1, np.array([0.1, 0.2 + 1e-15 * index]))
    assert joints.fault(now) == ''
    for index in range(20, 40):
        now = 10.0 + 0.05 * index
        joints.received(now, index + 1, np.array([0.1, 0.2]))
    assert 'frozen' in joints.fault(now)


@pytest.mark.parametrize('stamp', [1, 5_000_000_000])
def test_after_stamps_jump_back_the_watch_starts_again(stamp):
    camera = watched()
    last = feed(camera, 10.0, 3)
    camera.received(last + 0.05, stamp, b'after')
    assert camera.fault(last + 0.06) == ''
