# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`inril demos trim|label|split|drop|restore`, as a person types them."""

import json
from pathlib import Path
import sys

import pytest
from typer.testing import CliRunner
import yaml

sys.path.append(str(Path(__file__).parents[2] / 'data'))

from small_arm import DESCRIPTION, recorded, write  # noqa: E402

from inril_ros.cli.main import app  # noqa: E402
from inril_ros.data.bags.bags import EpisodeBag  # noqa: E402
from inril_ros.data.demonstrations.pieces import find_pieces  # noqa: E402


def inril(*arguments):
    return CliRunner(env={'COLUMNS': '250'}).invoke(app, [str(part) for part in arguments])


@pytest.fixture
def bag(tmp_path):
    (tmp_path / 'contract.yaml').write_text(yaml.safe_dump(DESCRIPTION))
    made = EpisodeBag(tmp_path / 'demos', '0000_e1')
    write(made, recorded(30))
    return made.close({'outcome': 'success'}, keep=True)


def used(bag):
    return [(piece.name, piece.first, piece.until, piece.outcome)
            for piece in find_pieces(bag.parent)]


def test_seconds_and_ticks_are_the_same_and_an_end_that_is_not_given_stays(bag):
    done = inril('demos', 'trim', bag, '--begin', 0.8, '--note', 'late', '--by', 'anna')
    assert done.exit_code == 0, done.output
    assert '0000_e1: 8 ticks at the beginning and 0 at the end of 30 left out by anna' in (
        done.output) and 'late' in done.output
    assert inril('demos', 'trim', bag, '--end', 5, '--ticks').exit_code == 0
    assert used(bag) == [('0000_e1', 8, 25, None)]
    assert inril('demos', 'trim', bag, '--begin', 0).exit_code == 0
    assert used(bag) == [('0000_e1', 0, 25, None)]


def test_a_split_a_label_a_drop_and_back(bag):
    done = inril('demos', 'split', bag, '--at', 1.2, '--first', 'failure')
    assert done.exit_code == 0, done.output
    assert used(bag) == [('0000_e1.1', 0, 12, 'failure'), ('0000_e1.2', 12, None, None)]
    assert 'as it was recorded' in inril('demos', 'restore', bag).output
    assert inril('demos', 'label', bag, '--outcome', 'failure').exit_code == 0
    assert used(bag) == [('0000_e1', 0, None, 'failure')]
    assert inril('demos', 'drop', bag).exit_code == 0
    [row] = json.loads(inril('demos', 'list', bag.parent, '--json').stdout)
    assert row['state'] == 'dropped' and 'labelled failure' in row['note']


@pytest.mark.parametrize(('arguments', 'says'), [
    (('trim',), 'give --begin, --end or both'),
    (('trim', '--begin', 1.5, '--ticks'), '1.5 ticks: they must be whole'),
    (('trim', '--begin', 9), 'leave none; drop it, or trim less'),
    (('label', '--outcome', 'good'), '--outcome good: allowed are success, failure'),
    (('split', '--at', 9, '--first', 'failure'), 'the second part may begin at 1 to 29'),
    (('split', '--at', 1, '--first', 'no'), '--first no: allowed are success, failure'),
    (('restore',), 'has no edits to undo')])
def test_what_cannot_be_done_is_said_with_what_can(bag, arguments, says):
    command, *rest = arguments
    result = inril('demos', command, bag, *rest)
    assert result.exit_code != 0 and says in str(result.exception or result.output)
    assert inril('demos', 'drop', bag.parent).exit_code != 0, 'that is no bag'


@pytest.mark.parametrize('command', ['drop', 'label', 'trim', 'split', 'restore'])
def test_help_says_what_follows(command):
    told = ' '.join(inril('demos', command, '--help').output.split())
    assert {'drop': 'inril demos restore takes them back', 'label': "isn't imitated any more",
            'trim': 'whatever was trimmed before', 'split': 'as if the robot had been put there',
            'restore': 'as they were recorded'}[command] in told
