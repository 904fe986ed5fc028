# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The command that the refusal of a cut bag names gives a bag that can be imported."""

from pathlib import Path
import sys

from typer.testing import CliRunner
import yaml

sys.path.append(str(Path(__file__).parents[2] / 'data'))

from foreign_bags import ARM, recording, ros2_bag  # noqa: E402

from inril_ros.cli.main import app  # noqa: E402


def inril(*arguments):
    return CliRunner(env={'COLUMNS': '200'}).invoke(app, [str(part) for part in arguments])


def test_a_cut_bag_is_repaired_by_the_command_that_its_refusal_names(tmp_path):
    (tmp_path / 'contract.yaml').write_text(yaml.safe_dump(ARM))
    bag = ros2_bag(tmp_path / 'lab', recording(2.0))
    [file] = bag.glob('*.mcap')
    content = file.read_bytes()
    file.write_bytes(content[:len(content) * 3 // 4])
    importing = ('--to', tmp_path / 'demos', '--contract', tmp_path / 'contract.yaml')
    refused = inril('demos', 'import', bag, *importing)
    assert refused.exit_code != 0
    command = str(refused.exception).rpartition(': inril ')[2].split()
    assert command == ['demos', 'repair', str(bag)]
    repaired = inril(*command)
    assert repaired.exit_code == 0, repaired.output
    assert f'{bag}_repaired: ' in repaired.output
    assert 'lab.mcap: ' in repaired.output
    assert inril('demos', 'import', f'{bag}_repaired', *importing).exit_code == 0
    again = inril('demos', 'repair', bag, '--to', tmp_path / 'other')
    assert again.exit_code == 0 and (tmp_path / 'other' / 'metadata.yaml').is_file()
