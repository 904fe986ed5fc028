# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bags that were imported by an earlier version say so to whoever opens them."""

from pathlib import Path
import re
import sys

import pytest
from typer.testing import CliRunner
import yaml

sys.path.append(str(Path(__file__).parent))

from foreign_bags import ARM, CONTRACT, recording, ros2_bag  # noqa: E402

from inril_ros.cli.main import app  # noqa: E402
from inril_ros.data.demonstrations.import_versions import (  # noqa: E402
    CHANGES,
    IMPORT_VERSION,
    imported_version,
    outdated_imports,
)
from inril_ros.data.importing.bag_import import import_bag  # noqa: E402
from inril_ros.data.importing.import_options import ImportOptions  # noqa: E402
from inril_ros.nodes.learner.demonstrations import read_demonstrations  # noqa: E402


@pytest.fixture
def demos(tmp_path):
    import_bag([ros2_bag(tmp_path / 'lab', recording(1.0))], CONTRACT, tmp_path / 'demos',
               ImportOptions())
    (tmp_path / 'contract.yaml').write_text(yaml.safe_dump(ARM))
    return tmp_path / 'demos'


def make_outdated(folder):
    """Remove the version from the metadata, which bags of version 1 don't have."""
    [file] = folder.glob('0*/metadata.yaml')
    file.write_text(re.sub(r'.*import_version:.*\n', '', file.read_text()))
    return file.parent.name


def test_a_bag_of_this_version_needs_nothing(demos):
    assert outdated_imports(demos) == ''
    [file] = demos.glob('0*/metadata.yaml')
    information = yaml.safe_load(file.read_text())['rosbag2_bagfile_information']['custom_data']
    assert imported_version(information) == IMPORT_VERSION


def test_a_bag_of_an_earlier_version_is_named_with_its_source_and_what_changed(demos):
    name = make_outdated(demos)
    told = outdated_imports(demos)
    assert name in told and 'lab again' in told
    assert all(text in told for texts in CHANGES.values() for text in texts)


def test_recorded_and_damaged_bags_are_no_imports(tmp_path):
    for name, text in (('0000_a', 'rosbag2_bagfile_information: {custom_data: {task: x}}'),
                       ('0001_b', 'imported_from: ['), ('0002_c', '')):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'metadata.yaml').write_text(text)
    assert outdated_imports(tmp_path) == ''


@pytest.mark.parametrize('command', ['list', 'check'])
def test_the_commands_that_open_demonstrations_say_so_once(demos, command):
    runner = CliRunner(env={'COLUMNS': '200'})
    assert 'earlier version' not in runner.invoke(app, ['demos', command, str(demos)]).stderr
    make_outdated(demos)
    assert runner.invoke(app, ['demos', command, str(demos)]).stderr.count(
        'imported by an earlier version') == 1


def test_an_export_says_so(demos, tmp_path):
    make_outdated(demos)
    result = CliRunner().invoke(
        app, ['demos', 'export', str(demos), '--to', str(tmp_path / 'out')])
    assert result.exit_code == 0 and 'imported by an earlier version' in result.stderr


def test_the_learner_says_so(demos):
    told = []
    assert len(read_demonstrations(demos, CONTRACT, told.append)) == 1
    make_outdated(demos)
    read_demonstrations(demos, CONTRACT, told.append)
    assert [text.splitlines()[0].partition(':')[0] for text in told] == [str(demos)]
