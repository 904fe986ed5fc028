# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Garbage is collected only on request, and none stays for ever."""

import gc
import weakref

import pytest

from inril_ros.nodes.actuation.tick_timer import collect_if_due, quiet_collector, usual_collector


class Cycle:
    """An object in a reference cycle."""

    def __init__(self):
        self.self = self


@pytest.fixture(autouse=True)
def quiet():
    quiet_collector()
    yield
    usual_collector()


def test_nothing_is_collected_unless_requested():
    knots = [weakref.ref(Cycle()) for _ in range(5000)]
    assert not gc.isenabled()
    assert all(knot() is not None for knot in knots)
    assert collect_if_due() >= 0
    assert all(knot() is None for knot in knots)


def test_a_little_garbage_is_left_alone():
    gc.collect()
    knot = weakref.ref(Cycle())
    assert collect_if_due() == -1
    assert knot() is not None


def test_garbage_that_survived_its_first_collection_is_freed_later():
    """Objects in use at their first collection would otherwise stay as long as the node."""
    seen, generations = [], set()
    for _ in range(400):
        held = [Cycle() for _ in range(800)]
        seen.append(weakref.ref(held[0]))
        generations.add(collect_if_due())
        del held
    assert generations == {0, 1, 2}
    assert sum(knot() is not None for knot in seen) < 150


def test_afterwards_python_collects_automatically_again():
    usual_collector()
    assert gc.isenabled() and gc.get_freeze_count() == 0
