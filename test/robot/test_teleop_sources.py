# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Teleop devices are told apart by what they say; one drives at a time, by order and lease."""

from hypothesis import given
from hypothesis import strategies as st

from inril_ros.robot.teleop.sources import device_of, in_words, Lease, OTHER, source_of, source_tag

LEADER = source_of(source_tag('leader', '/teleop_node', 'a1'))
KEYBOARD = source_of(source_tag('keyboard', '/keys', 'b2'))
KEPT = 0.5


def test_a_tag_says_device_and_node_and_anything_else_is_one_source():
    assert source_of(source_tag('leader', '/teleop_node', 'c3')) != LEADER
    assert in_words(LEADER) == 'leader of /teleop_node'
    for frame_id in ('', 'base_link', 'joy', 'teleop', 'teleop:' + 'x' * 1000):
        assert source_of(frame_id) == OTHER
    assert in_words(OTHER) == OTHER


def test_who_drives_keeps_the_robot_until_it_was_let_go_for_a_while():
    lease = Lease((), KEPT)
    assert lease.update(0.0, []) == ''
    assert lease.update(0.1, [LEADER]) == LEADER
    assert lease.update(0.2, [LEADER, KEYBOARD]) == LEADER
    assert lease.update(0.3, [KEYBOARD]) == ''
    assert lease.update(0.4, [LEADER, KEYBOARD]) == LEADER
    assert lease.update(0.4 + KEPT - 0.01, [KEYBOARD]) == ''
    assert lease.update(0.4 + KEPT, [KEYBOARD]) == KEYBOARD


def test_only_a_device_that_stands_before_takes_over_and_motion_begins_anew():
    lease = Lease(('leader', 'keyboard'), KEPT)
    assert lease.update(0.0, [KEYBOARD]) == KEYBOARD
    assert lease.update(0.1, [KEYBOARD, OTHER]) == KEYBOARD
    assert lease.update(0.2, [KEYBOARD, LEADER]) == ''  # for one tick
    assert lease.update(0.3, [KEYBOARD, LEADER]) == LEADER
    assert lease.update(0.4, [KEYBOARD]) == ''


@given(st.lists(st.tuples(st.floats(0.0, 0.3), st.sets(st.sampled_from(
    [LEADER, KEYBOARD, OTHER]))), max_size=50))
def test_the_driver_never_changes_without_a_tick_that_nobody_drives(steps):
    lease, now, before = Lease(('leader',), KEPT), 0.0, ''
    for pause, engaged in steps:
        now += pause
        driver = lease.update(now, engaged)
        assert driver in engaged or driver == ''
        assert '' in (driver, before) or driver == before
        assert not (LEADER in engaged and driver not in ('', LEADER))
        before = driver
    assert device_of(LEADER) == 'leader'
