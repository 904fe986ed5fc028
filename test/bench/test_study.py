# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A study is checked before its first run, and expands to runs with an identity."""

import copy
import json

from hypothesis import given
from hypothesis import strategies as st
import pytest
from small_study import SMALL
import yaml

from inril_ros.bench.study import load_study, parse_run, parse_study, Study, StudyError
from inril_ros.learning.session_config import SessionConfig
from inril_ros.robot.configuration_folder import configuration_folder

STUDIES = sorted((configuration_folder() / 'studies').glob('*.yaml'))


@pytest.mark.parametrize('path', STUDIES, ids=lambda path: path.stem)
def test_shipped_studies_can_be_run(path):
    study = load_study(path)
    assert study.runs()
    assert study.name == path.stem


@pytest.mark.parametrize(('change', 'words'), [
    (lambda d: d.update(enviroment_steps=3), ['enviroment_steps', 'unknown key']),
    (lambda d: d['tasks'][0].update(demos=3), ['tasks.0.demos', 'unknown key']),
    (lambda d: d['tasks'][0]['demonstrations'].update(number=0), ['demonstrations.number', '0']),
    (lambda d: d['tasks'][0]['demonstrations'].update(labels='clean'), ['labels', 'expert']),
    (lambda d: d['tasks'][0]['demonstrations'].update(source='bags'), ['needs a path']),
    (lambda d: d['tasks'][0].update(shift={'latency': -1}), ['shift.latency']),
    (lambda d: d['tasks'][0].update(success={'info': 'done'}), ['gymnasium']),
    (lambda d: d['arms'][0]['session'].update(mm=4), ['arm in-ril', 'mm', 'SessionConfig']),
    (lambda d: d['arms'][0]['session'].update(host='ppo'), ['arm in-ril', 'ppo', 'idql']),
    (lambda d: d['pretrain'].update(steps='many'), ['PretrainConfig.steps']),
    (lambda d: d['arms'][0]['session'].update(host='rlpd', schedule='anchor'),
     ['arm in-ril', 'schedule anchor', 'heldout_share: 0.2']),
    (lambda d: d['arms'][0]['session'].update(heldout_share=0.2),
     ['arm in-ril', 'when they are cloned']),
    (lambda d: d['model'].update(kind='best_of_n'), ['kind', 'follow from']),
    (lambda d: d['arms'][0].update(against='nobody'), ['against', 'nobody', 'in-ril']),
    (lambda d: d.update(seeds=[1, 1]), ['seeds', 'twice']),
    (lambda d: d['arms'].append(d['arms'][0]), ['arms', 'twice']),
    (lambda d: d['tasks'].append(d['tasks'][0]), ['tasks', 'twice']),
    (lambda d: d.update(tasks=[]), ['tasks']),
    (lambda d: d.pop('env_steps'), ['env_steps', 'missing']),
    (lambda d: d.update(name='../elsewhere'), ['name']),
    (lambda d: d['evaluation'].update(at=[0, 160]), ['evaluation', 'every', 'at', 'one of them']),
    (lambda d: d.update(evaluation={'at': [0, 80]}), ['evaluation.at', '80', 'env_steps 160']),
    (lambda d: d['arms'][0].update(env_steps=161), ['arm in-ril', '161', '160 of the study']),
    (lambda d: d.update(evaluation={'at': [0, 80, 160]}) or d['arms'][0].update(env_steps=90),
     ['arm in-ril', '[0, 80, 160]', '90', 'one of the points']),
    (lambda d: d.update(evaluation={'at': [0, 80, 80, 160]}), ['evaluation', 'rise']),
    (lambda d: d.update(evaluation={'at': [80, 160]}), ['evaluation', 'begin with 0', 'clone']),
    (lambda d: d['evaluation'].update(states='test'), ['evaluation.states', 'tuning']),
    (lambda d: d.update(robot={'rate': 0}), ['robot.rate']),
])
def test_an_invalid_study_is_refused_with_file_and_key(change, words, document, tmp_path):
    change(document)
    path = tmp_path / 'wrong.yaml'
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(StudyError) as error:
        load_study(path)
    for word in [*words, str(path)]:
        assert word in str(error.value)


def test_a_missing_file_or_one_that_is_no_yaml_is_named(tmp_path):
    path = tmp_path / 'study.yaml'
    with pytest.raises(StudyError, match='study.yaml: cannot be read'):
        load_study(path)
    path.write_text('tasks: [')
    with pytest.raises(StudyError, match='study.yaml: is not YAML'):
        load_study(path)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.text(max_size=8) | st.integers(), inner, max_size=3), max_leaves=8)


@given(data=plain)
def test_any_file_content_is_a_study_or_a_study_error(data):
    with pytest.raises(StudyError):
        parse_study(data)


@given(key=st.sampled_from(sorted(SMALL)), value=plain)
def test_a_study_with_one_value_replaced_is_a_study_or_refused(key, value):
    document = {**copy.deepcopy(SMALL), key: value}
    try:
        study = parse_study(document)
    except StudyError:
        return
    assert isinstance(study, Study)
    assert len(study.runs()) == len(study.tasks) * len(study.arms) * len(study.seeds)


def test_runs_are_all_tasks_by_arms_by_seeds(document):
    document['tasks'].append({'id': 'push'})
    document['arms'] += [{'name': 'rl-only', 'session': {'m': None}}]
    document['seeds'] = [3, 4, 5]
    runs = parse_study(document).runs()
    assert len({run.name for run in runs}) == len({run.hash for run in runs}) == 12
    assert {(run.task.label, run.arm.name, run.seed) for run in runs} == {
        (task, arm, seed) for task in ('reach', 'push') for arm in ('in-ril', 'rl-only')
        for seed in (3, 4, 5)}
    # Runs that start with the same clone are not neighbours: they would wait for each other.
    for first, second in zip(runs, runs[1:]):
        assert (first.task, first.seed) != (second.task, second.seed)


def test_settings_of_an_arm_override_those_of_the_study(document):
    document['session']['m'] = 7
    document['arms'] = [{'name': 'a'}, {'name': 'b', 'session': {'m': 2}}]
    first, second = parse_study(document).full_arms
    assert (first.session_config.m, second.session_config.m) == (7, 2)
    assert second.session_config.imitation_batch == 16


@pytest.mark.parametrize(('own', 'expected'), [
    ({}, {'name': 'idql', 'warmup_steps': 40, 'warmup_updates': 5}),
    ({'warmup_updates': 7}, {'name': 'idql', 'warmup_steps': 40, 'warmup_updates': 7}),
    ({'name': 'idql', 'warmup_updates': 7},
     {'name': 'idql', 'warmup_steps': 40, 'warmup_updates': 7}),
    ('idql', {'name': 'idql', 'warmup_steps': 40, 'warmup_updates': 5}),
    ('rlpd', {'name': 'rlpd'}), ({'name': 'rlpd', 'gamma': 0.5}, {'name': 'rlpd', 'gamma': 0.5}),
])
def test_an_arm_s_host_settings_are_added_to_those_of_the_study(own, expected, document):
    document['arms'] = [{'name': 'a', 'session': {'host': own}}]
    (arm,) = parse_study(document).full_arms
    host = arm.session_config.to_mapping()['host']
    assert host == SessionConfig.from_mapping({'host': expected}).to_mapping()['host']


def test_a_study_s_host_may_leave_out_the_default_name_or_be_a_name_alone(document):
    document['session']['host'] = {'warmup_steps': 40}
    document['arms'] = [{'name': 'a', 'session': {'host': {'name': 'idql', 'gamma': 0.5}}}]
    (arm,) = parse_study(document).full_arms
    assert (arm.session_config.host.warmup_steps, arm.session_config.host.gamma) == (40, 0.5)
    document['session']['host'] = 'rlpd'
    document['arms'] = [{'name': 'a', 'session': {'host': {'gamma': 0.5}}}]
    (arm,) = parse_study(document).full_arms
    assert (arm.host, arm.session_config.host.gamma) == ('rlpd', 0.5)


def test_evaluations_include_the_first_and_the_last_step(document):
    document.update(env_steps=250, evaluation={'every': 100})
    assert parse_study(document).runs()[0].evaluation_steps == [0, 100, 200, 250]
    document['evaluation'] = {'at': [0, 30, 250]}
    assert parse_study(document).runs()[0].evaluation_steps == [0, 30, 250]


def test_an_arm_may_end_at_an_earlier_point_and_is_the_run_of_a_study_that_ends_there(document):
    document.update(env_steps=160, evaluation={'at': [0, 80, 160], 'episodes': 1})
    document['arms'].append({'name': 'short', 'env_steps': 80})
    whole, short = parse_study(document).runs()
    assert (whole.evaluation_steps, short.evaluation_steps) == ([0, 80, 160], [0, 80])
    document.update(env_steps=80, evaluation={'at': [0, 80], 'episodes': 1})
    assert [run.hash for run in parse_study(document).runs()][1] == short.hash


def test_a_run_survives_conversion_to_a_file(study):
    run = study.runs()[0]
    again = parse_run(json.loads(json.dumps(run.document)))
    assert again == run
    assert again.hash == run.hash


@pytest.mark.parametrize('change', [
    lambda d: d.update(env_steps=161), lambda d: d.update(lanes=3), lambda d: d.update(seeds=[1]),
    lambda d: d['evaluation'].update(episodes=4),
    lambda d: d['evaluation'].update(states='tuning'),
    lambda d: d.update(evaluation={'at': [0, 80, 160], 'episodes': 3}),
    lambda d: d['session'].update(m=5) or d['arms'][0].update(session={}),
    lambda d: d['pretrain'].update(steps=6), lambda d: d['model'].update(actor_width=24),
    lambda d: d['tasks'][0]['demonstrations'].update(action_noise=0.1),
    lambda d: d['tasks'][0].update(shift={'latency': 1}),
])
def test_settings_that_change_the_result_change_the_identity(change, document):
    before = parse_study(document).runs()[0].hash
    change(document)
    assert parse_study(document).runs()[0].hash != before


def test_names_and_explicit_defaults_do_not_change_the_identity(document):
    before = parse_study(document).runs()[0].hash
    document.update(name='renamed', notes='other words', robot={'rate': 20.0})
    document['arms'][0].update(name='renamed')
    document['arms'][0]['session']['demonstration_share'] = 0.5
    assert parse_study(document).runs()[0].hash == before
