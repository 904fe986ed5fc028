# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A launch file that is given a run needs nothing else; what contradicts the run is refused."""

from pathlib import Path

from launch_stub import started
import pytest

from inril_ros.data.record_files import JsonLines, write_json
from inril_ros.data.run.best_model import best_model
from inril_ros.data.run.run_directory import new_settings, RunDirectory, RunDirectoryError
from inril_ros.graph.run_options import completed, ContradictsRun

ROBOTS = Path(__file__).parents[2] / 'config' / 'robots'
CONTRACT = ROBOTS / 'mock_arm.yaml'


@pytest.fixture
def run(tmp_path):
    run = RunDirectory.create(tmp_path / 'run', new_settings('lift', 7, CONTRACT))
    write_json(run.pretrained / 'model.json', {'content_hash': 'a'})
    return run


def conductors(nodes):
    return [{**node['parameters'][0], 'namespace': node['namespace'], 'respawn': node['respawn']}
            for node in nodes if node['executable'] == 'conductor_node']


def test_a_recording_by_launch_begins_a_run_and_a_conductor_asks_for_its_episodes(tmp_path):
    nodes, _, _ = started('record', run=str(tmp_path / 'new'), contract=str(CONTRACT),
                          task='lift', episodes='4', seed='3')
    run = RunDirectory.open(tmp_path / 'new')
    assert (run.settings.task, run.settings.seed, run.settings.simulation) == ('lift', 3, '')
    (conductor,) = conductors(nodes)
    assert (conductor['stage'], conductor['episodes'], conductor['respawn']) == ('record', 4, True)
    assert conductor['nodes'] == ['actuation_node', 'recorder_node']
    told = {node['executable']: node['parameters'][0] for node in nodes}
    assert told['recorder_node']['demonstrations'] == str(run.demonstrations)
    assert told['actuation_node']['run_id'] == run.settings.run_id
    assert told['actuation_node']['person_starts'] is False, 'two who ask would be in the way'


def test_fine_tuning_by_launch_needs_the_run_alone(run):
    nodes, _, _ = started('finetune', run=str(run.path))
    told = {node['executable']: node['parameters'][0] for node in nodes}
    learner = told['learner_node']
    assert (learner['pretrained'], learner['run_dir'], learner['seed']) == (
        str(run.pretrained), str(run.finetune), 7)
    assert learner['config'] == str(run.config) and run.config.exists()
    assert 'evaluation' not in run.config.read_text(), 'it is no setting of the learner'
    conductor = told['conductor_node']
    assert conductor['nodes'] == ['actuation_node', 'policy_node', 'recorder_node', 'learner_node']
    assert (conductor['evaluation_every'], conductor['evaluation_episodes']) == (5000, 10)
    assert told['policy_node']['hold_first'] is True


def test_episodes_of_learning_are_cut_by_launch_as_the_settings_of_the_run_say(run, tmp_path):
    write_json(run.pretrain_record, {'demonstrations': 4, 'transitions': 202})
    settings = tmp_path / 'settings.yaml'
    settings.write_text('{episode_cut: 1.5, evaluation: null}')
    for given, ticks in ({}, 76), ({'longest_rollout': '9'}, 9):
        nodes, _, _ = started(
            'finetune', run=str(run.path), finetune_config=str(settings), **given)
        settings = run.config
        (actuation,) = (node for node in nodes if node['executable'] == 'actuation_node')
        assert actuation['parameters'][0]['longest_rollout'] == ticks


def test_each_of_several_robots_has_a_conductor_and_records_of_its_own(run):
    nodes, _, _ = started('finetune', run=str(run.path), robots='left,right')
    found = conductors(nodes)
    assert [(each['namespace'], each['robot'], each['learner']) for each in found] == [
        (robot, robot, '/learner_node') for robot in ('left', 'right')]
    assert found[0]['nodes'] == ['actuation_node', 'policy_node', 'recorder_node', '/learner_node']
    assert found[0]['evaluation_every'] == 0
    journals = [node['parameters'][0]['journal'] for node in nodes
                if node['executable'] == 'recorder_node']
    own = [RunDirectory.open(run.path, robot) for robot in ('left', 'right')]
    assert journals == [str(each.journal) for each in own]
    assert own[0].episodes == run.path / 'robots' / 'left' / 'finetune' / 'episodes.jsonl'
    assert own[0].finetuned == own[1].finetuned == run.finetuned


def test_a_robot_whose_learner_is_elsewhere_waits_for_it_in_the_namespace_above(run):
    nodes, _, _ = started('finetune', run=str(run.path), namespace='left', learner='false')
    (conductor,) = conductors(nodes)
    assert (conductor['learner'], conductor['nodes'][-1]) == ('/learner_node', '/learner_node')


def test_without_a_run_somebody_else_asks():
    nodes, _, _ = started('record', contract='arm.yaml', demonstrations='demos')
    assert conductors(nodes) == []
    assert nodes[0]['parameters'][0]['person_starts'] is True


@pytest.mark.parametrize(('option', 'value', 'said'), [
    ('contract', str(ROBOTS / 'ur5e_joint_trajectory.yaml'), 'another contract'),
    ('task', 'stack', 'task stack'),
    ('simulation', 'metaworld.yaml', 'a real arm'), ('pretrained', 'elsewhere', 'pretrained'),
    ('run_id', 'f', 'run_id f')])
def test_what_contradicts_the_run_is_refused(run, option, value, said):
    noted = RunDirectory(run.path, run.settings)
    write_json(run.path / 'run.json', {
        **{key: getattr(noted.settings, key) for key in (
            'task', 'seed', 'contract', 'contract_hash', 'run_id', 'created',
            'package_version')}, 'simulation': ''}, replace=True)
    with pytest.raises(ContradictsRun, match=said):
        completed('finetune', {'run': str(run.path), option: value})


def test_another_settings_file_than_that_of_the_run_is_refused(run, tmp_path):
    completed('finetune', {'run': str(run.path)})
    other = tmp_path / 'other.yaml'
    other.write_text('m: 3')
    with pytest.raises(ContradictsRun, match='leave finetune_config out'):
        completed('finetune', {'run': str(run.path), 'finetune_config': str(other)})


def test_a_folder_without_a_run_needs_a_contract(tmp_path):
    with pytest.raises(ContradictsRun, match='give the contract'):
        completed('record', {'run': str(tmp_path / 'nothing')})
    (tmp_path / 'thesis.tex').write_text('')
    with pytest.raises(RunDirectoryError, match='not empty'):
        completed('record', {'run': str(tmp_path), 'contract': str(CONTRACT)})


def test_the_best_version_is_evaluated_although_the_learner_wrote_its_newest_one(run):
    row = {'block': 0, 'episode': 0, 'of': 1, 'learner_step': 1, 'env_steps': 5,
           'outcome': 'success', 'ticks': 3}
    with JsonLines(run.judgements) as rows:
        for index in range(20):
            rows.append({**row, 'version': 1, 'content_hash': 'b', 'folder': 'good',
                         'success': True, 'block': index})
        rows.append({**row, 'version': 2, 'content_hash': 'c', 'folder': 'new', 'success': False,
                     'block': 20})
    for folder, digest in ((run.versions / 'good', 'b'), (run.finetuned, 'c')):
        write_json(folder / 'model.json', {'content_hash': digest})
    assert best_model(run) == run.finetuned, 'fine-tuning is not over'
    write_json(run.result, {})
    assert best_model(run) == run.versions / 'good'
    assert completed('evaluate', {'run': str(run.path)})['model'] == str(run.versions / 'good')
    write_json(run.finetuned / 'model.json', {'content_hash': 'b'}, replace=True)
    assert best_model(run) == run.finetuned, 'inril has put it there'
