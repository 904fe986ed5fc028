# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Derived quantities, against a reading of the whole episode by index."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inril_ros.data.frames.observation_builder import ObservationBuilder
from inril_ros.data.frames.sync import FrameError
from inril_ros.robot.contract.contract import ContractError, parse_contract
from inril_ros.robot.rotations import HEMISPHERE, unit

POSE = 'geometry_msgs/msg/PoseStamped'
BASE = {
    'name': 'arm', 'control_rate': 10, 'episode': {'time_limit': 5},
    'observations': {
        'a': {'topic': 'a', 'type': 'geometry_msgs/msg/PointStamped', 'field': 'point'},
        'b': {'topic': 'b', 'type': 'geometry_msgs/msg/PointStamped', 'field': 'point'},
        'hand': {'topic': 'hand', 'type': POSE, 'field': 'pose'},
        'cup': {'topic': 'cup', 'type': POSE, 'field': 'pose'}},
    'actions': {'velocity': {
        'topic': 'command', 'type': 'geometry_msgs/msg/TwistStamped', 'field': 'twist.linear',
        'minimum': [-1, -1, -1], 'maximum': [1, 1, 1]}}}


def contract(derived, wanted=None):
    return parse_contract({**BASE, 'derived': derived,
                           'policy_observations': wanted or list(derived)})


def frames(rows):
    """Frames of an episode; `a` is (i, 0, 0), `b` is its square."""
    return [{'a': np.array([row, 0.0, 0.0]), 'b': np.array([row * row, 1.0, 0.0]),
             'hand': np.array([row, 0, 0, 0, 0, 0, 1.0]), 'cup': np.array([0, 0, 0, 0, 0, 0, 1.0])}
            for row in rows]


def built(derived, rows, wanted=None):
    builder = ObservationBuilder(contract(derived, wanted))
    return np.array([builder.build(frame) for frame in frames(rows)])


ticks = st.integers(1, 6)
episodes = st.lists(st.integers(-99, 99).map(float), min_size=1, max_size=12)


@settings(max_examples=60)
@given(episodes, ticks, ticks, st.integers(2, 6))
def test_the_past_is_that_of_so_many_ticks_ago(rows, back, since, length):
    values = built({'before': {'previous': 'a', 'ticks': back},
                    'change': {'change': 'b', 'ticks': since, 'scale': 0.5},
                    'history': {'history': 'a', 'ticks': length}}, rows)

    def at(tick):
        return rows[max(0, tick)]

    for tick in range(len(rows)):
        assert values[tick, 0] == at(tick - back)
        assert values[tick, 3] == 0.5 * (at(tick) ** 2 - at(tick - since) ** 2)
        history = values[tick, 6:].reshape(length, 3)
        assert history[:, 0].tolist() == [at(tick - age) for age in range(length - 1, -1, -1)]


@settings(max_examples=30)
@given(episodes)
def test_derived_quantities_may_be_derived_from(rows):
    values = built({'apart': {'difference': ['a', 'b']},
                    'apart_before': {'previous': 'apart'},
                    'apart_change': {'change': 'apart'},
                    'trace': {'history': 'apart_change', 'ticks': 2}},
                   rows, ['apart_change', 'trace'])
    apart = [row - row * row for row in rows]
    change = [0.0, *np.diff(apart)]
    assert values[:, 0].tolist() == change
    assert values[:, 6].tolist() == change
    assert values[:, 3].tolist() == [change[max(0, tick - 1)] for tick in range(len(rows))]


def test_the_past_of_a_quantity_that_the_policy_does_not_see_is_kept_too():
    """`apart` isn't the policy's, but its past is needed."""
    values = built({'apart': {'difference': ['a', 'b']}, 'before': {'previous': 'apart'}},
                   [2.0, 3.0, 4.0], ['before'])
    assert values[:, 0].tolist() == [-2.0, -2.0, -6.0]


def test_a_new_episode_forgets_the_past():
    builder = ObservationBuilder(contract({'history': {'history': 'a', 'ticks': 3}}))
    for frame in frames([1.0, 2.0]):
        builder.build(frame)
    builder.begin()
    assert builder.build(frames([9.0])[0])[::3].tolist() == [9.0, 9.0, 9.0]


@given(st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=14, max_size=14).filter(
    lambda v: np.linalg.norm(v[3:7]) > 0.1 and np.linalg.norm(v[10:]) > 0.1).map(
        lambda v: [*v[:3], *unit(np.array(v[3:7])), *v[7:10], *unit(np.array(v[10:]))]))
def test_a_relative_pose_is_the_product_of_matrices(numbers):
    hand, cup = np.array(numbers[:7]), np.array(numbers[7:])
    builder = ObservationBuilder(contract({'seen': {'relative': ['cup', 'hand']}}))
    seen = builder.build({**frames([0.0])[0], 'hand': hand, 'cup': cup}).astype(float)
    turn = Rotation.from_quat(hand[3:]).inv()
    np.testing.assert_allclose(seen[:3], turn.apply(cup[:3] - hand[:3]), atol=1e-5)
    expected = (turn * Rotation.from_quat(cup[3:])).as_quat()
    assert abs(seen[3:] @ expected) == pytest.approx(1.0, abs=1e-5)
    assert seen[3:] @ HEMISPHERE > -1e-6


def test_a_pose_without_a_rotation_gives_no_observation():
    builder = ObservationBuilder(contract({'seen': {'relative': ['cup', 'hand']}}))
    with pytest.raises(FrameError, match='cup: .*is no rotation'):
        builder.build({**frames([0.0])[0], 'cup': np.zeros(7)})


@pytest.mark.parametrize(('derived', 'words'), [
    ({'x': {'previous': 'y'}, 'y': {'previous': 'x'}}, 'derived.x is computed from itself: x <-'),
    ({'x': {'previous': 'x'}}, 'derived.x is computed from itself: x <- x'),
    ({'x': {'history': 'a'}}, 'history needs ticks'),
    ({'x': {'difference': ['a', 'b'], 'ticks': 2}}, 'difference has no use for ticks'),
    ({'x': {'relative': ['a', 'hand']}}, 'derived.x subtracts quantities of different length'),
    ({'x': {'relative': ['h', 'h']}, 'h': {'change': 'hand'}}, "'h' is no pose"),
    ({'x': {'relative': ['hand', 'cup'], 'scale': 2.0}}, 'relative is a pose'),
    ({'x': {'previous': 'a', 'change': 'b'}}, 'exactly one of difference, relative'),
    ({'x': {'previous': 'nothing'}}, "derived.x uses 'nothing', which is none of"),
    ({'x': {'history': 'a', 'ticks': 1000}, 'y': {'history': 'x', 'ticks': 1000}}, 'too many'),
    ({'x': {'previous': 'a', 'ticks': 0}}, 'derived.x.ticks'),
])
def test_an_impossible_derivation_is_refused(derived, words):
    with pytest.raises(ContractError, match=words):
        contract(derived)


def test_lengths_are_those_of_the_built_observation():
    derived = {'x': {'history': 'hand', 'ticks': 4}, 'y': {'relative': ['hand', 'cup']},
               'z': {'history': 'y', 'ticks': 2}, 'w': {'previous': 'z', 'ticks': 3}}
    one = contract(derived)
    assert [one.length(name) for name in derived] == [28, 7, 14, 14]
    assert built(derived, [1.0]).shape == (1, one.observation_size)


def test_a_value_that_float32_cannot_hold_is_refused():
    """A bit that flipped in a bag makes 1e300 of 1: finite, until the network gets it."""
    builder = ObservationBuilder(contract({'apart': {'difference': ['a', 'b']}}))
    with pytest.raises(FrameError, match=r'too large: \[0\]'):
        builder.build(frames([1e300])[0] | {'b': np.zeros(3)})
