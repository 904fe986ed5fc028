# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`inril demos` and `inril contract`, as a person types them."""

from dataclasses import replace
import json
from pathlib import Path
import sys

import numpy as np
import pytest
from typer.testing import CliRunner
import yaml

sys.path.append(str(Path(__file__).parents[2] / 'data'))

from foreign_bags import ARM, CONTRACT, recording, ros1_bag, ros2_bag  # noqa: E402

from inril_ros.cli.main import app  # noqa: E402
from inril_ros.robot.contract.contract import load_contract  # noqa: E402


def inril(*arguments):
    return CliRunner(env={'COLUMNS': '200'}).invoke(app, [str(part) for part in arguments])


@pytest.fixture
def lab(tmp_path):
    """A folder with a contract and two imported demonstrations."""
    (tmp_path / 'contract.yaml').write_text(yaml.safe_dump(ARM))
    bag = ros2_bag(tmp_path / 'foreign', [*recording(1.5), *recording(1.5, first=2.6)])
    done = inril('demos', 'import', bag, '--to', tmp_path / 'demos', '--contract',
                 tmp_path / 'contract.yaml', '--cut', 'gaps:1', '--task', 'stack', '--json')
    assert done.exit_code == 0, done.output
    assert [one['ticks'] for one in json.loads(done.stdout)] == [14, 14]
    return tmp_path


def bags(lab):
    return sorted((lab / 'demos').glob('0*'))


def test_demonstrations_are_listed(lab):
    result = inril('demos', 'list', lab / 'demos')
    assert result.exit_code == 0
    for word in (bags(lab)[0].name, 'kept', 'success', 'stack', CONTRACT.hash[:8]):
        assert word in result.output
    [first, second] = json.loads(inril('demos', 'list', lab / 'demos', '--json').output)
    assert (first['task'], first['state'], second['outcome']) == ('stack', 'kept', 'success')


def test_a_bag_of_ros_1_is_imported_with_renamed_topics(lab):
    rows = [(topic.replace('/hand', '/tool'), *rest) for topic, *rest in recording(1.5)]
    bag = ros1_bag(lab / 'old.bag', rows)
    result = inril('demos', 'import', bag, '--to', lab / 'old', '--contract',
                   lab / 'contract.yaml', '--remap', 'hand:=tool')
    assert result.exit_code == 0, result.output
    assert '1 of 1 episodes' in result.output
    assert inril('demos', 'check', lab / 'old').exit_code == 0


def test_an_import_says_what_became_of_each_episode(lab):
    late = [(topic, time, replace(message, header=replace(
        message.header, stamp=replace(message.header.stamp, sec=0, nanosec=0)))
        if topic == '/hand' and index < 40 else message)
        for index, (topic, time, message) in enumerate(recording(1.5))]
    unset = [(topic, time, replace(message, header=replace(
        message.header, stamp=replace(message.header.stamp, sec=0, nanosec=0)))
        if topic == '/hand' else message) for topic, time, message in recording(1.5, first=4.0)]
    bag = ros2_bag(lab / 'stamps', [*late, *unset])
    arguments = ['demos', 'import', bag, '--contract', lab / 'contract.yaml', '--cut', 'gaps:1']
    result = inril(*arguments, '--to', lab / 'some')
    assert result.exit_code == 0, result.output
    kept, begin, number, rejected, again, total, where = result.output.strip().splitlines()
    assert ' ticks, ' in kept and kept.endswith(' s')
    assert begin == '  the first 0.499 s are left out: hand was the last to begin'
    assert number.startswith('  hand: 10 messages could not be used; the first: header.stamp is 0')
    assert ': rejected: hand: all 30 stamps are 0: ' in rejected
    assert again.startswith('  hand: 30 messages could not be used')
    assert total.startswith('1 of 2 episodes are in ') and ' ticks, ' in total
    assert where == f'1 are in {lab / "some" / "rejected"}'
    done = json.loads(inril(*arguments, '--to', lab / 'more', '--json').stdout)
    assert [len(one['notes']) for one in done] == [2, 1]
    assert done[1]['reason'] and not done[0]['reason']
    wrong = inril(*arguments, '--to', lab / 'more', '--settle', '-1')
    assert '--settle -1.0: allowed are 0 to 60 s' in str(wrong.exception or wrong.output)


def test_a_check_tells_what_can_be_used_and_what_not(lab):
    whole = inril('demos', 'check', lab / 'demos')
    assert whole.exit_code == 0, whole.output
    [file] = bags(lab)[1].glob('*.mcap')
    file.write_bytes(file.read_bytes()[:2000])
    broken = inril('demos', 'check', lab / 'demos', '--json')
    assert broken.exit_code == 1
    [good, bad] = json.loads(broken.stdout)['episodes']
    assert good['ticks'] == 14
    assert 0.0 < good['worst_age'] < 0.3
    assert good['action_range'] == pytest.approx(np.abs(CONTRACT.normalise_action(
        np.array([[1.7, 3.1]]))).max(), abs=0.2)
    assert 'has no end' in bad['error'] and 'inril demos repair' in bad['error']


def test_an_episode_is_shown_with_a_picture(lab):
    result = inril('demos', 'show', bags(lab)[0])
    assert result.exit_code == 0, result.output
    picture = lab / 'demos' / f'{bags(lab)[0].name}.png'
    assert picture.read_bytes().startswith(b'\x89PNG')
    assert picture.stat().st_size > 20_000
    assert 'angles' in result.output and 'arm (action)' in result.output


def test_demonstrations_are_put_aside_and_only_removed_when_asked(lab):
    first, second = bags(lab)
    assert inril('demos', 'delete', first).exit_code == 0
    assert (lab / 'demos' / 'rejected' / first.name).is_dir()
    assert [one['state'] for one in json.loads(
        inril('demos', 'list', lab / 'demos', '--json').output)] == ['kept', 'rejected']
    assert inril('demos', 'delete', '--forever', second).exit_code == 1, 'nobody said yes'
    assert second.is_dir()
    assert inril('demos', 'delete', '--forever', '--yes', second).exit_code == 0
    assert not second.exists()
    assert inril('demos', 'delete', lab).exit_code == 1, 'that is no bag'


def test_arrays_are_exported(lab):
    assert inril('demos', 'export', lab / 'demos', '--to', lab / 'out').exit_code == 0
    columns = json.loads((lab / 'out' / 'columns.json').read_text())
    with np.load(lab / 'out' / f'{bags(lab)[0].name}.npz', allow_pickle=False) as episode:
        assert episode['observations'].shape == (15, len(columns['observations']))
        assert episode['actions'].shape == (14, len(columns['actions']))
    assert columns['actions'] == ['arm.a', 'arm.b']
    again = inril('demos', 'export', lab / 'demos', '--to', lab / 'out')
    assert again.exit_code == 1
    assert 'is there already' in str(again.exception)


def test_a_lerobot_dataset_is_written_and_read(lab):
    out = inril('demos', 'export', lab / 'demos', '--to', lab / 'set', '--format', 'lerobot')
    assert out.exit_code == 0, out.output
    back = inril('demos', 'import-lerobot', lab / 'set', '--to', lab / 'back', '--contract',
                 lab / 'contract.yaml')
    assert back.exit_code == 0, back.output
    assert '2 episodes' in back.output
    assert inril('demos', 'check', lab / 'back').exit_code == 0
    wrong = inril('demos', 'export', lab / 'demos', '--to', lab / 'x', '--format', 'zip')
    assert 'allowed are npz, lerobot' in str(wrong.exception)
    wrong = inril('demos', 'export', lab / 'demos', '--to', lab / 'x', '--video', 'av1')
    assert 'only --format lerobot has videos' in str(wrong.exception)
    wrong = inril('demos', 'export', lab / 'demos', '--to', lab / 'x', '--format', 'lerobot',
                  '--video', 'mpeg')
    assert 'allowed are av1, h264' in str(wrong.exception)


@pytest.mark.parametrize(('arguments', 'words'), [
    (['--outcome', 'great'], 'allowed are success, failure'),
    (['--remap', 'hand'], 'must be <the contract'), (['--cut', 'often'], 'allowed are whole')])
def test_a_wrong_option_says_what_is_allowed(lab, arguments, words):
    result = inril('demos', 'import', lab / 'foreign', '--to', lab / 'other', '--contract',
                   lab / 'contract.yaml', *arguments)
    assert result.exit_code == 1
    assert words in str(result.exception)
    assert not (lab / 'other').exists()


def test_without_a_contract_it_is_said_where_it_was_looked_for(tmp_path):
    (tmp_path / 'a').mkdir()
    result = inril('demos', 'check', tmp_path / 'a')
    assert 'no contract.yaml there or above: give --contract' in str(result.exception)


def test_a_contract_is_checked_against_a_bag(lab):
    result = inril('contract', 'check', lab / 'contract.yaml', '--bag',
                   ros2_bag(lab / 'fits', recording(1.5)))
    assert result.exit_code == 0, result.output
    assert f'against {lab / "fits"}: fine' in result.output
    assert 'fine: joint_states: 50.0 Hz' in result.output
    without = [row for row in recording(1.0) if row[0] != '/hand']
    lacking = inril('contract', 'check', lab / 'contract.yaml', '--bag',
                    ros2_bag(lab / 'other', without))
    assert lacking.exit_code == 1
    assert 'wrong: hand: not in the bag' in lacking.output


def test_a_contract_whose_gate_cannot_be_built_is_refused(lab):
    (lab / 'arm.urdf').write_text('<robot name="arm"><link name="base"/></robot>')
    (lab / 'boxed.yaml').write_text(yaml.safe_dump({
        **ARM, 'kinematics': {'urdf': 'arm.urdf'},
        'workspace': {'links': ['tool'], 'minimum': [-1, -1, -1], 'maximum': [1, 1, 1]}}))
    result = inril('contract', 'check', lab / 'boxed.yaml')
    assert result.exit_code == 1
    assert f"{lab / 'boxed.yaml'}:\n  the URDF has no link 'tool'" in str(result.exception)


def test_a_draft_is_written_from_a_bag(lab):
    result = inril('contract', 'new', lab / 'draft.yaml', '--bag', lab / 'foreign')
    assert result.exit_code == 0, result.output
    draft = load_contract(lab / 'draft.yaml')
    assert set(draft.observations) == {'hand', 'joint_states_position'}
    assert [action.topic for action in draft.actions.values()] == ['command']
