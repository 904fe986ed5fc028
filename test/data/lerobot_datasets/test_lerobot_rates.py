# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A LeRobotDataset at another rate than the contract's is resampled where that is asked for."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from lerobot_files import arm, Files
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inril_ros.data.bags.bags import find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.data.lerobot.importing import import_lerobot
from inril_ros.data.lerobot.options import LeRobotOptions
from inril_ros.data.lerobot.resampling import Resampling


def test_another_rate_is_refused_with_an_offer_and_resampled_on_request(tmp_path):
    files, notes = Files((9, 5), rate=20), []
    dataset = files.write(tmp_path / 'set')
    with pytest.raises(LeRobotError, match='has 20 frames per second, the contract 10 Hz. '
                                           '--resample makes ticks'):
        import_lerobot(dataset, arm(rate=10), tmp_path / 'demos')
    done = import_lerobot(dataset, arm(rate=10), tmp_path / 'demos',
                          LeRobotOptions(resample=True), notes.append)
    assert [episode.ticks for episode in done] == [5, 3]
    assert 'resampled from 20 to 10 Hz: states lie between' in notes[0]
    episode = read_episode(find_bags(tmp_path / 'demos')[0], arm(rate=10))
    np.testing.assert_allclose(episode.actions, files.vectors('action')[:9:2], atol=1e-6)
    np.testing.assert_allclose(episode.observations[:5], files.vectors('observation.state')[:9:2],
                               atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(number=st.integers(1, 40), rate=st.sampled_from([5.0, 10.0, 15.0, 29.97, 30.0, 50.0]),
       wanted=st.sampled_from([4.0, 10.0, 12.5, 30.0, 100.0]))
def test_states_lie_between_the_frames_and_actions_are_those_in_force(number, rate, wanted):
    ticks = Resampling.of(number, rate, wanted)
    times = np.arange(len(ticks.before)) / wanted
    assert times[-1] <= (number - 1) / rate + 1e-6 < times[-1] + 1 / wanted + 2e-6
    assert (ticks.before / rate <= times + 1e-6).all()
    later = np.minimum(ticks.before + 1, number - 1)
    assert ((later / rate > times + 1e-9) | (later == number - 1)).all()
    contract = arm()
    frames = np.arange(number)[:, None] / rate * np.array([[0.3, -0.2, 0.1]])
    states = ticks.states(frames, contract)
    np.testing.assert_allclose(states, times[:, None] * np.array([[0.3, -0.2, 0.1]]), atol=1e-6)
    images = list(ticks.images(iter(range(number))))
    assert images == ticks.before.tolist()


def test_angles_turn_the_short_way():
    contract = arm(joints=['wheel'])
    turn = np.array([[3.0], [-3.1], [-2.9]])
    ticks = Resampling.of(3, 10, 40)
    states = ticks.states(turn, contract)[:, 0]
    step = (2 * math.pi - 6.1) / 4
    wanted = [3.0, 3.0 + step, 3.0 + 2 * step, 3.0 + 3 * step, -3.1]
    difference = (states[:5] - wanted + math.pi) % (2 * math.pi) - math.pi
    np.testing.assert_allclose(difference, 0.0, atol=1e-9)
    assert (np.abs(states) <= math.pi + 1e-9).all()


def test_rotations_turn_at_a_constant_speed_and_switches_do_not_change_between():
    contract = arm(observations={
        'angles': arm().observations['angles'],
        'hand': {'topic': 'hand', 'type': 'geometry_msgs/msg/PoseStamped', 'field': 'pose'},
        'closed': {'topic': 'closed', 'type': 'std_msgs/msg/Bool', 'field': 'data',
                   'clock': 'receive'}})
    turns = Rotation.from_rotvec([[0, 0, angle] for angle in (0.0, 0.4, 1.0)]).as_quat()
    turns[1] *= -1
    states = np.column_stack([np.zeros((3, 6)), turns, [0.0, 1.0, 0.0]])
    between = Resampling.of(3, 10, 40).states(states, contract)
    angles = Rotation.from_quat(between[:, 6:10]).as_rotvec()[:, 2]
    np.testing.assert_allclose(angles, [0, 0.1, 0.2, 0.3, 0.4, 0.55, 0.7, 0.85, 1], atol=1e-9)
    assert (np.sign(between[4:8, 9]) == -1).all(), 'the sign is that of the frame before'
    assert between[:, 10].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 0]
