# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A newcomer's way: a bag of an unknown arm, its draft, what that asks for, the import."""

from contextlib import closing
from pathlib import Path
import sqlite3
from uuid import uuid4

from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from robot_recordings import (
    ALOHA,
    aloha,
    BEGIN,
    CAMERAS,
    joint_state,
    motion,
    multi_array,
    ordered,
    SECOND,
    stream,
    ur_forward,
    written,
    XARM,
    xarm6,
)
from rosbags.rosbag2 import StoragePlugin
from typer.testing import CliRunner

from inril_ros.cli.main import app
from inril_ros.data.audit.survey import survey_bag
from inril_ros.data.bags.bags import BagError, EXECUTED_TOPIC, find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.bags.recording import open_recording
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.draft.draft import draft_contract
from inril_ros.robot.messages.codecs import stamp_ns

CONFIG = Path(__file__).parents[3] / 'config'


def inril(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def drafted(folder, rows, definitions=True):
    """Write a bag and a draft from it; return the bag, the contract's and the mapping's file."""
    bag = written(folder / 'bag', rows,
                  StoragePlugin.MCAP if definitions else StoragePlugin.SQLITE3)
    for file in () if definitions else bag.glob('*.db3'):
        with closing(sqlite3.connect(file)) as content:
            content.execute('DELETE FROM message_definitions')
            content.commit()
    result = inril('contract', 'new', folder / 'arm.yaml', '--bag', bag)
    assert result.exit_code == 0, (result.output, result.exception)
    return bag, folder / 'arm.yaml', folder / 'arm_mapping.yaml'


def edited(file, *replacements):
    text = file.read_text()
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file.write_text(text)


def imported(folder, bag, contract, mapping=None):
    """Import the bag; return the ticks [ns], and the one episode."""
    options = ('--mapping', mapping) if mapping else ()
    result = inril('demos', 'import', bag, '--contract', contract, '--to', folder / 'demos',
                   *options)
    assert result.exit_code == 0, (result.output, result.exception)
    assert 'left out' not in result.output
    [path] = find_bags(folder / 'demos')
    with open_recording(path) as reader:
        ticks = [stamp_ns(reader.deserialize(raw, connection))
                 for connection, _, raw in reader.messages(reader.named(EXECUTED_TOPIC))]
    return ticks, read_episode(path, load_contract(contract))


def newest(rows, topic, until, stamped):
    """The newest message of a topic at a time, by its stamp or by its arrival."""
    return [message for name, came, message in rows
            if name == topic and (stamp_ns(message) if stamped else came) <= until][-1]


def measured(rows, topic, at, names):
    """Positions of joints in the newest message that has them."""
    found = newest([row for row in rows if row[0] == topic and names[0] in row[2].name],
                   topic, at, stamped=True)
    return [found.position[found.name.index(name)] for name in names]


def commented(text, key):
    """The lines of an entry that is a comment, and what they are when it is active."""
    lines = text.splitlines()
    first = lines.index(f'#   {key}:')
    count = next(number for number, line in enumerate(lines[first + 1:], 1)
                 if not line.startswith('#     '))
    old = '\n'.join(lines[first:first + count])
    return old, old.replace('#   ', '  ').replace('\n# ', '\n')


def test_an_xarm_with_a_gripper_needs_its_action_and_to_know_that_it_pauses(tmp_path):
    rows = xarm6()
    bag, contract, mapping = drafted(tmp_path, rows)
    # It asks for three things: the gripper's action, also in the mapping, its max_age, a box.
    assert contract.read_text().count('TO DO:') == 3
    assert 'pauses of up to 1.3 s' in contract.read_text()
    edited(contract, ('max_age: 0.428\n', 'max_age: 2.0\n'))
    old, new = commented(contract.read_text(), 'gripper')
    edited(contract, (old, new.replace('fill_in/gripper_cmd', 'xarm_gripper/gripper_action')))
    edited(mapping, ('# actions:\n#   gripper', 'actions:\n  gripper'))

    ticks, episode = imported(tmp_path, bag, contract, mapping)
    assert len(ticks) > 60
    loaded = load_contract(contract)
    assert loaded.policy_observations == (
        'joint_states_position', 'joint_states_gripper_position')
    for index, tick in enumerate(ticks):
        np.testing.assert_array_equal(
            episode.observations[index], np.float32([
                *measured(rows, '/joint_states', tick, XARM),
                *measured(rows, '/joint_states', tick, ['drive_joint'])]))
        following = tick + loaded.period_ns
        sent = newest(rows, '/xarm6_traj_controller/joint_trajectory', following - 1, False)
        np.testing.assert_allclose(episode.actions[index], [
            *sent.points[0].positions, *measured(rows, '/joint_states', following, ['drive_joint'])
        ], atol=1e-6)
    assert episode.images.shape[1] == 1


def test_aloha_is_imported_from_its_draft_with_the_commands_of_its_own_types(tmp_path):
    rows = aloha()
    bag, contract, mapping = drafted(tmp_path, rows)
    ticks, episode = imported(tmp_path, bag, contract, mapping)
    assert len(ticks) > 60
    loaded = load_contract(contract)
    assert tuple(loaded.policy_cameras) == CAMERAS
    sides = ('left', 'right')
    for index, tick in enumerate(ticks):
        np.testing.assert_array_equal(episode.observations[index], np.float32([
            value for side in sides
            for value in measured(rows, f'/follower_{side}/joint_states', tick,
                                  [*ALOHA, 'gripper'])]))
        until = tick + loaded.period_ns - 1
        np.testing.assert_allclose(episode.actions[index], [
            value for side in sides for value in [
                *newest(rows, f'/follower_{side}/commands/joint_group', until, False).cmd,
                newest(rows, f'/follower_{side}/commands/joint_single', until, False).cmd]],
            atol=1e-6)
    # To drive the arms the draft asks for the topics of their controllers.
    checked = inril('contract', 'check', contract, '--bag', bag)
    assert 'actions.follower_left_arm.topic: fill_in_to_drive' in checked.output


def test_a_bag_without_definitions_of_foreign_types_is_drafted_without_them(tmp_path):
    """A .db3 file of Humble has none: interbotix_xs_msgs is not known then."""
    bag, contract, mapping = drafted(tmp_path, aloha(), definitions=False)
    text = ' '.join(contract.read_text().replace('#', ' ').split())
    assert 'follower_left/commands/joint_group: interbotix_xs_msgs/msg/JointGroupCommand' in text
    assert 'topic: leader_left/joint_states' in mapping.read_text()
    ticks, episode = imported(tmp_path, bag, contract, mapping)
    assert episode.actions.shape == (len(ticks), 12)


def test_a_forward_controller_whose_order_is_found_is_imported_without_an_edit(tmp_path):
    rows = ur_forward()
    bag, contract, _ = drafted(tmp_path, rows)
    ticks, episode = imported(tmp_path, bag, contract)
    for index, tick in enumerate(ticks):
        sent = newest(rows, '/forward_position_controller/commands', tick + SECOND // 20 - 1,
                      False)
        np.testing.assert_allclose(episode.actions[index], sent.data, atol=1e-6)
    assert inril('contract', 'check', contract, '--bag', bag).exit_code == 0


def test_a_draft_whose_order_is_not_known_is_not_imported(tmp_path):
    rows = [row for row in ur_forward() if row[1] < BEGIN + SECOND // 50 * 3 or (
        row[0] == '/joint_states')]
    bag, contract, _ = drafted(tmp_path, rows)
    checked = inril('contract', 'check', contract)
    assert checked.exit_code == 1
    assert 'is a stand-in: enter the topic of the controller' in str(checked.exception)
    result = inril('demos', 'import', bag, '--contract', contract, '--to', tmp_path / 'demos')
    assert result.exit_code == 1
    assert 'no topic /fill_in/arm/joint_trajectory' in str(result.exception)
    assert not (tmp_path / 'demos').exists()


# The contracts that came of these drafts.

def small_cameras(folder, name):
    """A shipped contract for the small images of these recordings."""
    text = (CONFIG / 'robots' / f'{name}.yaml').read_text()
    text = text.replace('width: 640, height: 480', 'width: 64, height: 48')
    text = text.replace('rate: 60.0', 'rate: 30.0')
    (folder / 'shipped.yaml').write_text(text)
    return folder / 'shipped.yaml'


def test_the_shipped_aloha_is_imported_with_its_shipped_mapping(tmp_path):
    rows = aloha()
    contract = small_cameras(tmp_path, 'aloha')
    ticks, episode = imported(tmp_path, written(tmp_path / 'bag', rows), contract,
                              CONFIG / 'mappings' / 'aloha.yaml')
    period = load_contract(contract).period_ns
    for index, tick in enumerate(ticks):
        np.testing.assert_allclose(episode.actions[index], [
            value for side in ('left', 'right') for value in [
                *newest(rows, f'/follower_{side}/commands/joint_group', tick + period - 1,
                        False).cmd,
                *measured(rows, f'/follower_{side}/joint_states', tick + period,
                          ['left_finger'])]], atol=1e-6)


def test_the_shipped_xarm_is_imported(tmp_path):
    rows = xarm6()
    contract = small_cameras(tmp_path, 'xarm6_gripper')
    (tmp_path / 'mapping.yaml').write_text(
        'actions: {gripper: {next: gripper_position}}\n'
        'topics: {front/color/image_raw/compressed: /camera/color/image_raw/compressed,\n'
        '         wrist/color/image_raw/compressed: /camera/color/image_raw/compressed}\n')
    ticks, episode = imported(tmp_path, written(tmp_path / 'bag', rows), contract,
                              tmp_path / 'mapping.yaml')
    for index, tick in enumerate(ticks):
        np.testing.assert_array_equal(
            episode.observations[index][-7:],
            np.float32([*measured(rows, '/joint_states', tick, XARM),
                        *measured(rows, '/joint_states', tick, ['drive_joint'])]))


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(4)), st.permutations(range(4)), st.sets(st.integers(0, 3)),
       st.sampled_from([0.02, 0.1, 0.25]))
def test_the_draft_of_any_forward_controller_is_imported_exactly_or_refused(
        tmp_path, order, states, still, lag):
    """Joints that stand still do so at the same angle: nothing tells them apart."""
    def at_rest_or(number, at):
        return 0.5 if number in still else motion(number, at)

    rows = ordered(
        stream('/joint_states', 2.0, 100, lambda at: joint_state(
            [f'j{number}' for number in states],
            [at_rest_or(number, at - lag) for number in states], at)),
        stream('/forward/commands', 2.0, 50, lambda at: multi_array(
            at_rest_or(number, at) for number in order), delay=0.0))
    folder = tmp_path / str(uuid4())
    folder.mkdir()
    bag = written(folder / 'bag', rows)
    (folder / 'arm.yaml').write_text(draft_contract(survey_bag(bag), recorded=True).contract)
    contract = load_contract(folder / 'arm.yaml')
    if len(still) > 1:
        with pytest.raises(BagError, match='fill_in'):
            import_bag([bag], contract, folder / 'demos', ImportOptions())
        return
    [action] = contract.actions.values()
    assert action.joints == tuple(f'j{number}' for number in order)
    ticks, episode = imported(folder, bag, folder / 'arm.yaml')
    for index, tick in enumerate(ticks):
        sent = newest(rows, '/forward/commands', tick + contract.period_ns - 1, False)
        np.testing.assert_allclose(episode.actions[index], sent.data, atol=1e-6)


@pytest.mark.parametrize('name', ['arm.yaml', 'arm_mapping.yaml'])
def test_a_draft_replaces_no_file(tmp_path, name):
    (tmp_path / name).write_text('mine')
    result = inril('contract', 'new', tmp_path / 'arm.yaml', '--bag',
                   written(tmp_path / 'bag', ur_forward(1.0)))
    assert isinstance(result.exception, FileExistsError)
    assert (tmp_path / name).read_text() == 'mine'
