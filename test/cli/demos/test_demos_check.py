# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`inril demos check` and `inril pretrain` say what is wrong with demonstrations, and stop."""

import json
from pathlib import Path
import sys

import pytest
from typer.testing import CliRunner
import yaml

sys.path.append(str(Path(__file__).parents[2] / 'data'))

from foreign_bags import ARM, recording, ros2_bag  # noqa: E402

from inril_ros.cli.main import app  # noqa: E402
from inril_ros.data.importing.bag_import import import_bag  # noqa: E402
from inril_ros.data.importing.import_options import ImportOptions  # noqa: E402
from inril_ros.data.run.run_directory import new_settings, RunDirectory  # noqa: E402
from inril_ros.robot.contract.contract import load_contract  # noqa: E402


def inril(*arguments):
    return CliRunner(env={'COLUMNS': '200'}).invoke(app, [str(part) for part in arguments])


def standing(rows):
    """Write the measured pose as command, as some recorders do."""
    for topic, _, message in rows:
        if topic == '/command':
            positions = message.points[0].positions
            positions[0], positions[1] = positions[0] - 0.1, positions[1] - 0.1
    return rows


@pytest.fixture(params=[lambda rows: rows, standing], ids=['sound', 'standing'])
def run(request, tmp_path):
    """A run with one imported demonstration."""
    file = tmp_path / 'contract.yaml'
    file.write_text(yaml.safe_dump(ARM))
    made = RunDirectory.create(tmp_path / 'run', new_settings('stack', 0, file))
    bag = ros2_bag(tmp_path / 'bag', request.param(recording(3.0)))
    [done] = import_bag([bag], load_contract(file), made.demonstrations, ImportOptions())
    assert done.kept, done.reason
    return made, request.param is not standing


def test_a_check_ends_with_its_verdict_and_a_picture(run):
    made, sound = run
    result = inril('demos', 'check', made.demonstrations)
    assert result.exit_code == (0 if sound else 1), result.output
    assert '1 demonstrations: ' + ('fine' if sound else 'wrong') in result.output
    assert ('a clone learns to stand still' in result.output) is not sound
    assert 'arm.a' in result.output and '-9 .. 9' in result.output
    picture = made.demonstrations / 'check.png'
    assert picture.read_bytes().startswith(b'\x89PNG')
    assert str(picture) in result.output


def test_a_check_can_be_read_by_a_program(run):
    made, sound = run
    result = inril('demos', 'check', made.demonstrations, '--json')
    told = json.loads(result.stdout)
    assert told['verdict'] == ('fine' if sound else 'wrong')
    assert {one['kind'] for one in told['findings']} == (set() if sound else {'no command'})
    assert not (made.demonstrations / 'check.png').exists()


def test_pretraining_refuses_what_is_wrong_unless_told(run):
    made, sound = run
    arguments = ('pretrain', made.path, '--clone-steps', 1)
    result = inril(*arguments)
    if not sound:
        assert result.exit_code == 1
        assert 'a clone learns to stand still' in str(result.exception)
        assert '--despite-findings' in str(result.exception)
        assert not made.pretrained.exists()
        result = inril(*arguments, '--despite-findings')
    assert result.exit_code == 0, result.output
    assert json.loads(made.pretrain_record.read_text())['audit'] == (
        'fine' if sound else 'wrong')
