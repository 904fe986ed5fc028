# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`inril reward`: labels, training and errors of the judge, from the bags of a run."""

import json
from pathlib import Path
import shutil
import sys

import numpy as np
from one_camera_arm import one_camera_arm
import pytest
from typer.testing import CliRunner
import yaml

sys.path.append(str(Path(__file__).parents[1] / 'data'))

from synthetic_robot import bag_of, recording  # noqa: E402

from inril_ros.cli.main import app  # noqa: E402
from inril_ros.data.run.run_directory import new_settings, RunDirectory  # noqa: E402
from inril_ros.learning.judge.judge import load_judge  # noqa: E402
from inril_ros.robot.contract.contract import load_contract  # noqa: E402

SIZE, TICKS = 24, 20


def scene(seconds, reaches, seed):
    """A bright block that moves to the right edge, or stops halfway."""
    chance = np.random.default_rng((seed, int(1000 * seconds) + 10_000))
    image = chance.integers(0, 40, (SIZE, SIZE, 3)).astype(np.uint8)
    column = int(np.clip(14 * seconds, 0, 18 if reaches else 4 + seed % 5))
    image[8:16, column:column + 6] = 220
    return image


def record(run, number, success, reaches=None):
    """Record an episode that a person calls a success or a failure, and that looks like one."""
    rows = recording(
        load_contract(run.contract), TICKS, seed=number, verdict=1 if success else 2,
        picture=lambda seconds: scene(seconds, success if reaches is None else reaches, number))
    bag_of(run.demonstrations, rows, f'{number:04d}_e{number}', keep=success)


def inril(*arguments):
    return CliRunner(env={'COLUMNS': '200'}).invoke(app, [str(part) for part in arguments])


@pytest.fixture(scope='module')
def recorded(tmp_path_factory):
    """A run with four successes and four failures."""
    folder = tmp_path_factory.mktemp('lab')
    (folder / 'arm.yaml').write_text(yaml.safe_dump(one_camera_arm(SIZE, SIZE)))
    run = RunDirectory.create(folder / 'run', new_settings('lift', 0, folder / 'arm.yaml'))
    for number in range(8):
        record(run, number, number % 2 == 0)
    return run


@pytest.fixture(scope='module')
def trained(recorded):
    done = inril('reward', 'train', recorded.path, '--steps', 150, '--needed', 2, '--of', 2,
                 '--done-seconds', 0.4, '--device', 'cpu')
    assert done.exit_code == 0, done.output
    return recorded, done.output


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the run with its judge, to be changed."""
    shutil.copytree(trained[0].path, tmp_path / 'run')
    return RunDirectory.open(tmp_path / 'run')


def test_training_tells_the_errors_and_what_they_do_not_show(trained):
    _, told = trained
    assert 'failures that it calls a success: 0 of 4, 0.0 to 49.0 %' in told
    assert 'successes that it never sees: 0 of 4' in told
    assert '189 episodes without one would show it, here are 8' in told


def test_the_judge_is_kept_with_the_episodes_it_learned_from(trained):
    run, _ = trained
    contract = load_contract(run.contract)
    model = load_judge(run.path / 'judge' / 'model', contract.hash, ['front'])
    assert model.facts['episodes'] == [f'{number:04d}_e{number}' for number in range(8)]
    assert (model.rule.needed, model.rule.of) == (2, 2)
    assert model.facts['labels'] == {'done_seconds': 0.4, 'unknown_seconds': 0.3}
    kept = json.loads((run.path / 'judge' / 'training.json').read_text())
    assert len(kept['judged']) == 8
    assert (run.path / 'judge' / 'errors.png').stat().st_size > 10_000


def test_fresh_episodes_are_counted_and_known_ones_are_not(run):
    refused = inril('reward', 'check', run.path)
    assert refused.exit_code != 0 and 'no episode that the judge has not learned' in str(
        refused.exception)
    record(run, 8, True)
    record(run, 9, False)
    checked = inril('reward', 'check', run.path)
    assert checked.exit_code == 0, checked.output
    assert 'failures that it calls a success: 0 of 1' in checked.output
    assert 'successes that it never sees: 0 of 1' in checked.output


def test_false_successes_beyond_the_bound_end_with_an_error(run):
    """Episodes that look like successes, and that a person calls failures."""
    for number in range(10, 14):
        record(run, number, False, reaches=True)
    checked = inril('reward', 'check', run.path)
    assert 'failures that it calls a success: 4 of 4' in checked.output
    assert checked.exit_code == 1


def test_labels_are_listed(run):
    listed = inril('reward', 'label', run.path).output
    line = next(line for line in listed.splitlines() if '0002_e2' in line)
    assert line.split()[:3] == ['0002_e2', 'success', '2.0']
    done, before, unknown = map(int, line.split()[3:])
    assert (done, before + done + unknown) == (4, 21) and unknown == 3


def test_a_person_corrects_frames_and_everything_said_is_kept(run):
    done = inril('reward', 'label', run.path, '3', '--done', '0.5:0.7', '--unknown', '1:1.2')
    assert done.exit_code == 0, done.output
    assert Path(done.output.strip()).stat().st_size > 10_000
    again = inril('reward', 'label', run.path, '0003_e3', '--not-done', '0.5:0.6')
    assert again.exit_code == 0, again.output
    said = [json.loads(line) for line in
            (run.path / 'judge' / 'labels.jsonl').read_text().splitlines()]
    assert [(each['episode'], each['first'], each['last'], each['label']) for each in said] == [
        ('0003_e3', 0.5, 0.7, 'done'), ('0003_e3', 1.0, 1.2, 'unknown'),
        ('0003_e3', 0.5, 0.6, 'not done')]
    line = next(line for line in inril('reward', 'label', run.path).output.splitlines()
                if '0003_e3' in line)
    assert line.split() == ['0003_e3', 'success', '2.0', '1', '17', '3']


@pytest.mark.parametrize(('arguments', 'told'), [
    (('3', '--done', '5:6'), 'from 0 to 2 s'), (('3', '--done', '2:1'), 'from 0 to 2 s'),
    (('3', '--done', 'end'), "'end': give the first and the last second"),
    (('77',), '0 episodes are named'), (('', '--done', '1:2'), 'need the name of an episode')])
def test_a_correction_that_names_no_frame_is_refused_and_not_kept(arguments, told, run):
    refused = inril('reward', 'label', run.path, *arguments)
    assert refused.exit_code != 0 and told in f'{refused.output}{refused.exception}'
    assert not (run.path / 'judge' / 'labels.jsonl').exists()


def test_a_bag_without_a_verdict_is_left_out_and_said(run):
    bag_of(run.demonstrations, recording(
        load_contract(run.contract), TICKS, verdict=0), '0020_e20')
    listed = inril('reward', 'label', run.path).output
    assert 'left out: 0020_e20: nobody said whether it succeeded' in listed


def test_a_judge_of_another_contract_is_refused(run):
    other = yaml.safe_load(run.contract.read_text())
    other['control_rate'] = 12.5
    run.contract.write_text(yaml.safe_dump(other))
    refused = inril('reward', 'check', run.path)
    assert refused.exit_code != 0 and 'another contract' in str(refused.exception)


def test_a_robot_whose_policy_has_no_cameras_is_told_so(run):
    blind = yaml.safe_load(run.contract.read_text())
    del blind['policy_images']
    run.contract.write_text(yaml.safe_dump(blind))
    refused = inril('reward', 'train', run.path)
    assert refused.exit_code != 0 and 'has no policy_images' in str(refused.exception)
