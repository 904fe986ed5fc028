# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A run knows its robot: none is simulated, or commanded for real, by an option left out."""

from dataclasses import replace
from pathlib import Path

from command_line import refused
import pytest
from stage_of_command import stage_of

from inril_ros.cli.bring_up import Graph
from inril_ros.cli.run.robot_choice import AskedRobot
from inril_ros.data.record_files import read_json, write_json
from inril_ros.data.run.run_directory import new_settings, RunDirectory
from inril_ros.data.run.settings import Setting, UsageError
from inril_ros.robot.contract.contract import load_contract

CONFIG = Path(__file__).parents[2] / 'config'
ARM = CONFIG / 'robots' / 'mock_arm.yaml'
METAWORLD = str(CONFIG / 'simulations' / 'metaworld.yaml')
GAZEBO = str(CONFIG / 'simulations' / 'gazebo_arm.yaml')
STAGES = {
    'record': ('record', '--resume'), 'finetune': ('finetune', '--resume'),
    'evaluate_pretrained': ('evaluate', '--model', 'pretrained')}


@pytest.fixture
def begin(tmp_path):
    """Return what begins a run on a robot; None: on one that it doesn't note, as in the past."""
    def run(simulation, task='reach', contract=ARM, gazebo=False):
        return RunDirectory.create(tmp_path / 'run', replace(
            new_settings(task, 0, contract), simulation=simulation, gazebo=gazebo))
    return run


def command(stage, run, *options):
    name, *rest = STAGES[stage]
    return (name, run.path, *rest, *options)


def robot(job):
    return job.options.simulation, job.options.gazebo


@pytest.mark.parametrize('name', ['record', 'demo'])
def test_a_contract_of_one_s_own_is_never_simulated_unless_that_is_said(name, tmp_path):
    folder = tmp_path / 'run'
    where = ('--run-dir', folder) if name == 'demo' else (folder,)
    error = refused(name, *where, '--contract', ARM)
    assert "say what this robot is: --simulation '' for a real arm" in error
    assert error.strip().count('\n') == 0 and not folder.exists()


@pytest.mark.parametrize(('options', 'simulation'), [
    ((), METAWORLD), (('--contract', ARM, '--simulation', ''), ''),
    (('--contract', 'gazebo_arm', '--simulation', 'gazebo_arm', '--task', 'lift'), GAZEBO)])
def test_a_run_notes_its_robot_when_it_begins(options, simulation, tmp_path):
    job = stage_of('record', tmp_path / 'run', *options)
    assert robot(job) == (simulation, False)
    assert RunDirectory.open(tmp_path / 'run').settings.simulation == simulation


@pytest.mark.parametrize(('options', 'contract'), [
    ((), 'metaworld_sawyer'),
    (('--simulation', 'metaworld_cameras', '--task', 'push'), 'metaworld_sawyer_cameras'),
    (('--simulation', 'gazebo_arm', '--task', 'lift'), 'gazebo_arm'),
    (('--simulation', 'metaworld_cameras', '--contract', 'metaworld_sawyer', '--task', 'push'),
     'metaworld_sawyer')])
def test_a_simulation_comes_with_the_contract_that_its_mapping_names(options, contract, tmp_path):
    stage_of('record', tmp_path / 'run', *options)
    assert load_contract(RunDirectory.open(tmp_path / 'run').contract).name == contract


def test_a_real_arm_has_no_contract_that_nobody_named(tmp_path):
    error = refused('record', tmp_path / 'run', '--simulation', '')
    assert 'give the contract of the real arm' in error and not (tmp_path / 'run').exists()


@pytest.mark.parametrize('stage', STAGES)
@pytest.mark.parametrize(('simulation', 'task', 'gazebo'), [
    ('', 'block', False), (METAWORLD, 'reach', False), (GAZEBO, 'lift', True)])
def test_each_stage_with_nothing_else_runs_on_the_robot_of_the_run(
        begin, stage, simulation, task, gazebo):
    job = stage_of(*command(stage, begin(simulation, task, gazebo=gazebo)))
    assert robot(job) == (simulation, gazebo)
    assert job.run.settings.task == task
    options = job.graph_options(demonstrations='x', model='x')
    assert (bool(options.simulation), options.gazebo) == (bool(simulation), gazebo)


@pytest.mark.parametrize('stage', STAGES)
@pytest.mark.parametrize(('known', 'given', 'told'), [
    ('', METAWORLD, 'is a run on a real arm, not on the simulation'),
    (METAWORLD, '', 'is a run on the simulation .*, not on a real arm')])
def test_a_contradicting_robot_is_refused_in_one_line(begin, stage, known, given, told):
    run = begin(known)
    with pytest.raises(UsageError, match=told) as refusal:
        stage_of(*command(stage, run, '--simulation', given))
    assert '\n' not in str(refusal.value) and str(run.path) in str(refusal.value)


def test_another_robot_can_be_meant_and_then_the_stage_keeps_it(begin):
    run = begin('')
    other = ('--simulation', 'metaworld', '--other-robot')
    job = stage_of('evaluate', run.path, '--model', 'pretrained', *other)
    assert robot(job) == (METAWORLD, False)
    run.keep_settings('evaluate_pretrained', job.options.settings('simulation', 'gazebo'))
    assert robot(stage_of('evaluate', run.path, '--model', 'pretrained')) == (METAWORLD, False)
    assert robot(stage_of('finetune', run.path)) == ('', False)  # the run's
    with pytest.raises(UsageError, match='evaluate_pretrained was begun on the simulation'):
        stage_of('evaluate', run.path, '--model', 'pretrained', '--simulation', '',
                 '--other-robot')


def test_a_run_that_did_not_note_its_robot_has_that_of_its_recording(begin):
    run = begin(None)
    with pytest.raises(UsageError, match="no note of its robot: give --simulation ''"):
        stage_of('finetune', run.path)
    run.keep_settings('evaluate_pretrained', {'simulation': Setting(METAWORLD, 'option')})
    run.keep_settings('record', {'simulation': Setting('', 'option'),
                                 'gazebo': Setting(False, 'default')})
    assert robot(stage_of('finetune', run.path)) == ('', False)
    assert robot(stage_of('record', run.path, '--resume')) == ('', False)


def test_a_mapping_that_moved_with_the_package_is_found_again(begin):
    run = begin('/former/place/config/simulations/metaworld.yaml')
    assert robot(stage_of('finetune', run.path)) == (METAWORLD, False)
    assert robot(stage_of('finetune', run.path, '--simulation', METAWORLD)) == (METAWORLD, False)


def test_a_graph_alone_has_the_robot_of_the_run(begin):
    run = begin('')
    real = Graph().options('evaluate', run)
    assert (real.simulation, real.lockstep, real.teleop_device) == ('', False, 'external')
    with pytest.raises(UsageError, match='is a run on a real arm'):
        Graph(simulation='metaworld').options('evaluate', run)


def test_a_graph_alone_meets_gazebo_where_the_run_does(begin):
    options = Graph().options('record', begin(GAZEBO, 'lift', gazebo=True))
    assert (options.gazebo, options.lockstep, options.use_sim_time) == (True, False, True)


def test_gazebo_needs_not_be_said_again(begin):
    run = begin(GAZEBO, 'lift', gazebo=True)
    assert AskedRobot(GAZEBO).of(run).gazebo and AskedRobot().of(run, 'finetune').gazebo
    with pytest.raises(UsageError, match='not on Gazebo with'):
        AskedRobot('gazebo_arm', gazebo=True).of(RunDirectory(run.path, replace(
            run.settings, gazebo=False)))


def test_a_resumed_stage_keeps_what_was_changed_when_it_was_resumed(begin, monkeypatch):
    """A run that was made longer, and interrupted again, is still the longer one."""
    from inril_ros.cli.stages import stages

    def interrupted(job):
        raise KeyboardInterrupt

    run = begin('')
    for steps in (300, 600):
        job = stage_of('finetune', run.path, '--resume', '--steps', steps)
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setitem(stages._STAGES, 'finetune', ('', interrupted))
            stages.run_stage(job, 'finetune')
    assert stage_of('finetune', run.path, '--resume').options.env_steps == 600
    with pytest.raises(UsageError, match='was begun with synchronous False, not True'):
        stages.run_stage(stage_of('finetune', run.path, '--resume', '--synchronous'), 'finetune')
    assert stage_of('finetune', run.path, '--resume').options.synchronous is False


@pytest.mark.parametrize(('key', 'value'), [('simulation', 7), ('gazebo', 'yes')])
def test_a_damaged_note_is_refused(begin, key, value):
    run = begin('')
    file = run.path / 'run.json'
    write_json(file, {**read_json(file), key: value}, replace=True)
    assert f'{file}:' in refused('finetune', run.path)
