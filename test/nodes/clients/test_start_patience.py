# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A graph may start as slowly as it must, and not stand still."""

from inril_ros.nodes.clients.start_patience import StartPatience, WORK

BOTH = frozenset({'policy_node', 'learner_node'})


def test_a_graph_in_which_nothing_happens_is_given_up():
    patience = StartPatience(90.0, 0.0)
    assert not patience.is_over(3, BOTH, 0.0, 60.0)  # one of three has started
    assert not patience.is_over(3, BOTH, 0.1, 149.0)
    assert patience.is_over(3, BOTH, 0.2, 151.0)


def test_nodes_that_use_the_processor_may_take_as_long_as_they_need():
    patience = StartPatience(90.0, 0.0)
    for index in range(100):
        assert not patience.is_over(2, BOTH, index * WORK, index * 80.0)
    assert patience.is_over(2, BOTH, 99.5 * WORK, 100 * 80.0 + 11.0)


def test_waiting_for_a_camera_is_no_progress_however_busy_the_node_is():
    patience = StartPatience(90.0, 0.0)
    assert not patience.is_over(1, frozenset(), 0.0, 10.0)  # none is being started
    assert patience.is_over(1, frozenset(), 0.0, 101.0)


def test_each_node_that_gets_ready_begins_the_time_anew():
    patience = StartPatience(90.0, 0.0)
    for index, missing in enumerate((5, 4, 3, 2)):
        assert not patience.is_over(missing, frozenset(), 0.0, index * 80.0)
    assert not patience.is_over(3, frozenset(), 0.0, 320.0)  # one less again
    assert patience.is_over(2, frozenset(), 0.0, 331.0)  # that was there before


def test_another_set_of_starting_nodes_is_measured_from_its_own_time():
    patience = StartPatience(90.0, 0.0)
    assert not patience.is_over(2, BOTH, 40.0, 0.0)
    one = frozenset({'learner_node'})
    assert not patience.is_over(2, one, 20.0, 80.0)
    assert not patience.is_over(2, one, 20.0 + WORK, 160.0)
    assert patience.is_over(2, one, 20.0 + WORK, 251.0)
