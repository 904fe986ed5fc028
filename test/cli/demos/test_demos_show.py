# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a person sees of demonstrations: rest that is left out, discarded ones, the last image."""

import json
from pathlib import Path
import re
import sys

import matplotlib.figure
import numpy as np
import pytest
from typer.testing import CliRunner
import yaml

sys.path.append(str(Path(__file__).parents[2] / 'data'))

from small_arm import (  # noqa: E402
    DESCRIPTION,
    event_message,
    recorded,
    START,
    TICK,
)

from inril_ros.cli.demos.value_names import action_names, quantity_names  # noqa: E402
from inril_ros.cli.main import app  # noqa: E402
from inril_ros.data.bags.bags import EpisodeBag  # noqa: E402
from inril_ros.data.demonstrations.camera_frames import camera_frames  # noqa: E402
from inril_ros.data.raw.messages import message_class, serialised  # noqa: E402
from inril_ros.data.run.run_directory import new_settings, RunDirectory  # noqa: E402
from inril_ros.learning.policies.artifact import rest_values  # noqa: E402
from inril_ros.nodes.learner.demonstrations import (  # noqa: E402
    read_demonstrations,
    rest_of_model,
)
from inril_ros.robot.contract.contract import load_contract, parse_contract  # noqa: E402
from inril_ros.robot.messages.codecs import stamp_ns  # noqa: E402
from inril_ros.robot.messages.images import encode_image  # noqa: E402

CAMERA = {'front': {'topic': 'front', 'type': 'sensor_msgs/msg/Image', 'width': 32, 'height': 24,
                    'rate': 10}}
CONTRACT = parse_contract({**DESCRIPTION, 'cameras': CAMERA})
BEFORE, MOVING, AFTER = 10, 12, 20  # ticks at 10 Hz


def inril(*arguments, columns=200):
    return CliRunner(env={'COLUMNS': str(columns)}).invoke(
        app, [str(part) for part in arguments])


def messages(before=BEFORE, moving=MOVING, after=AFTER):
    """An episode with images, whose person rests before and after; each image has its number."""
    rows = recorded(before + moving + after, contract_hash=CONTRACT.hash)
    for topic, message in rows:
        if topic == 'executed_action':
            drives = before <= message.tick < before + moving
            message.executed[:] = 0.5 * np.array([drives, drives, 0.0])
    images = [('front', encode_image(
        CONTRACT.cameras['front'], np.full((24, 32, 3), 5 * tick, np.uint8),
        START + tick * TICK - TICK // 3, message_class)) for tick in range(len(rows))
        if tick <= before + moving + after]
    return [*rows, *images]


def bag(folder, name, rows, keep=True, **about):
    made = EpisodeBag(folder, name)
    for topic, message in rows:
        made.write(topic, message.__msgtype__, stamp_ns(message), serialised(message))
    path = made.close({'contract': CONTRACT.name, 'contract_hash': CONTRACT.hash, **about}, keep)
    return Path(path)


@pytest.fixture
def run(tmp_path):
    """A run with a demonstration that rests at its ends, and one that doesn't."""
    file = tmp_path / 'arm.yaml'
    file.write_text(yaml.safe_dump({**DESCRIPTION, 'cameras': CAMERA}))
    made = RunDirectory.create(tmp_path / 'run', new_settings('reach', 0, file))
    bag(made.demonstrations, '0000_e1', messages(), outcome='success')
    bag(made.demonstrations, '0001_e2', messages(0, 20, 0), outcome='success')
    return made


@pytest.fixture
def labels(monkeypatch):
    """What the pictures say."""
    found = []

    def savefig(figure, *_, **__):
        found.extend(text.get_text() for text in figure.findobj(matplotlib.text.Text))

    monkeypatch.setattr(matplotlib.figure.Figure, 'savefig', savefig)
    return found


def test_rest_is_left_out_and_told_for_each_demonstration(run):
    check = inril('demos', 'check', run.demonstrations).stdout
    assert re.search(r'0000_e1 .* 24 .* 0\.8 \+ 1\.0', check)
    assert re.search(r'0001_e2 .* 20 ', check) and check.count(' + ') == 1
    rows = json.loads(inril('demos', 'check', run.demonstrations, '--json').stdout)['episodes']
    assert [row.get('rest_left_out') for row in rows] == [{'begin': 0.8, 'end': 1.0}, None]
    everything = json.loads(inril(
        'demos', 'check', run.demonstrations, '--json', '--rest', 0).stdout)['episodes']
    assert [row['ticks'] for row in everything] == [42, 20]
    assert not any('rest_left_out' in row for row in everything)


def test_cloning_and_fine_tuning_leave_out_the_same(run):
    done = inril('pretrain', run.path, '--clone-steps', 1, '--rest-end', 0.5, '--device', 'cpu',
                 '--despite-findings')
    assert done.exit_code == 0, done.output
    assert ('0000_e1: 0.8 s of rest at the beginning and 1.5 s of rest at the end left out'
            in done.output)
    record = json.loads(run.pretrain_record.read_text())
    assert record['transitions'] == 42 - 8 - 15 + 20
    assert record['rest_left_out'] == {'0000_e1': {'begin': 0.8, 'end': 1.5}}
    assert rest_values(run.pretrained) == {'share': 0.005, 'begin': 0.2, 'end': 0.5}
    told = []
    episodes = read_demonstrations(run.demonstrations, load_contract(run.contract), told.append,
                                   rest_of_model(run.pretrained))
    assert [each.steps for each in episodes.values()] == [19, 20]
    assert [each.rewards.sum() for each in episodes.values()] == [1.0, 1.0]
    assert 'rest is left out, as when they were cloned; 0000_e1: 0.8 s' in told[-1]


def test_an_episode_is_shown_with_its_names_and_its_rest(run, labels):
    shown = inril('demos', 'show', run.demonstrations / '0000_e1')
    assert shown.exit_code == 0, shown.output
    assert ('0.8 s of rest at the beginning and 1.0 s of rest at the end left out where it is '
            'learned from') in shown.output
    assert {'j', 'x', 'y', 'z', 'hand_change', 'angle', ' left out', 'timing of the samples',
            'velocity, commanded, -1..1 of its range', '4.2 s, the last'} <= set(labels)


def test_the_last_image_of_a_camera_is_among_those_that_are_shown(run):
    for number in (2, 8, 40, 100):
        frames = camera_frames(run.demonstrations / '0000_e1', CONTRACT, number)['front']
        values = [int(image[0, 0, 0]) for _, image in frames]
        assert values[-1] == 5 * 42 and values == sorted(set(values))
        assert len(values) == min(number, 42)  # the first image is before the first tick


def test_the_last_image_of_a_slow_camera_is_shown_although_ticks_follow_it(run):
    path = bag(run.demonstrations, '0002_e3', [
        row for row in messages()
        if row[0] != 'front' or row[1].data[0] % 20 == 0])  # each fourth: 0, 4 .. 40
    frames = camera_frames(path, CONTRACT, 8)['front']
    assert [int(image[0, 0, 0]) for _, image in frames][-1] == 5 * 40


@pytest.mark.parametrize(('rows', 'about', 'told'), [
    (lambda rows: rows, {'outcome': 'failure'}, 'rejected: failure'),
    (lambda rows: [row for row in rows if row[0] != 'episode/event' or row[1].event == 2],
     {'outcome': 'incomplete', 'reason': 'the disk is full'},
     'does not tell both start and end'),
    (lambda rows: [row for row in rows
                   if row[0] != 'executed_action' or row[1].tick not in (7, 8)],
     {'outcome': 'incomplete', 'reason': 'never came'}, 'incomplete: executed action 7'),
    (lambda rows: [row for row in rows if row[0] != 'executed_action'],
     {'outcome': 'aborted'}, 'only its images are shown'),
    (lambda rows: [row for row in rows if row[0] != 'hand'], {'outcome': 'aborted'},
     "lacks the topics ['hand']")],
    ids=['failure', 'no end', 'gap', 'no action', 'no topic'])
def test_discarded_ones_are_shown_with_the_reason(run, labels, rows, about, told):
    path = bag(run.demonstrations, '0002_e3', rows(messages()), keep=False, **about)
    assert path.parent.name == 'rejected'
    shown = inril('demos', 'show', path)
    assert shown.exit_code == 0, (shown.output, shown.exception)
    assert told in shown.output and about.get('reason', '') in shown.output
    assert any(label.startswith('0002_e3: small_arm') for label in labels)
    assert '4.2 s, the last' in labels and ' rest, left out' not in labels


def test_what_is_no_bag_is_refused_with_what_to_do(run):
    wrong = inril('demos', 'show', run.demonstrations / '0007')
    assert 'is no folder of a bag; inril demos list shows those there are' in str(wrong.exception)


def test_nothing_of_a_list_is_cut_off_in_a_narrow_terminal(run):
    bag(run.demonstrations, '0002_e3', messages(), keep=False, outcome='time_limit',
        reason='it could not be written: no space left on device', operator='Ada',
        task='reach far')
    listed = inril('demos', 'list', run.demonstrations, columns=80).output
    assert '…' not in listed and f'contract {CONTRACT.name} {CONTRACT.hash[:8]}' in listed
    words = set(listed.split())
    assert {'0000_e1', '0002_e3', 'rejected', 'time_limit', 'space', 'device', 'Ada', 'reach',
            'far', 'kept', 'success', 'messages', 'MB'} <= words
    assert max(map(len, listed.splitlines())) <= 100


def test_values_have_the_names_of_joints_and_axes():
    assert quantity_names(CONTRACT, 'hand') == ('x', 'y', 'z')
    assert quantity_names(CONTRACT, 'to_goal') == ('x', 'y', 'z')
    assert quantity_names(CONTRACT, 'angle_before') == ('j',)
    assert action_names(CONTRACT.actions['velocity']) == ('x', 'y', 'z')
    arm = load_contract(Path(__file__).parents[3] / 'config/robots/metaworld_sawyer.yaml')
    assert quantity_names(arm, 'hand_height') == ('z',)
    force = load_contract(Path(__file__).parents[3] / 'config/robots/ur5e_joint_trajectory.yaml')
    assert quantity_names(force, 'wrench_before') == ('fx', 'fy', 'fz', 'tx', 'ty', 'tz')
    assert quantity_names(arm, 'object_change')[3:] == ('qx', 'qy', 'qz', 'qw')


def test_an_event_alone_is_no_episode(run):
    path = bag(run.demonstrations, '0003_e4', [('episode/event', event_message(
        2, START, contract_hash=CONTRACT.hash))], keep=False, outcome='incomplete',
        reason='the recorder was stopped')
    shown = inril('demos', 'show', path)
    assert shown.exit_code == 0, (shown.output, shown.exception)
    assert 'the recorder was stopped' in shown.output
