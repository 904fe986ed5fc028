# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""`inril camera`: demonstrations with one view, and views that are accepted."""

from drawn_scene import HEIGHT, image, WIDTH
import pytest
from small_arm import DESCRIPTION as ARM
from synthetic_robot import bag_of, recording
from typer.testing import CliRunner
import yaml

from inril_ros.cli.main import app
from inril_ros.data.cameras.view_check import measure_view
from inril_ros.data.cameras.view_folder import ViewFolder
from inril_ros.data.run.run_directory import new_settings, RunDirectory
from inril_ros.robot.contract.contract import load_contract

SEEING = {**ARM, 'cameras': {'front': {'topic': 'front', 'width': WIDTH, 'height': HEIGHT}},
          'policy_images': {'cameras': ['front'], 'width': 32, 'height': 24}}


def inril(*arguments):
    done = CliRunner(env={'COLUMNS': '300'}).invoke(app, [str(part) for part in arguments])
    return done.exit_code, done.output + str(done.exception or '')


def made(folder, description, views=()):
    """Return a run with a demonstration for each shift of the view [px]."""
    (folder / 'arm.yaml').write_text(yaml.safe_dump(description))
    run = RunDirectory.create(folder / 'run', new_settings('lift', 0, folder / 'arm.yaml'))
    for number, shift in enumerate(views):
        bag_of(run.demonstrations, recording(
            load_contract(run.contract), 10, seed=number, verdict=1,
            picture=lambda seconds, number=number, shift=shift: image(
                number, shift, arm=round(20 * seconds))), f'{number:04d}_e{number}', keep=True)
    return run


@pytest.fixture
def run(tmp_path):
    return made(tmp_path, SEEING, [0] * 6)


def test_demonstrations_with_one_view_give_the_reference_views(run):
    status, told = inril('camera', 'check', run.path)
    assert status == 0 and 'camera front: 6 demonstrations have its reference view' in told
    view = ViewFolder(run.cameras).read(load_contract(run.contract))['front']
    assert view.places and not measure_view(view, image(50)).displacement


def test_a_demonstration_with_a_moved_camera_is_named(tmp_path):
    run = made(tmp_path, SEEING, [0, 0, 0, 0, 9, 0])
    status, told = inril('camera', 'check', run.path)
    assert status == 1
    assert '0004_e4: camera front is moved' in told and '9 px to the right of 128' in told


def test_an_accepted_view_is_what_demonstrations_are_compared_with_until_it_is_undone(run):
    assert inril('camera', 'check', run.path)[0] == 0
    folder, contract = ViewFolder(run.cameras), load_contract(run.contract)
    folder.keep_refused(folder.read(contract), {'front': image(50, -9)})
    assert inril('camera', 'renew', run.path)[0] == 0
    status, told = inril('camera', 'check', run.path)
    assert status == 1 and '9 px to the right' in told
    assert inril('camera', 'renew', run.path, '--demonstrations')[0] == 0
    assert inril('camera', 'check', run.path)[0] == 0


def test_there_must_be_something_to_accept(run):
    assert inril('camera', 'check', run.path)[0] == 0
    status, told = inril('camera', 'renew', run.path)
    assert status == 1 and 'no view was refused' in told


def test_a_robot_whose_policy_sees_nothing_has_no_views(tmp_path):
    status, told = inril('camera', 'check', made(tmp_path, ARM).path)
    assert status == 1 and 'has no policy_images' in told
