# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Wrong input gets one clear message, and stands in the way of nothing afterwards."""

import re
import shutil

import pytest
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from running_command import refused, ROOT, succeeded
from small_run import copy_after, demo_arguments, finetune_arguments, read, SETTINGS, TASK, tree
import yaml

from inril_ros.data.raw.typestore import ros_typestore

ROBOT = ROOT / 'config' / 'robots' / 'metaworld_sawyer.yaml'


def with_key(path, key, value):
    """Write the built-in arm's contract with one key set; return the file."""
    content = yaml.safe_load(ROBOT.read_text())
    part = content
    for name in key.split('.')[:-1]:
        part = part[name]
    part[key.split('.')[-1]] = value
    path.write_text(yaml.safe_dump(content))
    return path


def without_topic(bag, topic):
    """Rewrite a bag without one topic."""
    whole = bag.with_name('whole')
    bag.rename(whole)
    with Reader(whole) as reader, Writer(
            bag, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        links = {
            link.id: writer.add_connection(link.topic, link.msgtype, typestore=ros_typestore())
            for link in reader.connections if link.topic != topic}
        for link, stamp, raw in reader.messages():
            if link.id in links:
                writer.write(links[link.id], stamp, raw)
    shutil.rmtree(whole)


# Before anything is begun.

@pytest.mark.parametrize('command', ['demo', 'record'])
def test_an_unknown_task_is_answered_with_the_known_ones(command, tmp_path):
    run = tmp_path / 'run'
    where = ('--run-dir', run) if command == 'demo' else (run,)
    error = refused(tmp_path, command, *where, '--task', 'juggle')
    assert "no task 'juggle'" in error
    assert 'pick-place' in error and 'reach' in error
    assert not run.exists()


@pytest.mark.parametrize('contract', ['metawurld', 'missing.yaml'])
def test_an_unknown_contract_is_answered_with_the_known_ones(contract, tmp_path):
    run = tmp_path / 'run'
    error = refused(tmp_path, 'demo', '--run-dir', run, '--contract', contract)
    assert contract in error and 'metaworld_sawyer' in error
    assert not run.exists()


@pytest.mark.parametrize(('key', 'value', 'told'), [
    ('control_rat', 80.0, 'control_rat: unknown key'),
    ('observations.hand_position.max_age', 'old', 'observations.hand_position.max_age: .*number')])
def test_a_contract_with_a_wrong_key_is_told_with_file_and_key(key, value, told, tmp_path):
    run, contract = tmp_path / 'run', with_key(tmp_path / 'arm.yaml', key, value)
    error = refused(tmp_path, 'demo', '--run-dir', run, '--contract', contract)
    assert str(contract) in error
    assert re.search(told, error), error
    assert not run.exists()


@pytest.mark.parametrize(('text', 'told'), [
    ('updates_per_stp: 0.5', "unknown keys ['updates_per_stp']"),
    ('- gamma', 'expected a mapping'),
    ('gamma: [', 'while parsing')])
def test_wrong_settings_are_told_with_file_and_key(text, told, tmp_path):
    run, settings = tmp_path / 'run', tmp_path / 'settings.yaml'
    settings.write_text(text)
    error = refused(tmp_path, 'demo', '--run-dir', run, '--config', settings)
    assert told in error and str(settings) in error
    assert not run.exists()


@pytest.mark.parametrize(('option', 'value', 'told'), [
    ('--il', 'everything', 'demos, own-successes, both'),
    ('--m', '0', '--m'), ('--demos', 'ten', '--demos'), ('--speed', '9', '--speed')])
def test_a_wrong_option_is_told_with_what_is_allowed(option, value, told, tmp_path):
    run = tmp_path / 'run'
    assert told in refused(tmp_path, 'demo', '--run-dir', run, option, value)
    assert not run.exists()


# A run that lacks something, or is another.

def test_cloning_needs_a_run_and_demonstrations(finished, tmp_path):
    assert 'no run' in refused(tmp_path, 'pretrain', tmp_path / 'nowhere')
    run = copy_after(finished.run_dir, tmp_path / 'run', 'record')
    shutil.rmtree(run / 'demonstrations')
    before = tree(run)
    error = refused(tmp_path, 'pretrain', run)
    assert 'demonstrations' in error and 'inril record' in error
    assert tree(run) == before


def test_fine_tuning_needs_a_cloned_model(recorded, settings, tmp_path):
    before = tree(recorded)
    error = refused(tmp_path, *finetune_arguments(recorded, settings))
    assert 'inril pretrain' in error and str(recorded / 'pretrained') in error
    assert tree(recorded) == before


def test_a_bag_without_a_needed_topic_is_named_and_can_be_replaced(finished, recorded, tmp_path):
    bag = sorted((recorded / 'demonstrations').iterdir())[1]
    without_topic(bag, '/hand_pose')
    before = tree(recorded)
    error = refused(tmp_path, 'pretrain', recorded, '--clone-steps', 2)
    assert f"{bag}: lacks the topics ['hand_pose']" in error
    assert tree(recorded) == before
    shutil.rmtree(bag)
    shutil.copytree(finished.run_dir / 'demonstrations' / bag.name, bag)
    succeeded(tmp_path, 'pretrain', recorded, '--clone-steps', 2)


def test_a_bag_of_another_contract_is_refused(recorded, tmp_path):
    with_key(recorded / 'contract.yaml', 'actions.hand_velocity.maximum', [0.5, 0.5, 0.5])
    error = refused(tmp_path, 'pretrain', recorded, '--clone-steps', 2)
    assert str(recorded / 'demonstrations') in error and 'recorded under contract' in error
    assert not (recorded / 'pretrained').exists()


def test_a_damaged_model_is_not_evaluated(finished, recorded, tmp_path):
    run = copy_after(finished.run_dir, tmp_path / 'damaged', 'pretrain')
    weights = run / 'pretrained' / 'model.safetensors'
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    arguments = ('evaluate', run, '--model', 'pretrained', '--episodes', 1, '--json')
    error = refused(tmp_path, *arguments)
    assert str(weights) in error and 'damaged' in error
    assert 'policy_node' in error
    weights.write_bytes(whole)
    succeeded(tmp_path, *arguments)
    assert read(run / 'evaluations' / 'pretrained.json')['n'] == 1


def test_only_the_two_models_of_a_run_are_evaluated(recorded, tmp_path):
    assert 'pretrained or finetuned' in refused(
        tmp_path, 'evaluate', recorded, '--model', 'best')
    assert 'pretrained is missing' in refused(
        tmp_path, 'evaluate', recorded, '--model', 'pretrained')


@pytest.mark.parametrize(('change', 'told'), [
    (('--seed', '5'), 'seed: 5 asked for, 0 in the run'),
    (('--task', 'push'), f"task: 'push' asked for, '{TASK}' in the run")])
def test_another_run_is_not_resumed(change, told, finished, settings, tmp_path):
    before = tree(finished.run_dir)
    error = refused(tmp_path, *demo_arguments(finished.run_dir, settings), '--resume', *change)
    assert told in error
    assert tree(finished.run_dir) == before


def test_fine_tuning_is_not_resumed_with_other_settings(cloned, settings, tmp_path):
    # Begun and cut off at once: what counts is that it was begun with these settings.
    (cloned / 'finetune').mkdir()
    begun = {**yaml.safe_load(SETTINGS), 'imitation_source': 'both'}
    (cloned / 'finetune' / 'config.yaml').write_text(yaml.safe_dump(begun))
    before = tree(cloned)
    error = refused(tmp_path, *finetune_arguments(cloned, settings, '--resume', '--m', 8))
    assert 'm: 8 asked for, 4 in the run' in error
    assert tree(cloned) == before
