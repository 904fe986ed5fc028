# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A node that can't work is not started again for ever."""

import os

from inril_ros.graph.respawn_limit import RespawnLimit


def test_a_node_that_refuses_what_it_is_started_with_is_not_started_again():
    assert RespawnLimit().why_not(os.EX_CONFIG, 0.0).startswith('could not start')


def test_a_node_that_worked_is_given_three_more_starts_in_five_minutes():
    limit = RespawnLimit()
    assert [limit.why_not(code, time) for code, time in (
        (-9, 0.0), (os.EX_CONFIG, 100.0), (1, 200.0))] == ['', '', '']
    assert limit.why_not(1, 299.0) == 'ended 4 times within 5 minutes: its log says why'


def test_crashes_that_are_far_apart_are_forgotten():
    limit = RespawnLimit()
    assert not any(limit.why_not(-11, 101.0 * crash) for crash in range(50))
