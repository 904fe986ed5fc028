# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Units of a LeRobotDataset are said by the user wherever its values can't be the contract's."""

from hypothesis import given, settings
from hypothesis import strategies as st
from lerobot_files import arm, Files, JOINTS
import numpy as np
import pytest

from inril_ros.data.bags.bags import find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.data.lerobot.importing import import_lerobot
from inril_ros.data.lerobot.names import columns_of
from inril_ros.data.lerobot.options import LeRobotOptions
from inril_ros.data.lerobot.ranges import spans
from inril_ros.data.lerobot.unit_choice import decide_units
from inril_ros.data.lerobot.units import conversion, parse_units

COLUMNS = [*columns_of(arm().observations), *columns_of(arm().actions)]


def decided(low, high, *units, contract=None, columns=COLUMNS):
    """The units of values from low to high of each joint, states and actions alike."""
    contract = contract or arm()
    values = np.array([[*low, *low], [*high, *high]], float)
    found = spans(columns, [column.joint for column in columns], [values], contract, False)
    return [unit.name for unit in decide_units(
        found, parse_units(units, contract, columns), contract)]


def refusal(low, high, *units, **more):
    with pytest.raises(LeRobotError) as caught:
        decided(low, high, *units, **more)
    return str(caught.value)


def test_values_within_the_limits_are_in_the_units_of_the_contract():
    assert decided([-2, -2, -2], [2, 2, 2]) == ['si'] * 6
    assert decided([-2.05, -2, 0], [2, 2.07, 0.5]) == ['si'] * 6


def test_degrees_are_recognised_with_figures_and_an_option_to_paste():
    text = refusal([-80, 5, 0], [60, 50, 100])
    assert '  shoulder: -80 to 60, limits -2 to 2; could be degrees (-1.396 to 1.047), ' in text
    assert 'range (-1.6 to 1.2)' in text
    assert '  gripper: 0 to 100, limits -2 to 2; could be percent (-2 to 2), ' in text
    choices = [line for line in text.splitlines() if line.startswith(('Say', 'or'))]
    assert choices == ['Say: --units degrees --units gripper=percent',
                       'or: --units range --units gripper=percent']
    for choice in choices:
        options = choice.split('--units ')[1:]
        assert len(decided([-80, 5, 0], [60, 50, 100], *map(str.strip, options))) == 6


def test_values_that_fit_no_unit_are_said_to_fit_none():
    text = refusal([0, 0, 0], [1000, 1, 1.5])
    assert 'shoulder: 0 to 1000, limits -2 to 2; could be nothing known' in text
    assert '--units elbow=' in text and '--units shoulder' not in text
    assert 'Convert the dataset, or, if the robot really moves so, widen' in refusal(
        [500, 500, 500], [1000, 1000, 1000])


def test_what_is_beyond_100_is_no_share_of_a_range():
    text = refusal([-110, 5, 0], [60, 50, 1])
    assert 'shoulder: -110 to 60, limits -2 to 2; could be degrees (-1.92 to 1.047)\n' in text
    assert '--units degrees' in text and '--units range' not in text


@pytest.mark.parametrize('joint', ['gripper', 'left_jaw', 'finger_joint', 'claw'])
def test_a_unit_of_all_joints_is_not_taken_for_a_gripper(joint):
    contract = arm(joints=['shoulder', 'elbow', joint])
    columns = [*columns_of(contract.observations), *columns_of(contract.actions)]
    text = refusal([-80, 5, 50], [60, 50, 50], 'degrees', contract=contract, columns=columns)
    assert 'grippers have other units than arms' in text
    assert f'Add: --units {joint}=percent' in text
    assert decided([-80, 5, 50], [60, 50, 50], 'degrees', f'{joint}=percent', contract=contract,
                   columns=columns) == ['degrees', 'degrees', 'percent'] * 2


def test_a_gripper_that_the_dataset_calls_so_is_one():
    contract = arm(joints=['shoulder', 'elbow', 'drive'])
    columns = [*columns_of(contract.observations), *columns_of(contract.actions)]
    found = spans(columns, ['a', 'b', 'gripper.pos'] * 2, [np.full((2, 6), 50.0)], contract, False)
    with pytest.raises(LeRobotError, match='drive: 50 to 50'):
        decide_units(found, parse_units(['degrees'], contract, columns), contract)


def test_a_gripper_from_0_to_1_is_asked_for():
    text = refusal([0, 0, 0], [1.5, 0.2, 1])
    assert 'gripper: 0 to 1, limits -2 to 2; could be ' in text
    assert 'share (-2 to 2)' in text and 'si (0 to 1)' in text
    assert '  shoulder' not in text, 'the arm is within its limits'
    assert decided([0, 0, 0], [1.5, 0.2, 1], 'gripper=si') == ['si'] * 6


def test_radians_are_not_taken_for_degrees():
    for units in (['degrees', 'gripper=si'], ['range', 'gripper=si'],
                  ['angles=degrees', 'arm=degrees', 'gripper=si']):
        assert "within the contract's limits without it" in refusal(
            [-1, 0.2, 0], [1.5, 0.4, 0.5], *units)
    assert decided([-1, 0.2, 0], [1.5, 0.4, 0.5], 'shoulder=degrees')[0] == 'degrees'


def test_states_and_actions_may_have_units_of_their_own():
    assert decided([-80, 5, 0], [60, 50, 0.5], 'angles=degrees', 'arm.shoulder=range',
                   'elbow=percent', 'gripper=si') == [
        'degrees', 'percent', 'si', 'range', 'percent', 'si']
    values = np.array([[-80, 5, 50, -1.4, 0.1, 0], [60, 50, 50, 1.1, 0.8, 0.5]])
    found = spans(COLUMNS, [column.joint for column in COLUMNS], [values], arm(), False)
    with pytest.raises(LeRobotError) as caught:
        decide_units(found, parse_units([], arm(), COLUMNS), arm())
    assert '  angles.shoulder: -80 to 60' in str(caught.value)
    assert '  arm.' not in str(caught.value), 'the actions are in the units of the contract'
    assert 'Say: --units angles=degrees --units angles.gripper=percent' in str(caught.value)


def test_the_unit_of_an_arm_is_not_taken_for_its_gripper():
    text = refusal([-80, 5, 50], [60, 50, 50], 'angles=degrees', 'arm=degrees')
    assert 'Add: --units gripper=percent' in text
    assert decided([-80, 5, 50], [60, 50, 50], 'angles=degrees', 'arm=degrees',
                   'gripper=percent')[2] == 'percent'


def test_a_gripper_from_0_to_100_within_wider_limits_is_asked_for():
    actions = {'arm': {'topic': 'commands', 'type': 'std_msgs/msg/Float64MultiArray',
                       'joints': list(JOINTS), 'minimum': [-2, -2, 0], 'maximum': [2, 2, 255],
                       'hold': 'last'}}
    text = refusal([0, 0, 0], [1, 1, 100], contract=arm(actions=actions))
    assert 'gripper: 0 to 100, limits 0 to 255; could be percent (0 to 255)' in text
    assert decided([0, 0, 0], [1, 1, 250], contract=arm(actions=actions)) == ['si'] * 6


def test_an_observed_joint_without_a_command_has_no_limits_but_a_turn():
    contract = arm(observations={'angles': {
        'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
        'joints': [*JOINTS, 'neck']}})
    columns = columns_of(contract.observations)

    def one(high, *units):
        values = np.array([[0, 0, 0, 0], [1, 1, 0.5, high]], float)
        found = spans(columns, [*JOINTS, 'neck'], [values], contract, False)
        return decide_units(found, parse_units(units, contract, columns), contract)[3].name

    assert one(6.0) == 'si'
    with pytest.raises(LeRobotError, match='neck: 0 to 90; could be degrees'):
        one(90)
    with pytest.raises(LeRobotError, match='neck is in percent, and the contract has no one pair'):
        one(90, 'neck=percent')
    assert one(90, 'neck=percent:-1:1') == 'percent'


def test_velocities_of_converted_joints_are_asked_for():
    contract = arm(joints=['a', 'b'], observations={
        name: {'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
               'joints': ['a', 'b'], 'quantity': quantity}
        for name, quantity in (('angles', 'position'), ('speeds', 'velocity'))})
    columns = columns_of(contract.observations)
    found = spans(columns, list('abab'), [np.array([[-50.0] * 4, [50.0] * 4])], contract, False)
    with pytest.raises(LeRobotError, match='speeds.a: -50 to 50; could be degrees'):
        decide_units(found, parse_units(['angles=degrees'], contract, columns), contract)
    with pytest.raises(LeRobotError, match='speeds.a is a velocity: range is for positions'):
        decide_units(found, parse_units(['angles=degrees', 'speeds=range'], contract, columns),
                     contract)
    assert [unit.name for unit in decide_units(found, parse_units(
        ['angles=degrees', 'speeds=degrees'], contract, columns), contract)] == ['degrees'] * 4


@pytest.mark.parametrize(('low', 'high', 'units', 'words'), [
    ([0, 0, 0], [2.5, 1, 0.5], [], 'arm.shoulder: 0 to 2.5, limits -2 to 2: 0.5 beyond'),
    ([0, 0, 0], [150, 1, 0], ['shoulder=degrees'],
     '150 degrees are 0 to 2.618, limits -2 to 2: 0.618 beyond'),
    ([0, 0, 0], [150, 1, 0], ['shoulder=range'], '150 range are 0 to 3')])
def test_values_beyond_the_limits_are_refused_in_any_unit(low, high, units, words):
    text = refusal(low, high, *units)
    assert words in text
    assert 'widen minimum and maximum in the contract' in text


@pytest.mark.parametrize(('units', 'words'), [
    (['rad'], 'rad is no unit; allowed are si'), (['knee=degrees'], 'has no joint knee; it has'),
    (['degrees', 'range'], 'the unit of all joints was degrees before'),
    (['elbow=degrees', 'elbow=range'], 'elbow was degrees before'),
    (['elbow=percent:1'], 'is no unit'), (['elbow=degrees:0:1'], 'is no unit'),
    (['elbow=percent:a:b'], 'is no unit'),
    (['elbow=percent:1:1'], 'both ends of the range are 1')])
def test_a_unit_that_cannot_be_is_refused(units, words):
    with pytest.raises(LeRobotError, match=words):
        parse_units(units, arm(), COLUMNS)


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.floats(-1.9, 1.9), min_size=3, max_size=3),
       unit=st.sampled_from(['si', 'degrees', 'millimetres', 'percent', 'range', 'share',
                             'percent:-1:3', 'range:2:-2']))
def test_a_value_in_any_unit_becomes_the_same_position(values, unit):
    ends = {'percent:-1:3': (-1, 3), 'range:2:-2': (2, -2)}.get(unit, (-2, 2))
    share = (np.array(values) - ends[0]) / (ends[1] - ends[0])
    given = {'si': np.array(values), 'degrees': np.degrees(values), 'share': share,
             'millimetres': 1000 * np.array(values), 'percent': 100 * share,
             'range': 200 * share - 100}[unit.split(':')[0]]
    units = parse_units([f'{joint}={unit}' for joint in JOINTS], arm(), COLUMNS)
    columns = columns_of(arm().observations)
    convert = conversion(columns, [units.of(column, column.joint) for column in columns], arm())
    np.testing.assert_allclose(convert(given[None])[0], values, atol=1e-9)


def test_degrees_and_percent_are_imported_with_what_they_were_taken_for(tmp_path):
    files = Files()
    wanted = {name: files.vectors(name) for name in ('observation.state', 'action')}
    for name, values in wanted.items():
        files.put(name, np.column_stack([np.degrees(values[:, :2]), 25 * (values[:, 2] + 2)]))
    dataset, notes = files.write(tmp_path / 'set'), []
    with pytest.raises(LeRobotError, match='(?s)set: a dataset does not say.*--units degrees'):
        import_lerobot(dataset, arm(), tmp_path / 'demos')
    assert not list(tmp_path.glob('demos/*'))
    import_lerobot(dataset, arm(), tmp_path / 'demos', LeRobotOptions(
        units=['degrees', 'gripper=percent']), notes.append)
    assert any('shoulder is shoulder: 5.73 to 14.32 degrees are 0.1 to 0.25' in note
               for note in notes)
    episode = read_episode(find_bags(tmp_path / 'demos')[1], arm())
    np.testing.assert_allclose(episode.observations[:5], wanted['observation.state'][6:],
                               atol=1e-5)
    np.testing.assert_allclose(episode.actions, wanted['action'][6:], atol=1e-5)


def test_commands_a_little_beyond_the_limits_are_cut_and_said(tmp_path):
    files = Files()
    actions = files.vectors('action')
    actions[[2, 3, 8], 1] = 2.07, 2.05, -2.05
    files.put('action', actions)
    done = import_lerobot(files.write(tmp_path / 'set'), arm(), tmp_path / 'demos')
    assert [episode.clipped for episode in done] == [2, 1]
    assert done[0].notes == (
        'arm.elbow was up to 0.07 beyond its limits in 2 of 6 ticks and was cut to them',)
    assert read_episode(find_bags(tmp_path / 'demos')[0], arm()).actions[2, 1] == 2.0
    actions[8, 1] = -2.1
    files.put('action', actions)
    with pytest.raises(LeRobotError, match='arm.elbow: .*0.1 beyond'):
        import_lerobot(files.write(tmp_path / 'far'), arm(), tmp_path / 'other')
