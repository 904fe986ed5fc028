# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The collector is quiet until it is asked, and then leaves no garbage behind for ever."""

import gc
import weakref

import pytest

from inril_ros.nodes.actuation.tick_timer import collect_if_due, quiet_collector, usual_collector


class Knot:
    """An object that only the collector can free."""

    def __init__(self):
        self.self = self


@pytest.fixture(autouse=True)
def quiet():
    quiet_collector()
    yield
    usual_collector()


def test_nothing_is_collected_unless_asked_for():
    knots = [weakref.ref(Knot()) for _ in range(5000)]
    assert not gc.isenabled()
    assert all(knot() is not None for knot in knots)
    assert collect_if_due() >= 0
    assert all(knot() is None for knot in knots)


def test_little_is_left_alone():
    gc.collect()
    knot = weakref.ref(Knot())
    assert collect_if_due() == -1
    assert knot() is not None


def test_garbage_that_outlived_its_first_collection_goes_in_time():
    """What was in use when it was looked at first would otherwise stay for as long as the node."""
    seen, generations = [], set()
    for _ in range(400):
        held = [Knot() for _ in range(800)]
        seen.append(weakref.ref(held[0]))
        generations.add(collect_if_due())
        del held
    assert generations == {0, 1, 2}
    assert sum(knot() is not None for knot in seen) < 150


def test_afterwards_python_collects_by_itself_again():
    usual_collector()
    assert gc.isenabled() and gc.get_freeze_count() == 0
