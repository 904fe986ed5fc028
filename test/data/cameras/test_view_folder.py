# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reference views are read as they were written, or not at all."""

import json

from drawn_scene import demonstrated, HEIGHT, image, WIDTH
import numpy as np
import pytest
from small_arm import DESCRIPTION

from inril_ros.data.cameras.reference_view import reference_view
from inril_ros.data.cameras.view_folder import ViewFolder
from inril_ros.data.record_files import RecordError
from inril_ros.robot.contract.contract import parse_contract

SEEING = {**DESCRIPTION, 'policy_images': {'cameras': ['front'], 'width': 32, 'height': 24},
          'cameras': {'front': {'topic': 'front', 'width': WIDTH, 'height': HEIGHT}}}
CONTRACT = parse_contract(SEEING)
VIEWS = {'front': reference_view(*demonstrated())}


@pytest.fixture
def folder(tmp_path):
    made = ViewFolder(tmp_path / 'run' / 'cameras')
    made.write(VIEWS, CONTRACT, 'demonstrations')
    return made


def test_views_are_read_as_they_were_written(folder):
    [(name, view)] = folder.read(CONTRACT).items()
    assert name == 'front' and view.places == VIEWS[name].places and view.places
    np.testing.assert_array_equal(view.image, VIEWS[name].image)
    assert (view.sharpness, view.brightness, view.saturated) == (
        VIEWS[name].sharpness, VIEWS[name].brightness, VIEWS[name].saturated)


def test_the_views_of_a_run_are_found_from_its_models(folder):
    run = folder.path.parent
    for model in run / 'pretrained', run / 'finetune' / 'versions' / '0007_abc':
        assert ViewFolder.around(model).path == folder.path
    assert ViewFolder.around(run.parent / 'elsewhere') is None


def test_views_under_another_contract_are_refused(folder):
    other = parse_contract({**SEEING, 'name': 'other'})
    with pytest.raises(RecordError, match='contract'):
        folder.read(other)


@pytest.mark.parametrize(('damage', 'words'), [
    (lambda folder: (folder.path / 'front.png').unlink(), 'cannot be read'),
    (lambda folder: (folder.path / 'front.png').write_bytes(b'no image'), 'no image'),
    (lambda folder: folder.record.write_text('{'), 'JSON'),
    (lambda folder: folder.keep_refused(VIEWS, {'front': image(1)}) or (
        folder.path / 'refused' / 'front.png').rename(folder.path / 'front.png'), 'is not the'),
    (lambda folder: changed(folder, places=[[5000, 0]]), 'outside'),
    (lambda folder: changed(folder, places=[[-1, 0]]), 'places'),
    (lambda folder: changed(folder, sharpness='high'), 'sharpness')])
def test_damaged_views_are_refused_with_the_file_that_is_damaged(folder, damage, words):
    damage(folder)
    with pytest.raises(RecordError, match=words) as error:
        folder.read(CONTRACT)
    assert str(folder.path) in str(error.value)


def changed(folder, **values):
    record = json.loads(folder.record.read_text())
    record['cameras']['front'] |= values
    folder.record.write_text(json.dumps(record))


def test_refused_images_are_kept_until_views_are_made_again(folder):
    assert not folder.refused(CONTRACT)
    folder.keep_refused(VIEWS, {'front': image(1, 9)})
    np.testing.assert_array_equal(folder.refused(CONTRACT)['front'], image(1, 9))
    assert folder.picture.exists()
    folder.write(VIEWS, CONTRACT, 'again')
    assert not folder.refused(CONTRACT) and not folder.picture.exists()
