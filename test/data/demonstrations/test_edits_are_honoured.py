# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""All that use demonstrations use them as edited, and nothing reads them past their edits."""

import ast
from contextlib import nullcontext
import json
from pathlib import Path
from types import SimpleNamespace

from edited_folder import edited_run, EXPECTED, IMITATED, without_edits
import numpy as np
import pytest
from typer.testing import CliRunner

from inril_ros.bench.demonstrations import demonstrate, used_bags
from inril_ros.cli.main import app
from inril_ros.cli.report.film_strips import films_of
from inril_ros.cli.reward.labelled_bags import labelled_bags
from inril_ros.data.audit.audit import read_folder
from inril_ros.data.bags.bags import BagError
from inril_ros.data.cameras.demonstrated_views import demonstrated_views
from inril_ros.data.demonstrations import editing
from inril_ros.data.demonstrations.aligned_cache import aligned_episode
from inril_ros.data.demonstrations.demonstration_set import list_demonstrations, put_aside, remove
from inril_ros.data.demonstrations.npz_export import export_npz
from inril_ros.data.demonstrations.pieces import aligned_piece, find_pieces, read_piece
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.lerobot.export import export_lerobot
from inril_ros.data.lerobot.importing import import_lerobot
from inril_ros.learning.judge.frame_labels import Correction, DONE, LabelRule, NOT_DONE
from inril_ros.nodes.conducting.demonstrations import record_demonstrations
from inril_ros.nodes.learner.demonstrations import heldout_demonstrations, read_demonstrations

ROOT = Path(__file__).parents[3] / 'inril_ros'


@pytest.fixture(scope='module')
def lab(tmp_path_factory):
    return edited_run(tmp_path_factory.mktemp('lab'))


@pytest.fixture(scope='module')
def recorded(lab):
    """The arrays of each bag as it was recorded."""
    folder = without_edits(lab.demos)
    return {path.parent.name: aligned_episode(path.parent, lab.contract)
            for path in folder.glob('*/metadata.yaml')}


def inril(*arguments):
    return CliRunner(env={'COLUMNS': '250'}).invoke(app, [str(part) for part in arguments])


def test_the_learner_and_the_frames_that_weights_are_tried_on(lab, recorded):
    told = []
    episodes = read_demonstrations(lab.demos, lab.contract, told.append)
    assert list(episodes) == list(IMITATED)
    for name, ticks in IMITATED.items():
        whole = recorded[name[:6]]
        frames = slice(ticks.start, ticks.stop + 1)
        np.testing.assert_array_equal(episodes[name].observations, whole.observations[frames])
        np.testing.assert_array_equal(episodes[name].images, whole.images[frames])
        assert episodes[name].steps == len(ticks) and episodes[name].success
        assert episodes[name].rewards.tolist() == [*[0.0] * (len(ticks) - 1), 1.0]
    assert ('of 5 demonstrations 1 dropped (0003_d), 2 labelled a failure and not imitated '
            '(0002_c.1, 0004_e), 1 trimmed (0001_b), 1 split (0002_c)') in told[0]


def test_pretraining_which_notes_them(lab):
    done = inril('pretrain', lab.run.path, '--clone-steps', 1, '--rest', 0, '--device', 'cpu',
                 '--despite-findings')
    assert done.exit_code == 0, done.output
    assert '1 dropped (0003_d)' in done.output
    record = json.loads(lab.run.pretrain_record.read_text())
    assert record['transitions'] == sum(len(ticks) for ticks in IMITATED.values())
    assert record['demonstrations'] == len(IMITATED)
    assert record['edits']['0003_d'][0]['note'] == 'bumped the table'
    assert sorted(record['edits']) == ['0001_b', '0002_c', '0003_d', '0004_e']


def test_a_demonstration_that_was_held_out_and_dropped_since_is_named(lab, monkeypatch):
    monkeypatch.setattr('inril_ros.nodes.learner.demonstrations.heldout_names',
                        lambda model: ['0003_d'])
    with pytest.raises(ValueError, match='0003_d, and they are missing.* dropped, split or '
                                         'labelled since, restore them'):
        heldout_demonstrations(lab.run.pretrained, list(IMITATED))


def test_the_audit(lab):
    episodes, errors = read_folder(lab.demos, lab.contract)
    assert {name: len(each.actions) for name, each in episodes.items()} == {
        name: len(ticks) for name, ticks in IMITATED.items()} and not errors


def test_exports_have_failures_with_their_outcome(lab, tmp_path):
    assert export_npz(lab.demos, lab.contract, tmp_path / 'npz') == len(EXPECTED)
    identities = set()
    for name, (ticks, success) in EXPECTED.items():
        with np.load(tmp_path / 'npz' / f'{name}.npz', allow_pickle=False) as arrays:
            assert len(arrays['actions']) == len(ticks)
            assert (arrays['outcome'] == 1) == success and arrays['rewards'].sum() == success
            identities.add(str(arrays['episode_id']))
    assert len(identities) >= 2  # the synthetic robot gives all bags one identity


def test_a_lerobot_dataset_which_comes_back_as_edited(lab, tmp_path):
    assert export_lerobot(lab.demos, lab.contract, tmp_path / 'set') == len(EXPECTED)
    import_lerobot(tmp_path / 'set', lab.contract, tmp_path / 'back')
    back = [read_piece(piece, lab.contract) for piece in find_pieces(tmp_path / 'back')]
    assert [(len(each.actions), each.outcome == 1) for each in back] == [
        (len(ticks), success) for ticks, success in EXPECTED.values()]


def test_an_import_refuses_a_bag_with_edits_and_says_what_keeps_them(lab, tmp_path):
    with pytest.raises(BagError, match='copy the bag and that file into the folder'):
        import_bag([lab.demos / '0001_b'], lab.contract, tmp_path / 'out', ImportOptions())
    assert not (tmp_path / 'out').exists()


def test_the_classifier_learns_from_failures_and_from_nothing_that_was_dropped(lab):
    told = []
    said = {'0001_b': [Correction(0.0, 0.1, NOT_DONE)],  # of frames that are trimmed now
            '0002_c': [Correction(1.0, 1.0, DONE)]}  # before it was split
    found = labelled_bags([lab.demos], lab.contract, LabelRule(), said, told.append)
    assert {each.episode.name: each.episode.success for each in found} == {
        name: success for name, (_, success) in EXPECTED.items()}
    assert told == ['left out: 0003_d: was dropped']
    times = {each.episode.name: each.times for each in found}
    # By the bag it is known what a classifier has seen, however the bag is cut later.
    assert [each.bag for each in found].count('0002_c') == 2
    assert times['0001_b'][0] == pytest.approx(0.3), 'of the recording, as corrections are'
    second = next(each for each in found if each.episode.name == '0002_c.2')
    assert second.episode.labels[np.isclose(second.times, 1.0)].tolist() == [DONE]


def test_reference_views_of_cameras(lab):
    _, first = demonstrated_views(find_pieces(lab.demos), lab.contract)
    greys = {name: int(image.mean()) for name, image in first['front'].items()}
    assert sorted(greys) == sorted(EXPECTED)
    assert greys['0000_a'] < 15 and 15 < greys['0001_b'] < 45 and 65 < greys['0002_c.2'] < 95


def test_film_strips(lab):
    films = films_of(lab.run, [], [], SimpleNamespace()).films
    assert [(film.title, film.told) for film in films] == [
        ('Demonstration 0000_a, the first', 'success'),
        ('Demonstration 0002_c.1, the middle', 'failure'),
        ('Demonstration 0004_e, the last', 'failure')]
    assert films[1].strips['front'][-1].seconds < 1.0 < films[0].strips['front'][-1].seconds


def test_a_study(lab):
    wanted = SimpleNamespace(source='bags', path=str(lab.demos), number=4, keep_failures=True)
    episodes = demonstrate(SimpleNamespace(demonstrations=wanted, label='t'),
                           SimpleNamespace(contract=lab.contract), 0)
    assert [each.steps for each in episodes] == [20, 13, 8, 12]


def test_the_clones_that_a_study_keeps(lab):
    task = SimpleNamespace(demonstrations=SimpleNamespace(source='bags', path=str(lab.demos)))
    before = used_bags(task)
    editing.label(lab.demos / '0000_a', 'failure', 'anna')
    try:
        assert used_bags(task) != before
    finally:
        editing.restore(lab.demos / '0000_a', 'anna')
    assert used_bags(task) == before


def test_the_list_and_the_picture(lab, tmp_path):
    rows = {each.path.name: each for each in list_demonstrations(lab.demos)}
    assert [each.state for each in rows.values()] == ['kept', 'kept', 'kept', 'dropped', 'kept']
    assert rows['0004_e'].outcome == 'failure'
    assert rows['0002_c'].outcome == 'failure, success'
    assert 'bumped the table' in inril('demos', 'list', lab.demos).output
    shown = inril('demos', 'show', lab.demos / '0001_b', '--out', tmp_path / 'b.png')
    assert shown.exit_code == 0, shown.output
    assert '3 ticks at the beginning and 4 at the end of 20 left out by anna' in shown.output
    assert (tmp_path / 'b.png').exists()
    dropped = inril('demos', 'show', lab.demos / '0003_d', '--out', tmp_path / 'd.png')
    assert dropped.exit_code == 0 and 'dropped by ben' in dropped.output


def test_a_recording_goes_on_until_there_are_as_many_as_wanted_without_dropped_ones(lab):
    """Attempts keep their numbers, so no episode is recorded under the name of another."""
    asked = []

    class Recorded(Exception):
        pass

    def episode_id(*names):
        asked.append(names)
        raise Recorded

    job = SimpleNamespace(
        run=lab.run, options=SimpleNamespace(demonstrations=4, simulation=''),
        contract=lab.contract, reporter=SimpleNamespace(say=print), episode_id=episode_id)

    def bar(reporter, name, total, unit, done):
        asked.append(done)
        return nullcontext()

    with pytest.raises(Recorded):
        record_demonstrations(job, SimpleNamespace(attended=True, bar=bar, run_episode=None))
    assert asked == [len(IMITATED), ('record', 5)]


def test_what_is_kept_of_a_bag_serves_before_and_after_an_edit(lab, monkeypatch):
    """The arrays are the bag's; edits are views of them, so that none can be out of date."""
    piece = find_pieces(lab.demos)[0]
    whole = aligned_piece(piece, lab.contract)
    monkeypatch.setattr('inril_ros.data.demonstrations.aligned_cache.read_episode', None)
    editing.trim(piece.path, lab.contract, 'anna', begin=5)
    try:
        trimmed = aligned_piece(find_pieces(lab.demos)[0], lab.contract)
    finally:
        editing.restore(piece.path, 'anna')
    np.testing.assert_array_equal(trimmed.observations, whole.observations[5:])
    assert isinstance(trimmed.images, np.memmap)
    again = aligned_piece(find_pieces(lab.demos)[0], lab.contract)
    np.testing.assert_array_equal(again.observations, whole.observations)


def test_edits_go_where_their_bag_goes(tmp_path):
    lab = edited_run(tmp_path)
    put_aside(lab.demos / '0001_b')
    assert (lab.demos / 'rejected' / '0001_b.edits.json').exists()
    remove(lab.demos / '0002_c')
    assert not (lab.demos / '0002_c.edits.json').exists()
    assert [piece.name for piece in find_pieces(lab.demos)] == ['0000_a', '0004_e']


def test_nothing_else_reads_episodes_of_demonstrations():
    """A reader of its own would not know that an episode was dropped.

    Those who show recordings, to be edited, read them as they are.
    """
    here, shows = 'data/demonstrations', {'cli/demos/show.py', 'console/demonstrations.py'}
    may = {'read_episode': {f'{here}/aligned_cache.py', f'{here}/pieces.py', *shows},
           'aligned_episode': {f'{here}/pieces.py', f'{here}/editing.py', *shows},
           'find_bags': {f'{here}/pieces.py'}}
    for file in ROOT.rglob('*.py'):
        place = file.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                for name in node.names:
                    assert place in may.get(name.name, {place}), (
                        f'{file}: {name.name}: read demonstrations through pieces.py')
