# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A recording of a dry run is no demonstration, wherever it is read, and can be looked at."""

from dataclasses import replace

from foreign_bags import BEGIN, recording, ros2_bag, SECOND
from foreign_bags import CONTRACT as FOREIGN
import pytest
from small_arm import (
    CONTRACT,
    DESCRIPTION,
    executed,
    executed_message,
    header,
    recorded,
    write,
)
import typer.testing
import yaml

from inril_ros.cli.main import app
from inril_ros.data.audit.audit import read_folder
from inril_ros.data.bags.bags import EpisodeBag, find_bags
from inril_ros.data.bags.dry_run import DryRunError
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.bags.recording import Recording
from inril_ros.data.demonstrations.aligned_cache import aligned_episode
from inril_ros.data.demonstrations.npz_export import export_npz
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.lerobot.export import export_lerobot
from inril_ros.nodes.conducting.demonstrations import kept_bags
from inril_ros.nodes.learner.demonstrations import read_demonstrations
from inril_ros.robot.motion.tick import DRY_RUN

TICKS = 6


def dry(messages):
    return [(topic, replace(message, reasons=[DRY_RUN]) if topic == 'executed_action'
             else message) for topic, message in messages]


@pytest.fixture
def folder(tmp_path):
    """A demonstration, and one of a dry run as former recorders kept it: without a mark."""
    demos = tmp_path / 'demos'
    for name, messages in (('0000_e2', dry(recorded(TICKS))), ('0001_e1', recorded(TICKS))):
        bag = EpisodeBag(demos, name)
        write(bag, messages)
        bag.close({'outcome': 'success'}, keep=True)
    return demos


@pytest.mark.parametrize('read', [
    lambda folder: [read_episode(path, CONTRACT) for path in find_bags(folder)],
    lambda folder: [aligned_episode(path, CONTRACT) for path in find_bags(folder)],
    lambda folder: read_demonstrations(folder, CONTRACT, print),  # the learner, and cloning
    lambda folder: export_npz(folder, CONTRACT, folder.with_name('npz')),
    lambda folder: export_lerobot(folder, CONTRACT, folder.with_name('lerobot'))],
    ids=['read', 'aligned', 'learner', 'npz', 'lerobot'])
def test_who_reads_demonstrations_refuses_it_by_its_name(folder, read):
    with pytest.raises(DryRunError, match='0000_e2: recorded in a dry run: nothing was sent to '
                                          'the robot.*; inril demos delete puts it aside'):
        read(folder)


def test_an_audit_names_it(folder):
    episodes, errors = read_folder(folder, CONTRACT)
    assert list(episodes) == ['0001_e1'] and 'dry run' in errors['0000_e2']


def test_it_is_not_counted(folder):
    assert [path.name for path in kept_bags(folder)] == ['0001_e1']


def test_counting_reads_one_tick_of_a_bag_and_is_not_stopped_by_damage(folder, monkeypatch):
    read = []
    deserialize = Recording.deserialize
    monkeypatch.setattr(Recording, 'deserialize', lambda *of: (
        read.append(of[2].topic), deserialize(*of))[1])
    assert len(kept_bags(folder)) == 1 and read == ['/executed_action'] * 2
    (folder / '0001_e1' / '0001_e1.mcap').write_bytes(b'no bag')
    assert len(kept_bags(folder)) == 1


def test_it_can_be_looked_at(folder, tmp_path):
    contract = tmp_path / 'arm.yaml'
    contract.write_text(yaml.safe_dump(DESCRIPTION))
    result = typer.testing.CliRunner().invoke(app, [
        'demos', 'show', str(folder / '0000_e2'), '--contract', str(contract)])
    assert result.exit_code == 0, result.output
    assert 'recorded in a dry run' in result.output and 'hand' in result.output
    assert (folder / '0000_e2.png').exists()


@pytest.mark.parametrize(('at', 'kept'), [(0.5, [False, True]), (2.5, [True, False])])
def test_an_import_rejects_the_episodes_of_a_dry_run(tmp_path, at, kept):
    """A bag of a whole day may have both."""
    stamp = BEGIN + round(at * SECOND)
    tick = replace(executed_message(executed(0)), header=header(stamp), reasons=[DRY_RUN])
    rows = [*recording(2.0), ('executed_action', stamp, tick), *recording(2.0, first=2.0)]
    table = tmp_path / 'episodes.csv'
    table.write_text('start,end,outcome\n0.1,1.9,success\n2.1,3.9,success\n')
    source = ros2_bag(tmp_path / 'foreign', sorted(rows, key=lambda row: row[1]))
    done = import_bag([source], FOREIGN, tmp_path / 'demos', ImportOptions(
        cut=replace(ImportOptions().cut, kind='csv', value=str(table))))
    assert [each.kept for each in done] == kept
    (rejected,) = (each.reason for each in done if not each.kept)
    assert 'recorded in a dry run' in rejected
    assert len(find_bags(tmp_path / 'demos')) == 1
