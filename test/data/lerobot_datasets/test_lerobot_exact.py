# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whatever a LeRobotDataset is like, its import is exact or refused, never something else."""

from hypothesis import given, settings
from hypothesis import strategies as st
from lerobot_files import arm, Files, JOINTS
import numpy as np
from run_length import LONG

from inril_ros.data.bags.bags import find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.data.lerobot.importing import import_lerobot
from inril_ros.data.lerobot.options import LeRobotOptions

CONTRACT = arm()


def in_unit(values, unit):
    """Positions [rad] within -2..2 in a unit."""
    return {'si': values, 'degrees': np.degrees(values), 'range': 50 * values,
            'percent': 25 * (values + 2)}[unit]


FAULTS = {
    'none': lambda files: None,
    'frames lost': lambda files: files.frames.__delitem__(slice(2, 4)),
    'end lost': lambda files: files.frames.pop(),
    'frame twice': lambda files: files.frames.insert(3, dict(files.frames[3])),
    'row lost': lambda files: files.rows.pop(),
    'no number': lambda files: files.frames[4].update(action=[float('nan')] * 4),
    'no names': lambda files: files.info['features']['action'].update(names=None),
    'one name less': lambda files: files.info['features']['action']['names'].pop(),
    'shuffled': lambda files: files.frames.reverse(),
    'other rate': lambda files: files.info.update(fps=20)}


@settings(max_examples=200 if LONG else 40, deadline=None)
@given(order=st.permutations(range(4)), prefix=st.sampled_from(['', 'main_', 'left_', 'motor_']),
       suffix=st.sampled_from(['', '.pos']), unit=st.sampled_from(['si', 'degrees', 'range']),
       gripper=st.sampled_from(['si', 'percent']), fault=st.sampled_from(sorted(FAULTS)),
       seed=st.integers(0, 1000), said=st.booleans())
def test_an_import_is_exact_or_refused(
        tmp_path_factory, order, prefix, suffix, unit, gripper, fault, seed, said):
    folder = tmp_path_factory.mktemp('any')
    names = [(*JOINTS, 'neck')[place] for place in order]
    chance = np.random.default_rng(seed)
    state = np.cumsum(chance.uniform(-0.2, 0.2, (11, 4)), 0).clip(-1.8, 1.8)
    state += chance.uniform(-0.1, 0.1, 4)
    action = state + chance.uniform(-0.01, 0.01, (11, 4))
    files = Files((6, 5), names=[f'{prefix}{name}{suffix}' for name in names])
    for name, values in (('observation.state', state), ('action', action)):
        files.put(name, np.column_stack([
            in_unit(values[:, place], gripper if place == 2 else unit) for place in order]))
    FAULTS[fault](files)
    units = [unit, f'gripper={gripper}'] if said else []
    options = LeRobotOptions(units=units if unit != 'si' else units[1:])
    try:
        import_lerobot(files.write(folder / 'set'), CONTRACT, folder / 'demos', options)
    except LeRobotError:
        assert not list(folder.glob('demos/*'))
        assert not said or fault not in ('none', 'shuffled') or prefix == 'motor_'
        return
    assert fault in ('none', 'shuffled') and prefix != 'motor_'
    for bag, part in zip(find_bags(folder / 'demos'), (slice(6), slice(6, 11)), strict=True):
        episode = read_episode(bag, CONTRACT)
        np.testing.assert_allclose(episode.observations[:-1], state[part, :3], atol=1e-5)
        np.testing.assert_allclose(episode.actions, action[part, :3], atol=1e-5)
