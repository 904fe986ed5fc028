# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The order of a command's values is told by how the joints followed them, or is left open."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np

from inril_ros.data.agreement.joint_order import joint_order

NAMES = ('pan', 'lift', 'elbow', 'wrist', 'finger')
TIMES = np.arange(0.0, 6.0, 0.05)


def positions(times, seed=0):
    """Positions (T, 5) of joints: each moves at its own place, by its own frequency."""
    random = np.random.default_rng(seed)
    middle, phase = random.uniform(-1.0, 1.0, 5), random.uniform(0.0, 6.0, 5)
    rate = 0.5 + 0.3 * np.arange(5)
    return middle + 0.4 * np.sin(np.outer(times, rate) + phase)


def measured(move=positions, lag=0.1, seed=0, noise=0.003):
    times = np.arange(-1.0, 8.0, 0.02)
    values = move(times - lag)
    values = values + noise * np.random.default_rng(seed).standard_normal(values.shape)
    return {name: (times, values[:, index]) for index, name in enumerate(NAMES)}


@settings(max_examples=25)
@given(st.permutations(range(5)), st.sampled_from([0.0, 0.06, 0.2]), st.integers(0, 5))
def test_any_order_is_found(order, lag, seed):
    commands = positions(TIMES)[:, order]
    found = joint_order(TIMES, commands, NAMES, measured(lag=lag, seed=seed))
    assert found.joints == tuple(NAMES[index] for index in order)
    assert set(found.wrong) == {index for index in range(5) if order[index] != index}
    assert abs(found.lag - lag) < 0.03
    if found.wrong:
        assert found.best < 0.1 < found.error
    else:
        assert found.undecided == ()


def test_values_of_other_joints_than_the_named_ones_are_found():
    named = ('finger', *NAMES[1:4])
    found = joint_order(TIMES, positions(TIMES)[:, :4], named, measured())
    assert found.wrong == (0,) and found.joints == NAMES[:4]


def test_joints_that_rest_at_different_places_tell_the_order_too():
    def resting(times):
        return np.tile([0.0, 0.5, 1.0, -0.7, 0.02], (len(times), 1))

    swapped = joint_order(TIMES, resting(TIMES)[:, [1, 0, 2, 3, 4]], NAMES, measured(resting))
    assert swapped.wrong == (0, 1)


def test_joints_that_rest_at_one_place_are_left_open():
    def alike(times):
        return np.tile([0.3, 0.3, 1.0, -0.7, 0.0], (len(times), 1))

    for order in ([0, 1, 2, 3, 4], [1, 0, 2, 3, 4]):
        found = joint_order(TIMES, alike(TIMES)[:, order], NAMES, measured(alike))
        assert found.wrong == () and found.undecided == (0, 1)


def test_commands_in_degrees_tell_the_order_by_their_shape():
    commands = np.degrees(positions(TIMES))
    assert joint_order(TIMES, commands, NAMES, measured()).wrong == ()
    found = joint_order(TIMES, commands[:, [1, 0, 2, 3, 4]], NAMES, measured())
    assert found.wrong == (0, 1) and found.joints[:2] == ('lift', 'pan')


def test_velocities_tell_the_order_by_the_motion():
    velocities = np.gradient(positions(TIMES), TIMES, axis=0)
    quiet = measured(lag=0.04, noise=1e-4)
    assert joint_order(TIMES, velocities, NAMES, quiet, positions=False).wrong == ()
    found = joint_order(TIMES, velocities[:, [2, 1, 0, 3, 4]], NAMES, quiet, positions=False)
    assert found.wrong == (0, 2)
