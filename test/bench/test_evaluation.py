# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""When success is measured, from which states, by whom, and what the rows say about it."""

import pytest

from inril_ros.bench import clone_evaluation
from inril_ros.bench import run as run_module
from inril_ros.bench.evaluation import evaluate, Evaluation
from inril_ros.bench.places import StudyPlace
from inril_ros.bench.report.training_episodes import training_episodes
from inril_ros.bench.run import execute
from inril_ros.bench.study import parse_study
from inril_ros.bench.vectorised import Lanes
from inril_ros.learning.interleave.alignment_events import pooled_again
from inril_ros.sim.seeds import derived_seed

pytestmark = pytest.mark.filterwarnings('ignore:Constant')
DPPO = {'name': 'dppo', 'rollout_steps': 40, 'epochs': 1, 'batch': 40, 'warmup_iterations': 0,
        'chain_steps': 2}


@pytest.fixture
def blocks(document):
    """Iterations of 40 steps; a block of imitation after every fourth."""
    document.update(env_steps=320, evaluation={'at': [0, 160, 320], 'episodes': 1})
    document['session'] = {'host': DPPO, 'unit': 'iteration', 'm': 4, 'il_steps': 2,
                           'imitation_batch': 8}
    document['arms'] = [{'name': 'in-ril'}, {'name': 'rl-only', 'session': {'m': None}}]
    return document


@pytest.fixture(scope='module')
def clones(tmp_path_factory):
    """A cache of clones and their evaluations, for all tests that don't look into it."""
    return tmp_path_factory.mktemp('clones')


def rows_of(document, folder, clones):
    place = StudyPlace(folder)
    return [execute(run, place.run(run), clones) for run in parse_study(document).runs()]


def test_studies_have_200_initial_states_that_tuning_never_saw():
    studies, tuning = Evaluation(), Evaluation(states='tuning')
    assert (studies.episodes, tuning.episodes) == (200, 50)
    # Those of `inril evaluate`.
    assert [tuning.scene(index) for index in range(50)] == [
        derived_seed('evaluation', index) for index in range(50)]
    seen = {tuning.scene(index) for index in range(1000)}
    assert len({studies.scene(index) for index in range(200)} - seen) == 200


def test_the_states_of_a_study_are_played_and_named_in_its_rows(document, tmp_path, monkeypatch):
    played = []
    play = Lanes.play

    def watched(lanes, policy, seeds, *arguments, **options):
        played.extend([] if options.get('explore') else seeds)
        return play(lanes, policy, seeds, *arguments, **options)

    monkeypatch.setattr(Lanes, 'play', watched)
    (rows,) = rows_of(document, tmp_path, tmp_path / 'clones')
    assert played == [Evaluation().scene(index) for index in range(3)] * 3
    assert {row['states'] for row in rows} == {'studies'}


def test_an_evaluation_is_after_half_of_a_cycle_and_not_after_a_block(blocks, tmp_path, clones):
    blocks['arms'].append({'name': 'no-blocks', 'session': {'unit': 'minibatch', 'il_steps': 1}})
    with_blocks, alone, without_blocks = rows_of(blocks, tmp_path, clones)
    assert [row['point'] for row in with_blocks] == [0, 160, 320]
    assert [row['env_steps'] for row in with_blocks] == [0, 240, 400]
    assert [row['phase'] for row in with_blocks] == [None, 0.5, 0.5]
    assert [row['il_updates'] for row in with_blocks] == [0, 2, 4]
    for rows in (alone, without_blocks):
        assert [row['env_steps'] for row in rows] == [0, 160, 320]
    assert [row['phase'] for row in alone] == [None] * 3
    assert without_blocks[-1]['il_updates'] > 0


def test_no_evaluation_waits_for_longer_than_to_the_next_point(blocks, tmp_path, clones):
    blocks.update(env_steps=80, evaluation={'at': [0, 80], 'episodes': 1})
    blocks['arms'] = [{'name': 'rare', 'session': {'m': 100}}]
    (rows,) = rows_of(blocks, tmp_path, clones)
    assert [(row['env_steps'], row['phase']) for row in rows] == [(0, None), (160, 0.04)]


def test_a_run_that_waits_for_its_phase_resumes_bit_for_bit(
        blocks, tmp_path, clones, monkeypatch):
    blocks['arms'] = blocks['arms'][:1]
    (unbroken,) = rows_of(blocks, tmp_path / 'unbroken', clones)
    run, place = parse_study(blocks).runs()[0], StudyPlace(tmp_path / 'killed')
    write, saved = run_module.artifact.write_folder, []

    def until_the_fifth(*arguments, **options):
        saved.append(write(*arguments, **options))
        if len(saved) == 5:  # at 200 steps, where the evaluation of 160 waits
            raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(run_module.artifact, 'write_folder', until_the_fifth)
        with pytest.raises(InterruptedError):
            execute(run, place.run(run), clones, save_seconds=0.0)
    resumed = execute(run, place.run(run), clones)

    def kept(rows):
        return [{name: value for name, value in row.items() if not name.endswith('_seconds')}
                for row in rows]

    assert kept(resumed) == kept(unbroken)


def test_a_clone_is_evaluated_once_for_all_arms_that_act_as_it_does(
        document, tmp_path, monkeypatch):
    document['arms'] = [
        {'name': 'in-ril'}, {'name': 'rl-only', 'session': {'m': None}},
        {'name': 'late', 'session': {'host': {'warmup_steps': 80}}},
        {'name': 'dppo', 'session': {'host': DPPO, 'm': None}}]
    document['env_steps'] = 1
    evaluated = []

    def counted(lanes, policy, evaluation):
        evaluated.append(type(policy).__name__)
        return evaluate(lanes, policy, evaluation)

    monkeypatch.setattr(clone_evaluation, 'evaluate', counted)
    place = StudyPlace(tmp_path)
    runs = parse_study(document).runs()
    results = [execute(run, place.run(run), place.clones) for run in runs]
    assert evaluated == ['BestOfN', 'DenoisingChainPolicy']
    assert len({rows[0]['outcomes'] for rows in results[:3]}) == 1
    # As if it had not been kept.
    bench = run_module.bench_of(runs[0].task)
    lanes = Lanes(bench.open_shifted, bench.contract, bench.time_limit, 2, bench.urdf)
    clone = run_module.clone_of(runs[0], bench, place.clones)
    again = evaluate(lanes, clone.policy, runs[0].evaluation)
    assert results[0][0]['mean_return'] == sum(again.returns) / 3

    document['evaluation']['states'] = 'tuning'
    other = parse_study(document).runs()[0]
    execute(other, place.run(other), place.clones)
    assert len(evaluated) == 3


def test_rows_keep_every_training_episode_and_the_minutes_they_cost(document, tmp_path, clones):
    document['robot'] = {'rate': 5.0, 'reset_seconds': 30.0}
    document['evaluation']['every'] = 60  # rounds end at 40, 80, 120, 160
    (rows,) = rows_of(document, tmp_path, clones)
    episodes = training_episodes(rows)
    assert [(each.steps, each.success, each.env_steps) for each in episodes] == [
        (20, False, 20 * (index + 1)) for index in range(8)]
    assert [row['episodes'] for row in rows] == [0, 4, 6, 8]
    assert [row['env_steps'] for row in rows] == [0, 80, 120, 160]
    for number, row in enumerate(rows, start=1):
        assert len(training_episodes(rows[:number])) == row['episodes']
        assert row['person_minutes'] == row['episodes'] * 0.5
        assert row['robot_minutes'] == pytest.approx(
            row['env_steps'] / 300 + row['person_minutes'], abs=1e-3)
    # Another rate is another price for the same results.
    document['robot'] = {'rate': 1.0, 'reset_seconds': 0.0}
    read = StudyPlace(tmp_path).read_rows(parse_study(document).runs())
    assert [row['robot_minutes'] for row in read] == [0.0, 1.333, 2.0, 2.667]
    assert [row['weights_hash'] for row in read] == [row['weights_hash'] for row in rows]


def test_a_round_that_passes_several_points_gives_its_episodes_once(document, tmp_path, clones):
    document.update(env_steps=40, evaluation={'every': 10, 'episodes': 1})
    (rows,) = rows_of(document, tmp_path, clones)
    assert len(rows) == 5
    assert [each.env_steps for each in training_episodes(rows)] == [20, 40]


def test_rows_keep_the_products_of_each_measured_event(document, tmp_path, clones):
    document.update(evaluation={'at': [0, 80, 160], 'episodes': 1})
    document['session'] = {'imitation_batch': 8, 'm': 10, 'alignment_every': 1, 'host': {
        'name': 'actor_critic', 'batch': 8, 'warmup_steps': 40, 'warmup_updates': 5}}
    (rows,) = rows_of(document, tmp_path, clones)
    assert rows[0]['events'] == []
    events = [event for row in rows for event in row['events']]
    assert len(events) > 4
    assert pooled_again(events, least_events=2)['whole'].events == len(events)
    for row in rows[1:]:
        inner = [event['products']['whole'][0] for event in row['events']]
        assert sum(inner) / len(inner) == pytest.approx(row['log']['alignment_inner'], rel=1e-4)
